/* Powers take Student's t shifted for the noncentral one: a few points off where there are three
 * seeds, on the safe side for what is seen. */
#include "judge/bounds.h"

#include "base/statistics.h"

#include <math.h>

struct bounds bounds_begin(double confidence, double level, size_t count)
{
    return (struct bounds){.confidence = confidence,
                           .level = level,
                           .count = count,
                           .all_above = 1,
                           .widest = -1.0,
                           .df = NAN};
}

void bounds_add(struct bounds *bounds, struct bound bound)
{
    if (!(bounds->df == bound.df)) {
        bounds->df = bound.df;
        bounds->to_hold = statistics_t_quantile(bounds->confidence, bound.df);
        bounds->to_fail = statistics_t_quantile(1.0 - bounds->level / (double)bounds->count,
                                                bound.df);
    }
    double room = bound.value - bound.above, low = room - bounds->to_hold * bound.error;
    int first = bounds->widest < 0.0;
    if (first || low < bounds->lowest) {
        bounds->least = bound;
        bounds->lowest = low;
    }
    if (bound.error > bounds->widest) {
        bounds->widest = bound.error;
        bounds->widest_df = bound.df;
    }
    bounds->all_above &= low > 0.0;
    bounds->any_below |= room + bounds->to_fail * bound.error < 0.0;
}

double bounds_reach(const struct bounds *bounds, const struct bound *bound)
{
    return bound->error > 0.0 ? bound->error * statistics_t_quantile(bounds->confidence, bound->df)
                              : 0.0;
}

double bounds_seen_below(const struct bounds *bounds)
{
    return bounds->widest *
           (statistics_t_quantile(1.0 - bounds->level / (double)bounds->count, bounds->widest_df) +
            statistics_t_quantile(BOUNDS_POWER, bounds->widest_df));
}

double bounds_seen_above(const struct bounds *bounds)
{
    return bounds->widest * (statistics_t_quantile(bounds->confidence, bounds->widest_df) +
                             statistics_t_quantile(BOUNDS_POWER, bounds->widest_df));
}

double bounds_equal_hold(const struct bounds *bounds, double margin, size_t pairs)
{
    if (!(bounds->widest > 0.0))
        return 1.0;
    double room = margin / bounds->widest -
                  statistics_t_quantile(bounds->confidence, bounds->widest_df);
    if (room <= 0.0)
        return 0.0;
    double missed = 2.0 * (1.0 - statistics_t_cdf(room, bounds->widest_df));
    return fmax(0.0, 1.0 - (double)pairs * missed);
}

/* 1 where n seeds tell. */
static int tells(size_t n, double spread, double distance, int runs, double power,
                 double confidence)
{
    /* too few seeds to show a spread: it counts as known (noise.h) */
    double shown = (double)runs * (double)(n - 1), df = shown < 2.0 ? INFINITY : shown;
    double reach = statistics_t_quantile(confidence, df) + statistics_t_quantile(power, df);
    return reach * spread * sqrt((double)runs / (double)n) <= distance;
}

/* By halving from 3 seeds on, where more seeds tell more. */
size_t bounds_seeds(double spread, double distance, int runs, size_t pairs, double confidence)
{
    double power = pairs == 0 ? BOUNDS_POWER : 1.0 - 0.5 * (1.0 - BOUNDS_POWER) / (double)pairs;
    for (size_t n = pairs == 0 ? 1 : 2; n < 3; n++)
        if (tells(n, spread, distance, runs, power, confidence))
            return n;
    size_t low = 2, high = BOUNDS_SEEDS + 1;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (tells(middle, spread, distance, runs, power, confidence))
            high = middle;
        else
            low = middle;
    }
    return high;
}
