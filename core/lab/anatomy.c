#include "lab/anatomy.h"

#include "base/err.h"
#include "base/text.h"
#include "data/source.h"
#include "lab/bench.h"
#include "net/layers.h"

#include <inttypes.h>
#include <stdio.h>

int anatomy_net(const struct experiment *experiment, const struct experiment_profile *profile,
                struct net *net, struct err *err)
{
    static const float mean[REPRO_CHANNEL_MAX],
        deviation[REPRO_CHANNEL_MAX] = {1.0f, 1.0f, 1.0f, 1.0f};
    if (experiment->schedules_only)
        return err_set(err, ERR_USAGE, "%s shows schedules and trains no network",
                       experiment->name);
    const struct source *source = source_find(experiment->dataset, err);
    if (source == NULL)
        return ERR_USAGE;
    int side = profile->side == 0 ? source->side : profile->side;
    const struct schedule_conventions *conventions = &experiment->runs[0].spec.conventions;
    struct net_ways ways = {.no_gamma = conventions->no_gamma,
                            .label_smoothing = conventions->label_smoothing};
    return net_named_with(net, profile->network, &ways, source->channels, side, side,
                          source->classes, mean, deviation, err);
}

/* "2,748,890" */
static void put_grouped(struct text *out, int64_t count)
{
    char digits[32];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%" PRId64, count);
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0)
            text_put_char(out, ',');
        text_put_char(out, digits[i]);
    }
}

static void put_sums(struct text *out, const char *name, const struct net *net)
{
    text_put(out, "%s for images of %d x %d pixels and %d classes: ", name, net->graph.height,
             net->graph.width, net->graph.classes);
    put_grouped(out, net->graph.param_count);
    text_put(out, " parameters,\n%.5g GMAC forward and %.5g GFLOP to train on, an image.\n",
             1e-9 * (double)net_macs(net), 1e-9 * bench_flop(net));
}

int anatomy_text(const char *name, const struct net *net, char **text, struct err *err)
{
    struct text out = {0};
    put_sums(&out, name, net);
    return text_take(&out, text, "a network's sums", err);
}

int anatomy_layers(const char *name, const struct net *net, char **text, struct err *err)
{
    struct text out = {0};
    put_sums(&out, name, net);
    text_put_char(&out, '\n');
    net_layers_text(net, &out);
    return text_take(&out, text, "a network's layers", err);
}
