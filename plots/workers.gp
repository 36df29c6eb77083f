# workers.gp -- training time against workers, as predicted: a curve a run, with a point at each
# number that was asked for.  Solid in as many groups as workers, dashed in the experiment's.
legend_curves = curves
array legend_text[curves]
do for [k = 1:curves] { legend_text[k] = curve_title[k] }
load look

stats data using 'workers' name 'W' nooutput
stats data using 'seconds' name 'T' nooutput
unit = T_max > 6000 ? 3600.0 : T_max > 100 ? 60.0 : 1.0
of(k, groups, value) = \
    column('curve') == k && strcol('groups') eq groups ? value : NaN
asked(k, groups, value) = column('asked') == 1 ? of(k, groups, value) : NaN

set multiplot
eval set_page
set lmargin at screen panel_left
set rmargin at screen panel_right
set bmargin at screen panel_bottom
set tmargin at screen panel_top
set logscale x 2
set logscale y 10
set xrange [0.9 * W_min:1.1 * W_max]
set yrange [0.8 * T_min / unit:1.25 * T_max / unit]
set xtics 2 format '%.0f'
set ytics autofreq format '%g'
do for [e = -3:5] {
    do for [digit in '2 3 5 7'] {
        set ytics add (sprintf('%g', digit * 10.0 ** e) digit * 10.0 ** e)
    }
}
set xlabel 'Workers'
set ylabel (unit == 3600 ? 'Training time, hours' : unit == 60 ? 'Training time, minutes' : \
    'Training time, seconds')
plot for [k = 1:curves] data \
        using (of(k, 'experiment', column('workers'))):(column('seconds') / unit) \
        with lines linestyle k dashtype 2, \
    for [k = 1:curves] data \
        using (of(k, 'workers', column('workers'))):(column('seconds') / unit) \
        with lines linestyle k, \
    for [k = 1:curves] data \
        using (asked(k, 'workers', column('workers'))):(column('seconds') / unit) \
        with points linestyle k pointtype last_point(k) pointsize dot
unset multiplot
unset output
