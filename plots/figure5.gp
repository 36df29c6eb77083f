# figure5.gp -- test accuracy against the number of parameter updates: one panel, as printed, and
# where there is room in it a closer look at the runs that are over soon.
paper = panel_paper[1]
legend_curves = curves
array legend_text[curves + (paper eq '' ? 0 : 1)]
do for [k = 1:curves] {
    legend_text[k] = sprintf('%s: %.1f %% after %.0f updates', curve_title[k], \
        100 * last_accuracy[k], last_updates[k])
}
if (paper ne '') { legend_text[curves + 1] = 'paper (digitised)' }
load look

smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b
of(k, value) = column('curve') == k ? value : NaN
magnitude(value) = 10.0 ** floor(log10(value))

# The axes follow the runs: the first fifth of a training and stray dips may fall below the lower
# end, no last value does.
longest = 0.0
lowest = 1.0
highest = 0.0
do for [k = 1:curves] {
    late = last_epoch[k] / 5.0
    stats data using (of(k, column('epoch') >= late ? column('test_accuracy') : NaN)) \
        name 'LATE' nooutput
    fence = LATE_lo_quartile - 1.5 * (LATE_up_quartile - LATE_lo_quartile)
    lowest = smaller(lowest, smaller(last_accuracy[k], larger(LATE_min, fence)))
    highest = larger(highest, LATE_max)
    longest = larger(longest, last_updates[k])
}
x_step = magnitude(longest) * (longest / magnitude(longest) < 2 ? 0.2 : \
    longest / magnitude(longest) < 5 ? 0.5 : 1)
x_high = x_step * ceil(longest / x_step)
y_step = highest - lowest > 0.35 ? 0.10 : 0.05
y_low = larger(0, y_step * floor((lowest - 0.005) / y_step))
y_high = smaller(1, y_step * ceil((highest + 0.001) / y_step))

# Beside the printed curves, the printed axes.
if (paper ne '') {
    x_step = 10000.0
    x_high = larger(x_high, 80000.0)
    y_low = smaller(y_low, 0.75)
    y_high = larger(y_high, 0.95)
}

# The closer look shows the runs that end in the first tenth of the panel, below the later points of
# the others.
short = 0.0
do for [k = 1:curves] {
    if (last_updates[k] < 0.1 * x_high) { short = larger(short, last_updates[k]) }
}
inset_left = 0.42
inset_bottom = 0.135
inset_from = 0.31 * x_high
floor_right = y_high
if (longest > inset_from) {
    stats data using (column('updates') > inset_from ? column('test_accuracy') : NaN) \
        name 'RIGHT' nooutput
    floor_right = RIGHT_min
}
if (paper ne '') {
    stats paper using (column('x') > inset_from ? column('y_lo') : NaN) name 'PRINTED' nooutput
    floor_right = smaller(floor_right, PRINTED_min)
}
inset_top = smaller(0.72, (floor_right - y_low) / (y_high - y_low) - 0.10)
inset = short > 0 && inset_top - inset_bottom > 0.3

# The printed curves beneath: their middle, broken where they are hidden, and the range of their ink
# where they are noisy.
x_before = 0.0
series(k, value) = strstrt(curve_series[k], '|'.strcol('series').'|') > 0 ? value : NaN
unbroken(x, y) = (apart = x - x_before, x_before = x, apart > 800 ? NaN : y)
last(k) = column('curve') == k && column('updates') == last_updates[k] ? last_updates[k] : NaN
curves_printed = "for [k = 1:curves] paper \
        using (series(k, column('x'))):(column('y_lo')):(0):(column('y_hi') - column('y_lo')) \
    with vectors nohead linestyle 100, \
    for [k = 1:curves] paper \
        using (series(k, column('x'))):(unbroken(column('x'), column('y'))) \
        with lines linestyle 100, "
band(k, value) = curve_seeds[k] > 1 && column('curve') == k ? value : NaN
curves_run = "for [k = 1:curves] data using (band(k, column('updates'))): \
            (column('test_accuracy_low')):(column('test_accuracy_high')) \
        with filledcurves fillstyle transparent solid 0.25 noborder linestyle k, \
    for [k = 1:curves] data using (of(k, column('updates'))):(column('test_accuracy')) \
        with lines linestyle k, \
    for [k = 1:curves] data using (last(k)):(column('test_accuracy')) \
        with points linestyle k pointtype last_point(k) pointsize dot"
curves_drawn = (paper eq '' ? '' : curves_printed) . curves_run

set multiplot
eval set_page
set lmargin at screen panel_left
set rmargin at screen panel_right
set bmargin at screen panel_bottom
set tmargin at screen panel_top
set xrange [0:x_high]
set yrange [y_low:y_high]
set xtics x_step format '%.0f'
set ytics y_step format '%.2f'
set xlabel 'Number of parameter updates'
set ylabel 'Test set accuracy'
plot @curves_drawn

if (inset) {
    eval unset_page
    inset_step = magnitude(short) * (short / magnitude(short) < 2 ? 0.25 : \
        short / magnitude(short) < 5 ? 0.5 : 1)
    inset_high = inset_step * ceil(1.03 * short / inset_step)
    width = panel_right - panel_left
    height = panel_top - panel_bottom
    set object 1 rectangle \
        from screen panel_left + (inset_left - 0.055) * width, panel_bottom + 0.015 * height \
        to screen panel_right - 0.0005, panel_bottom + (inset_top + 0.065) * height \
        behind fillcolor rgb '#ffffff' fillstyle solid noborder
    set lmargin at screen panel_left + inset_left * width
    set rmargin at screen panel_right - 0.025 * width
    set bmargin at screen panel_bottom + inset_bottom * height
    set tmargin at screen panel_bottom + inset_top * height
    set border 15
    set tics font small
    set xrange [0:inset_high]
    set xtics inset_step
    set ytics y_step
    unset xlabel
    unset ylabel
    set title sprintf('the first %.0f updates', inset_high) font small offset 0, -0.6
    plot @curves_drawn
}
unset multiplot
unset output
