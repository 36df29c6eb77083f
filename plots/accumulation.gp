# accumulation.gp -- Appendix A: left the growth of the accumulation against eq. (11), right N_lost
# against eq. (13). A curve is a measurement: `data` has its points, `summary` a row for each.
half = measurements / 2
array legend_text[half + 1]
stats summary using 1 nooutput
do for [k = 1:half] {
    stats summary using (column('measurement') == k ? column('momentum') : NaN) name 'M' nooutput
    stats summary using (column('measurement') == k ? column('batch') : NaN) name 'B' nooutput
    legend_text[k] = sprintf('m = %g, B = %.0f', M_min, B_min)
}
legend_text[half + 1] = 'equations (11), (13)'
legend_curves = half
load look
of(k, value) = column('measurement') == k ? value : NaN
formula(t) = 1 - exp(-t)
smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b

stats data using 'share' name 'ALL' nooutput
y_low = smaller(0, 0.25 * floor(ALL_min / 0.25))
y_high = larger(1.5, 0.5 * ceil(ALL_max / 0.5))
stats summary using 'n_lost_predicted' name 'P' nooutput
stats summary using (column('n_lost') > 0 ? column('n_lost') : NaN) name 'L' nooutput
lost_low = 10 ** floor(log10(smaller(P_min, L_min)))
lost_high = 10 ** ceil(log10(larger(P_max, L_max)))

set multiplot
eval set_page
gap = 0.075
width = (panel_right - panel_left - 2 * gap) / 3
set bmargin at screen panel_bottom
set tmargin at screen panel_top - 0.035
set tics font small
do for [p = 1:2] {
    if (p > 1) { eval unset_page }
    set lmargin at screen panel_left + (p - 1) * (width + gap)
    set rmargin at screen panel_left + (p - 1) * (width + gap) + width
    set title (p == 1 ? '(a) weights held' : '(b) in training') font small offset 0, -0.5
    set xrange [0:5]
    set yrange [y_low:y_high]
    set xtics 1 format '%.0f'
    set ytics 0.5 format '%.1f'
    set xlabel 'Updates times 1 - m'
    set ylabel (p == 1 ? 'Accumulation along G, in units of G / (1 - m)' : '') offset 1, 0
    plot for [k = 1:half] \
            data using (of(k + (p - 1) * half, column('grown'))):(column('share')) \
            with lines linestyle k, \
        formula(x) with lines linestyle 100 linewidth 2.5 dashtype 2
}
set lmargin at screen panel_left + 2 * (width + gap) + 0.01
set rmargin at screen panel_right
set title '(c) epochs lost, weights held' font small offset 0, -0.5
set logscale xy
set xrange [lost_low:lost_high]
set yrange [lost_low:lost_high]
set xtics autofreq format '%g'
set ytics autofreq format '%g'
set xlabel 'Predicted: B / (N (1 - m))'
set ylabel 'Measured, weights held' offset 1, 0
plot x with lines linestyle 100 linewidth 2.5 dashtype 2, \
    for [k = 1:half] summary using (of(k, column('n_lost_predicted'))):(column('n_lost')) \
        with points linestyle k pointtype last_point(k) pointsize dot
unset multiplot
unset output
