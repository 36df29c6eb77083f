#include "export/weights_words.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/text.h"
#include "data/source.h"
#include "net/net.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>

#define NUMBERS 96

/* Of every batch norm: a network has one. */
static double epsilon_of(const struct net *net)
{
    for (int i = 0; i < net->graph.node_count; i++)
        if (net->nodes[i].op == REPRO_OP_BATCH_NORM)
            return (double)net->nodes[i].epsilon;
    return 0;
}

/* "125.3, 123, 113.9", as many as there are channels. */
static const char *numbers(const float *values, int count, char text[NUMBERS])
{
    size_t used = 0;
    for (int i = 0; i < count && used < NUMBERS; i++)
        used += (size_t)snprintf(text + used, NUMBERS - used, "%s%.7g", i == 0 ? "" : ", ",
                                 (double)values[i]);
    return text;
}

/* Pixels on a side; 0 of a profile: the source's own. */
static int side_of(const struct export_run *run, const struct source *source)
{
    int side = run->facts->profile->side;
    return side == 0 ? source->side : side;
}

json_t *weights_metadata(const struct export_run *run, const struct net *net,
                         const struct source *source)
{
    char mean[NUMBERS], deviation[NUMBERS];
    const json_t *result = json_object_get(run->stored->manifest, "result");
    int side = side_of(run, source);
    return json_pack(
        "{s:s, s:s, s:O, s:o, s:s, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "format",
        "pt", "network", run->facts->profile->network, "identity",
        json_object_get(run->stored->manifest, "identity_hash"), "classes",
        json_sprintf("%d", net->graph.classes), "input", "NCHW, (pixel 0..255 - mean) / deviation",
        "input_shape", json_sprintf("%d, %d, %d", net->graph.channels, side, side), "seed",
        json_sprintf("%" PRIu64, run->seed), "batch_norm_epsilon",
        json_sprintf("%.7g", epsilon_of(net)), "batch_norm_variance",
        "running_var is biased: sums of squares are divided by n", "layout",
        "convolutions OIHW, dense [classes, features]", "input_mean",
        numbers(net->graph.mean, net->graph.channels, mean), "input_deviation",
        numbers(net->graph.deviation, net->graph.channels, deviation), "data",
        run->facts->data.name, "test_images", json_sprintf("%" PRId64, run->facts->profile->test_n),
        "test_accuracy",
        json_sprintf("%.6f", json_real_value(json_object_get(result, "test_accuracy"))));
}

static void put_input(struct text *out, const struct export_run *run, const struct net *net,
                      const struct source *source)
{
    char mean[NUMBERS], deviation[NUMBERS];
    int side = side_of(run, source);
    text_put(
        out,
        "- **Input**: [rows, %d, %d, %d] (NCHW), red, green, blue, pixels on 0..255 as floats, "
        "then\n  (pixel - mean) / deviation with mean %s and deviation %s.\n",
        net->graph.channels, side, side, numbers(net->graph.mean, net->graph.channels, mean),
        numbers(net->graph.deviation, net->graph.channels, deviation));
    text_put(out, "  `torchvision`'s ToTensor() gives 0..1: divide both by 255 there.\n");
    if (source->decodes)
        text_put(out,
                 "- **Test images**: the central 87.5 %% of each side (a sixteenth of it, rounded "
                 "down, is left\n  out at either end), resized to %d x %d. In the run's own words: "
                 "\"%s\".\n",
                 side, side, run->facts->data.augment);
}

int weights_readme(const struct export_run *run, const struct net *net, const struct source *source,
                   char **text, struct err *err)
{
    const struct facts *facts = run->facts;
    const json_t *result = json_object_get(run->stored->manifest, "result");
    struct text out = {0};
    text_put(&out,
             "# %s: %s\n\nParameters of a finished run of `repro` for PyTorch: run %s of %s, "
             "profile %s, seed %" PRIu64 ".\n\n    python3 network.py .%s\n\n",
             run->what->title, facts->profile->network, run->what->name, facts->experiment->name,
             facts->profile->name, run->seed,
             source->decodes ? "                     # says what is in it"
                             : " --test CIFAR-10-FOLDER  # loads it and measures its accuracy");
    text_put(&out,
             "`network.py` has the network as a plain module: `network, facts = load(\".\")`.\n"
             "`network.load_state_dict()` takes all of `model.safetensors`, strictly.\n\n");
    text_put(&out, "What to get right elsewhere:\n\n");
    put_input(&out, run, net, source);
    text_put(
        &out,
        "- **Layout**: weights of convolutions OIHW, of the dense layer [classes, features], "
        "as PyTorch's.\n"
        "- **Batch norm**: epsilon %.7g. `running_var` is biased (divided by n); PyTorch's own "
        "training\n  puts the unbiased one there. Evaluation uses either as it stands. "
        "%s`num_batches_tracked`\n  is the number of updates.\n",
        epsilon_of(net), net->ways.no_gamma ? "The run had no gamma:\n  `weight` is ones. " : "");
    text_put(&out, "- **Precision**: trained in %s; the values here are the f32 master copy%s.\n\n",
             precision_name(facts->backend.precision),
             facts->backend.precision == REPRO_PRECISION_F32
                 ? ""
                 : ", so an accuracy\n  measured in f32 can differ by a few images");
    text_put(&out,
             "Its own accuracy: %.6f on %s%" PRId64 " test images of %s, after %" PRId64
             " updates.\nIdentity `%s`;\nin full, with commit, versions and machine, in the run's "
             "manifest.json.\n",
             json_real_value(json_object_get(result, "test_accuracy")),
             source->decodes ? "" : "the first ", facts->profile->test_n,
             facts->data.title[0] != '\0' ? facts->data.title : facts->data.name,
             run->schedule.updates,
             json_string_value(json_object_get(run->stored->manifest, "identity_hash")));
    return text_take(&out, text, "a README", err);
}
