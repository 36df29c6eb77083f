# panel-accumulation.gp -- one panel of appendix A by itself, for a report: `panel` 1 or 2 the
# growth of the accumulation against eq. (11), with the weights held and in training; 3 N_lost
# against eq. (13).  `data` has the points of the measurements, `summary` a row for each.
half = measurements / 2
array legend_text[1]
legend_text[1] = ''
legend_curves = 1
load look
of(k, value) = column('measurement') == k ? value : NaN
formula(t) = 1 - exp(-t)
smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b

if (panel < 3) {
    stats data using 'share' name 'ALL' nooutput
    set xrange [0:5]
    set yrange [smaller(0, 0.25 * floor(ALL_min / 0.25)):larger(1.5, 0.5 * ceil(ALL_max / 0.5))]
    set xtics 1 format '%.0f'
    set ytics 0.5 format '%.1f'
    set xlabel 'Updates times 1 - m'
    set ylabel 'Share of G / (1 - m)'
    plot for [k = 1:half] \
            data using (of(k + (panel - 1) * half, column('grown'))):(column('share')) \
            with lines linestyle k, \
        formula(x) with lines linestyle 100 linewidth 2.5 dashtype 2
} else {
    stats summary using 'n_lost_predicted' name 'P' nooutput
    stats summary using (column('n_lost') > 0 ? column('n_lost') : NaN) name 'L' nooutput
    set logscale xy
    set xrange [10 ** floor(log10(smaller(P_min, L_min))):10 ** ceil(log10(larger(P_max, L_max)))]
    set yrange [10 ** floor(log10(smaller(P_min, L_min))):10 ** ceil(log10(larger(P_max, L_max)))]
    set xtics autofreq format '%g'
    set ytics autofreq format '%g'
    set xlabel 'Epochs lost, predicted'
    set ylabel 'Epochs lost, measured'
    plot x with lines linestyle 100 linewidth 2.5 dashtype 2, \
        for [k = 1:half] summary using (of(k, column('n_lost_predicted'))):(column('n_lost')) \
            with points linestyle k pointtype last_point(k) pointsize dot
}
unset output
