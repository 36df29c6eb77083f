# noise.gp -- what was planned of the noise and what was measured, over epochs: (a) the noise scale
# g, (b) the fluctuation g tr Sigma / N, (c) tr Sigma, (d) B_simple and, broken, the batch size.
# core/draw/noise.h says what the table holds.
legend_curves = curves
array legend_text[curves]
do for [k = 1:curves] { legend_text[k] = curve_title[k] }
load look

smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b
of(k, value) = column('curve') == k ? value : NaN
point(k, value) = column('curve') == k && strcol('kind') eq 'measurement' && value > 0 ? value : NaN
phase(k, value) = column('curve') == k && strcol('kind') eq 'phase' && value > 0 ? value : NaN
# a bar in the middle of a phase, beside those of the other curves; the row before is its other end
half_way = 0
before = 0
seen = 0
bar(k) = (here = column('epoch'), half_way = 0.5 * (before + here), before = here, \
    seen = strcol('kind') eq 'phase' && column('curve') == k ? seen + 1 : 0, \
    seen > 0 && seen % 2 == 0 ? half_way + (k - 0.5 * (curves + 1)) * 0.012 * x_end : NaN)
stats data using 'epoch' name 'E' nooutput
x_end = E_max
broadest(k) = 1.6 * (curves + 1 - k)
open_end(value) = value > 0 && value < 1e12 ? value : y_to

array y_name[4] = ['noise_scale', 'fluctuation', 'trace', 'simple']
array y_words[4] = ['Noise scale g', 'g tr Sigma / N', \
    'tr Sigma, of one row', 'B_simple, rows']
array words_over[4] = ['(a) planned', '(b) measured: fluctuation of the weights', \
    '(c) covariance of gradients', '(d) batch size of as much noise as gradient (broken: B)']

# The range of each panel; of the last B belongs to it too.
array low[4]
array high[4]
stats data using 'batch' name 'B' nooutput
do for [p = 1:4] {
    stats data using (column(y_name[p]) > 0 && column(y_name[p]) < 1e12 \
        ? column(y_name[p]) : NaN) name 'Y' nooutput
    if (!exists('Y_min')) { Y_min = B_min; Y_max = B_max } # nothing can be drawn
    low[p] = 0.7 * (p == 4 ? smaller(Y_min, B_min) : Y_min)
    high[p] = 1.4 * (p == 4 ? larger(Y_max, B_max) : Y_max)
}

set multiplot
eval set_page
gap_x = 0.100
gap_y = 0.095
width = (panel_right - panel_left - gap_x) / 2
height = (panel_top - panel_bottom - gap_y) / 2
set logscale y
set tics font small
set xrange [0:x_end]
do for [p = 1:4] {
    if (p > 1) { eval unset_page }
    left = panel_left + ((p - 1) % 2) * (width + gap_x)
    bottom = panel_bottom + (p <= 2 ? height + gap_y : 0)
    set lmargin at screen left
    set rmargin at screen left + width
    set bmargin at screen bottom
    set tmargin at screen bottom + height - 0.025
    set title words_over[p] font small offset 0, -0.7
    set xlabel (p > 2 ? 'Number of epochs' : '') offset 0, 0.3
    set ylabel y_words[p] font small offset 0.5, 0
    y_from = low[p]
    y_to = high[p]
    set yrange [y_from:y_to]
    set format y (y_from < 0.01 ? '%.0e' : '%g')
    if (p == 1) {
        plot for [k = 1:curves] data using (column('epoch')):(phase(k, column('noise_scale'))) \
            with lines linestyle k linewidth broadest(k)
    }
    if (p == 2 || p == 3) {
        plot for [k = 1:curves] data using (column('epoch')):(point(k, column(y_name[p]))) \
                with points linestyle k pointtype 7 pointsize 0.35 * dot, \
            for [k = 1:curves] data using (column('epoch')):(phase(k, column(y_name[p]))) \
                with lines linestyle k, \
            for [k = 1:(p == 2 ? curves : 0)] data using (bar(k)):(column('fluctuation')): \
                (larger(column('fluctuation_low'), y_from)):(column('fluctuation_high')) \
                with yerrorbars linestyle k pointtype last_point(k) pointsize dot
    }
    if (p == 4) {
        plot for [k = 1:curves] data using (column('epoch')):(phase(k, column('batch'))) \
                with lines linestyle k dashtype 2 linewidth 0.8, \
            for [k = 1:curves] data using (bar(k)):(column('simple_low') < 1e12 \
                    ? larger(column('simple_low'), y_from) : NaN): \
                (larger(column('simple_low'), y_from)):(open_end(column('simple_high'))) \
                with yerrorbars linestyle k pointtype 7 pointsize 0, \
            for [k = 1:curves] data using (bar(k)):(column('simple') < 1e12 \
                ? column('simple') : NaN) \
                with points linestyle k pointtype last_point(k) pointsize dot
    }
}
unset multiplot
unset output
