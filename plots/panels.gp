# panels.gp -- one panel or two side by side, each a column of the table against another: figures 1
# to 4. Curves in the same place of their panels share a colour and a line of the legend; where they
# end stands in the panel.
legend_curves = words(panel_curves[1])
array legend_text[legend_curves + (panel_paper[1] eq '' ? 0 : 1)]
do for [i = 1:legend_curves] { legend_text[i] = curve_title[int(word(panel_curves[1], i))] }
if (panel_paper[1] ne '') { legend_text[legend_curves + 1] = 'paper (digitised)' }
load look

smaller(a, b) = a < b ? a : b
larger(a, b) = a > b ? a : b
magnitude(value) = 10.0 ** floor(log10(value))
of(k, value) = column('curve') == k ? value : NaN
curve(p, i) = int(word(panel_curves[p], i))
is_log(p) = panel_y[p] eq 'lr' || panel_y[p] eq 'batch'
is_loss(p) = panel_y[p] eq 'train_loss' || panel_y[p] eq 'train_loss_l2'
is_measured(p) = !is_log(p)

x_words(p) = panel_x[p] eq 'epoch' ? 'Number of epochs' : 'Number of parameter updates'
y_words(p) = panel_label[p] ne '' ? panel_label[p] : \
    panel_y[p] eq 'lr' ? 'Learning rate' : panel_y[p] eq 'batch' ? 'Batch size' : \
    panel_y[p] eq 'train_loss' ? 'Training set cross-entropy' : \
    panel_y[p] eq 'train_loss_l2' ? 'Training set cross-entropy and L2 term' : 'Test set accuracy'

# Axes that follow the runs.  Accuracies: the first fifth of a training and, but in a panel that
# says `early`, stray dips may fall below the lower end, no last value does, and panels of the same
# quantity have the same axis.
array x_high[panels]
array low[panels]
array high[panels]
do for [p = 1:panels] {
    x_high[p] = 0.0
    low[p] = 1e30
    high[p] = -1e30
    do for [i = 1:words(panel_curves[p])] {
        k = curve(p, i)
        x_high[p] = larger(x_high[p], panel_x[p] eq 'epoch' ? last_epoch[k] : last_updates[k])
        late = is_loss(p) || is_log(p) ? 0.0 : last_epoch[k] / 5.0
        stats data using (of(k, column('epoch') >= late ? column(panel_y[p]) : NaN)) \
            name 'LATE' nooutput
        fence = is_loss(p) || is_log(p) || panel_early[p] ? LATE_min : \
            LATE_lo_quartile - 1.5 * (LATE_up_quartile - LATE_lo_quartile)
        last = is_measured(p) && !is_loss(p) ? last_accuracy[k] : 1e30
        low[p] = smaller(low[p], smaller(last, larger(LATE_min, fence)))
        high[p] = larger(high[p], LATE_max)
    }
}
do for [p = 1:panels] {
    do for [q = 1:panels] {
        if (panel_y[p] eq panel_y[q]) {
            low[p] = smaller(low[p], low[q])
            high[p] = larger(high[p], high[q])
        }
    }
}

# The printed curves beneath: their middle, broken where they are hidden, and the range of their ink
# where they are noisy.
x_before = 0.0
series(k, value) = strstrt(curve_series[k], '|'.strcol('series').'|') > 0 ? value : NaN
unbroken(x, y, gap) = (apart = x - x_before, x_before = x, apart > gap || apart < 0 ? NaN : y)

# Curves that lie on each other stay visible: the first is the broadest.
is_last(k) = column('curve') == k && column('epoch') == last_epoch[k]
wide(p, i) = is_log(p) ? 1.6 * (words(panel_curves[p]) + 1 - i) : 1.0
band(k, value) = curve_seeds[k] > 1 && column('curve') == k ? value : NaN
curves_printed = "for [i = 1:n] paper using (series(curve(p, i), column('x'))): \
        (column('y_lo')):(0):(column('y_hi') - column('y_lo')) \
    with vectors nohead linestyle 100, \
    for [i = 1:n] paper using (series(curve(p, i), column('x'))): \
        (unbroken(column('x'), column('y'), x_end / 100)) with lines linestyle 100, "
curves_measured = "for [i = 1:n] data using (band(curve(p, i), column(x_name))): \
        (column(y_name.'_low')):(column(y_name.'_high')) \
        with filledcurves fillstyle transparent solid 0.25 noborder linestyle i, \
    for [i = 1:n] data using (of(curve(p, i), column(x_name))):(column(y_name)) \
        with lines linestyle i, \
    for [i = 1:n] data using (is_last(curve(p, i)) ? column(x_name) : NaN):(column(y_name)) \
        with points linestyle i pointtype last_point(i) pointsize dot"
curves_planned = "for [i = 1:n] data using (of(curve(p, i), column(x_name))):(column(y_name)) \
    with lines linestyle i linewidth wide(p, i)"

set multiplot
eval set_page
gap = 0.105
width = (panel_right - panel_left - gap * (panels - 1)) / panels
do for [p = 1:panels] {
    if (p > 1) { eval unset_page }
    left = panel_left + (p - 1) * (width + gap)
    n = words(panel_curves[p])
    x_name = panel_x[p]
    y_name = panel_y[p]
    paper = panel_paper[p]
    x_end = x_high[p]
    y_from = is_log(p) ? 0.5 * low[p] : is_loss(p) ? 0 : larger(0, low[p] - 0.005)
    y_to = is_log(p) ? 2.0 * high[p] : is_loss(p) ? high[p] : smaller(1, high[p] + 0.001)
    if (panel_printed[p]) {
        x_end = larger(x_end, panel_x_high[p])
        y_from = smaller(y_from, panel_y_low[p])
        y_to = larger(y_to, panel_y_high[p])
        if (is_log(p)) { y_from = panel_y_low[p]; y_to = panel_y_high[p] }
    }
    size = magnitude(x_end)
    x_step = size * (x_end / size <= 2 ? 0.5 : x_end / size < 5 ? 1 : 2)
    x_end = x_name eq 'epoch' ? x_end : 0.5 * x_step * ceil(x_end / (0.5 * x_step))
    y_step = is_loss(p) ? 0.5 : y_to - y_from > 0.35 ? 0.10 : y_to - y_from > 0.12 ? 0.05 : 0.02
    if (!is_log(p)) {
        y_from = y_step * floor(y_from / y_step + 1e-9)
        y_to = y_step * ceil(y_to / y_step - 1e-9)
    }
    set lmargin at screen left
    set rmargin at screen left + width
    set bmargin at screen panel_bottom
    set tmargin at screen panel_top - (panel_title[p] eq '' ? 0 : 0.035)
    set title panel_title[p] font small offset 0, -0.5
    set xrange [0:x_end]
    set yrange [y_from:y_to]
    set xtics x_step format '%.0f'
    set xlabel x_words(p)
    set ylabel y_words(p) offset (is_loss(p) ? 0 : is_log(p) ? 1.2 : 0.7), 0
    unset logscale y
    if (is_log(p)) {
        set logscale y
        set ytics autofreq
        set format y (y_name eq 'lr' ? '%g' : '%.0f')
        set tics font small
        plot @curves_planned
    }
    if (!is_log(p)) {
        set ytics y_step format (is_loss(p) ? '%.1f' : '%.2f')
        ends = ''
        do for [i = 1:n] {
            k = curve(p, i)
            ends = ends . (i > 1 ? ' / ' : 'last: ') . (is_loss(p) \
                ? sprintf('%.3f', last_loss[k]) : sprintf('%.1f', 100 * last_accuracy[k]))
        }
        set label 2000 ends . (is_loss(p) ? '' : ' %') \
            at graph 0.97, graph (is_loss(p) ? 0.95 : 0.05) right front font small
        if (paper eq '') { plot @curves_measured } else { plot @curves_printed @curves_measured }
        unset label 2000
    }
}
unset multiplot
unset output
