# look.gp -- what all figures share.  A figure's script fills `legend_text`, an array with one entry
# per curve and, where printed curves are drawn, one for them, sets `legend_curves` to how many are
# no printed ones, and then loads this file; core/draw/plot.h lists the variables both are given.
#
#   linestyle k           of curve k; its last point has `pointtype last_point(k)`; linestyle 100 is
#                         for printed curves
#   panel_left, _right, _top, _bottom     the room for panels, in screen coordinates, between legend
#                         and caption
#   small, dot            a type size for what is not the subject, the size of a point
#   set_page              a command string: `eval set_page` puts title, legend, caption on the page
#   unset_page            takes them off again, for a further panel on the same page
# The legend is made of labels, not of gnuplot's key, whose columns follow a guess at the width of
# the type.

set encoding utf8
set decimalsign '.'
set datafile separator "\t"
set datafile columnheaders

# One page in the units of three terminals; type and lines in the same proportion.  SVG keeps its
# labels farther from the axes than the others.
if (format eq 'png') {
    set terminal pngcairo noenhanced background '#ffffff' size 1800,1150 font 'Sans,19' \
        linewidth 2.2 rounded
    small = ',17'
    large = ',21'
    dot = 1.7
}
if (format eq 'svg') {
    set terminal svg noenhanced background '#ffffff' size 1080,690 font 'sans-serif,15.2' \
        linewidth 1.25 rounded
    small = ',13.6'
    large = ',16.8'
    dot = 0.65
    set xtics offset 0, 0.4
    set xlabel offset 0, 0.6
    set ylabel offset 1.4, 0
}
if (format eq 'pdf') {
    set terminal pdfcairo noenhanced size 16cm,10.22cm font 'Sans,9.5' linewidth 1.0 rounded
    small = ',8.5'
    large = ',10.5'
    dot = 0.5
}
# A panel by itself, of a report: wide enough for half a page, with type that a telephone can show.
# Its words stand around it, and its background is the page's.
if (format eq 'panel-svg') {
    set terminal svg noenhanced size 560,400 font 'sans-serif,16' linewidth 1.4 rounded
    small = ',15'
    large = ',16'
    dot = 0.75
    set xtics offset 0, 0.3
    set xlabel offset 0, 0.5
    set ylabel offset 1.2, 0
}
if (format eq 'panel-pdf') {
    set terminal pdfcairo noenhanced size 8.4cm,6cm font 'Sans,8' linewidth 1.0 rounded
    small = ',7.5'
    large = ',8'
    dot = 0.45
}
set output output

# Colours that colour-blind readers tell apart, most of them Okabe and Ito's, and a shape each for
# the last point.
set style line 1 linecolor rgb '#0072B2'
set style line 2 linecolor rgb '#D55E00'
set style line 3 linecolor rgb '#009E73'
set style line 4 linecolor rgb '#AA3377'
set style line 5 linecolor rgb '#E69F00'
set style line 6 linecolor rgb '#56B4E9'
set style line 7 linecolor rgb '#000000'
set style line 8 linecolor rgb '#7F7F00'
set style line 100 linecolor rgb '#A0A0A0' linewidth 0.8
set style line 101 linecolor rgb '#E4E4E4' linewidth 0.6
set style line 102 linecolor rgb '#606060' linewidth 0.6
array shape[4] = [7, 5, 9, 13]
last_point(k) = shape[(k - 1) % 4 + 1]

set border 3 linestyle 102
set tics nomirror out scale 0.6 textcolor rgb '#303030'
set grid linestyle 101
set key off

# As many columns, up to four, as the longest text leaves room for.
entries = |legend_text|
longest_text = 0
do for [k = 1:entries] {
    if (strlen(legend_text[k]) > longest_text) { longest_text = strlen(legend_text[k]) }
}
legend_columns = longest_text > 58 ? 1 : longest_text > 34 ? 2 : longest_text > 24 ? 3 : 4
legend_columns = legend_columns > entries ? entries : legend_columns
legend_rows = (entries + legend_columns - 1) / legend_columns

row_height = 0.034
line_height = 0.029
panel_left = 0.080
panel_right = 0.965
panel_top = 0.935 - row_height * legend_rows
panel_bottom = 0.130 + line_height * caption_lines
legend_x(k) = panel_left + (panel_right - panel_left) / legend_columns * ((k - 1) % legend_columns)
legend_y(k) = 0.922 - row_height * ((k - 1) / legend_columns)
caption_y = 0.030 + line_height * (caption_lines - 1)

set_page = "set label 1001 title at screen panel_left, 0.966 left front font large; \
    set label 1002 caption at screen panel_left, caption_y left front font small \
        textcolor rgb '#404040'; \
    do for [k = 1:entries] { \
        set arrow 1000 + k from screen legend_x(k), legend_y(k) rto screen 0.030, 0 \
            nohead front linestyle (k > legend_curves ? 100 : k); \
        set label 1100 + k '' at screen legend_x(k) + 0.015, legend_y(k) front \
            point linestyle (k > legend_curves ? 100 : k) \
            pointtype (k > legend_curves ? 0 : last_point(k)) \
            pointsize (k > legend_curves ? 0 : dot); \
        set label 1200 + k legend_text[k] at screen legend_x(k) + 0.038, legend_y(k) \
            left front font small; \
    }"
unset_page = "unset arrow; unset label"
