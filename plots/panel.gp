# panel.gp -- one panel of a figure by itself, for a report: `panel` is its place, `view` what it
# shows:
#   'runs'      the runs; at the paper's own scale with the printed curves beneath
#   'paper'     the printed curves alone, on the printed axes
# `closer_to` is how many updates are shown, 0: all.
# A curve has the colour of its place in the panel, whichever of them are there: a page knows it by
# that.
array legend_text[1]
legend_text[1] = ''
legend_curves = 1
load look

smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b
magnitude(value) = 10.0 ** floor(log10(value))
of(k, value) = column('curve') == k ? value : NaN
curve(q, i) = int(word(panel_curves[q], i))

n = words(panel_curves[panel])
x_name = panel_x[panel]
y_name = panel_y[panel]
paper = panel_paper[panel]
is_log = y_name eq 'lr' || y_name eq 'batch'
is_loss = y_name eq 'train_loss' || y_name eq 'train_loss_l2'

# The axes follow the runs.  Accuracies: the first fifth of a training and, but in a panel that says
# `early`, stray dips may fall below the lower end, no last value does, and panels of the same
# quantity have the same axis.
x_high = 0.0
low = 1e30
high = -1e30
do for [q = 1:panels] {
    do for [i = 1:words(panel_curves[q])] {
        k = curve(q, i)
        if (view ne 'paper' && panel_y[q] eq y_name && curve_seeds[k] > 0) {
            late = is_loss || is_log ? 0.0 : last_epoch[k] / 5.0
            stats data using (of(k, column('epoch') >= late ? column(y_name) : NaN)) \
                name 'LATE' nooutput
            fence = is_loss || is_log || panel_early[q] ? LATE_min : \
                LATE_lo_quartile - 1.5 * (LATE_up_quartile - LATE_lo_quartile)
            last = is_loss || is_log ? 1e30 : last_accuracy[k]
            low = smaller(low, smaller(last, larger(LATE_min, fence)))
            high = larger(high, LATE_max)
            if (q == panel) {
                x_high = larger(x_high, x_name eq 'epoch' ? last_epoch[k] : last_updates[k])
            }
        }
    }
}
y_from = is_log ? 0.5 * low : is_loss ? 0 : larger(0, low - 0.005)
y_to = is_log ? 2.0 * high : is_loss ? high : smaller(1, high + 0.001)
if (panel_printed[panel]) {
    x_high = larger(x_high, panel_x_high[panel])
    y_from = is_log ? panel_y_low[panel] : smaller(y_from, panel_y_low[panel])
    y_to = is_log ? panel_y_high[panel] : larger(y_to, panel_y_high[panel])
}
if (closer_to > 0) { x_high = closer_to }
size = magnitude(x_high)
x_step = size * (x_high / size < 1.5 ? 0.25 : x_high / size <= 2 ? 0.5 : x_high / size < 5 ? 1 : 2)
exact = x_name eq 'epoch' || (view eq 'paper' && closer_to == 0)
x_end = exact ? x_high : 0.5 * x_step * ceil(x_high / (0.5 * x_step))
y_step = is_loss ? 0.5 : y_to - y_from > 0.35 ? 0.10 : y_to - y_from > 0.12 ? 0.05 : 0.02
if (!is_log) {
    y_from = y_step * floor(y_from / y_step + 1e-9)
    y_to = y_step * ceil(y_to / y_step - 1e-9)
}

set xrange [0:x_end]
set yrange [y_from:y_to]
set xtics x_step format '%.0f'
set xlabel x_name eq 'epoch' ? 'Number of epochs' : 'Number of parameter updates'
set ylabel panel_label[panel] ne '' ? panel_label[panel] : \
    y_name eq 'lr' ? 'Learning rate' : y_name eq 'batch' ? 'Batch size' : \
    y_name eq 'train_loss' ? 'Training set cross-entropy' : \
    y_name eq 'train_loss_l2' ? 'Cross-entropy and L2 term' : 'Test set accuracy'
if (is_log) {
    set logscale y
    set ytics autofreq
    set format y (y_name eq 'lr' ? '%g' : '%.0f')
} else {
    set ytics y_step format (is_loss ? '%.1f' : '%.2f')
}

# The printed curves: the range of their ink where they are noisy, and their middle, broken where
# they are hidden.  Beneath the runs they are grey.
x_before = 0.0
gap = (panel_printed[panel] ? panel_x_high[panel] : x_end) / 100
series(k, value) = strstrt(curve_series[k], '|'.strcol('series').'|') > 0 ? value : NaN
unbroken(x, y) = (apart = x - x_before, x_before = x, apart > gap || apart < 0 ? NaN : y)
style(i) = view eq 'paper' ? i : 100
curves_printed = "for [i = 1:n] paper using (series(curve(panel, i), column('x'))): \
        (column('y_lo')):(0):(column('y_hi') - column('y_lo')) \
        with vectors nohead linestyle style(i) linewidth 0.8, \
    for [i = 1:n] paper using (series(curve(panel, i), column('x'))): \
        (unbroken(column('x'), column('y'))) \
        with lines linestyle style(i) linewidth 0.8"

# The runs.  Planned curves that lie on each other stay visible: the first is the broadest.
is_last(k) = column('curve') == k && column('epoch') == last_epoch[k]
band(k, value) = curve_seeds[k] > 1 && column('curve') == k ? value : NaN
wide(i) = is_log ? 1.6 * (n + 1 - i) : 1.0
curves_run = "for [i = 1:n] data using (band(curve(panel, i), column(x_name))): \
        (column(y_name.'_low')):(column(y_name.'_high')) \
        with filledcurves fillstyle transparent solid 0.25 noborder linestyle i, "
curves_run = (is_log ? '' : curves_run) . \
    "for [i = 1:n] data using (of(curve(panel, i), column(x_name))):(column(y_name)) \
        with lines linestyle i linewidth wide(i), \
    for [i = 1:n] data using (is_last(curve(panel, i)) ? column(x_name) : NaN):(column(y_name)) \
        with points linestyle i pointtype last_point(i) pointsize (is_log ? 0 : dot)"
if (view eq 'paper') { plot @curves_printed }
if (view ne 'paper' && paper ne '') { plot @curves_printed, @curves_run }
if (view ne 'paper' && paper eq '') { plot @curves_run }
unset output
