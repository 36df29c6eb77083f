/* repro bench: how fast a backend trains a network, where the time goes, how near it is to its own
 * limit, how much memory it takes. */
#include "cli/command.h"

#include "base/err.h"
#include "cli/backend_rows.h"
#include "cli/bench_report.h"
#include "cli/options.h"
#include "lab/bench.h"

#include <errno.h>
#include <stdio.h>

/* of a batch; far beyond any data set, and a micro's bytes still have a size */
#define ROWS_MAX (1 << 24)
#define SIDE_MAX 4096 /* of an image, in pixels */
#define WARM_UP 3

struct settings {
    const char *network, *backend, *data;
    int side; /* 0: the network's */
    int describe, json;
    int precision, threads, allow_nondeterministic, tune;
    struct bench_options options;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
    {.name = "network",
     .letter = 'n',
     .argument = "NAME",
     .help = "wrn-D-K, inception-resnet-v2, inception-resnet-v2-W-D or tiny (default: wrn-16-4)",
     .kind = OPTION_TEXT,
     .offset = FIELD(network)},
    {.name = "side",
     .argument = "N",
     .help = "pixels of an image either way (default: the network's own)",
     .kind = OPTION_INT,
     .offset = FIELD(side),
     .low = 1,
     .high = SIDE_MAX},
    {.name = "batch",
     .letter = 'B',
     .argument = "N",
     .help = "images of one update (default: 128)",
     .kind = OPTION_INT64,
     .offset = FIELD(options.batch),
     .low = 1,
     .high = ROWS_MAX},
    {.name = "micro",
     .argument = "N",
     .help = "images of one forward call (default: the batch)",
     .kind = OPTION_INT64,
     .offset = FIELD(options.micro),
     .low = 1,
     .high = ROWS_MAX},
    {.name = "ghost",
     .argument = "N",
     .help = "images that share batch-norm statistics (default: the micro)",
     .kind = OPTION_INT64,
     .offset = FIELD(options.ghost),
     .low = 1,
     .high = ROWS_MAX},
    {.name = "steps",
     .argument = "N",
     .help = "timed steps (default: 9)",
     .kind = OPTION_INT,
     .offset = FIELD(options.steps),
     .low = 1,
     .high = BENCH_STEP_MAX},
    {.name = "warm-up",
     .argument = "N",
     .help = "steps before them (default: 3)",
     .kind = OPTION_INT,
     .offset = FIELD(options.warm_up),
     .low = 0,
     .high = BENCH_STEP_MAX},
    {.name = "with-data",
     .help = "assemble and augment every batch, as a run does (default: one batch that stays)",
     .kind = OPTION_FLAG,
     .offset = FIELD(options.with_data)},
    {.name = "data",
     .letter = 'd',
     .argument = "DIR",
     .help = "of images in this folder, as large as the network's: CIFAR-10 at 32 pixels, else "
             "image files in folders of classes; implies --with-data (default: synthetic ones)",
     .kind = OPTION_TEXT,
     .offset = FIELD(data)},
    {.name = "brief",
     .help = "speed and memory only: no times of operations, no limit",
     .kind = OPTION_FLAG,
     .offset = FIELD(options.brief)},
    {.name = "describe",
     .help = "also what the backend chose for each layer",
     .kind = OPTION_FLAG,
     .offset = FIELD(describe)},
    {.name = "json", .help = "print one JSON object", .kind = OPTION_FLAG, .offset = FIELD(json)},
    BACKEND_ROWS(struct settings, "CPU threads (default: the cores this process may use)"),
};

static const struct option_table table = {
    .about = "Trains a network on random images for a few steps and prints images per second, "
             "the time of each kind of operation, the share of what the convolutions alone would "
             "allow, and peak memory.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
};

int command_bench(int argc, char **argv)
{
    static struct bench_result result; /* large */
    /* bench_options' 0 means the default; on the command line it means none */
    struct settings settings = {.network = "wrn-16-4", .options.warm_up = WARM_UP};
    struct err err = {0};
    struct bench bench;
    option_table_parse(&table, argc, argv, &settings);
    settings.options.precision = settings.precision;
    settings.options.with_data |= settings.data != NULL;
    if (settings.options.warm_up == 0)
        settings.options.warm_up = -1;
    struct repro_device_options device = {
        .struct_size = sizeof device,
        .threads = settings.threads,
        .flags = (settings.allow_nondeterministic ? REPRO_DEVICE_NONDETERMINISTIC : 0) |
                 (settings.tune ? REPRO_DEVICE_TUNED : 0)};
    int code = bench_open(settings.backend, settings.network, settings.side, &device, &bench, &err);
    if (code != 0)
        return report_error(&err);
    if (!settings.json) /* which says it in a field */
        report_slow(bench.backend.name, &bench.caps, settings.precision);
    if (settings.options.with_data)
        code = bench_data(&bench, settings.network, settings.data, settings.options.batch, &err);
    if (code == 0)
        code = bench_measure(&bench, &settings.options, &result, &err);
    if (code == 0 && settings.json)
        code = bench_print_json(&bench, settings.network, settings.describe, &result, &err);
    else if (code == 0)
        bench_print_text(&bench, settings.network, settings.describe, &result);
    if (code == 0 && fflush(stdout) != 0)
        code = err_errno(&err, errno, "standard output: cannot be written");
    bench_release(&result);
    bench_close(&bench);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
