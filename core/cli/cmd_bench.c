/* repro bench: how fast a backend trains a network, where the time goes, how near it is to its own
 * limit, how much memory it takes. */
#include "cli/command.h"

#include "backend/loader.h"
#include "backend/names.h"
#include "base/err.h"
#include "cli/version.h"
#include "lab/bench.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* of a batch; far beyond any data set, and a micro's bytes still have a size */
#define ROWS_MAX (1 << 24)
#define SIDE_MAX 4096 /* of an image, in pixels */

enum {
    KEY_NONDETERMINISTIC = 256,
    KEY_TUNE,
    KEY_SIDE,
    KEY_MICRO,
    KEY_GHOST,
    KEY_STEPS,
    KEY_WARM_UP,
    KEY_DATA,
    KEY_BRIEF,
    KEY_DESCRIBE,
    KEY_JSON
};

struct settings {
    const char *network, *backend;
    int side; /* 0: the network's */
    int describe, json;
    struct repro_device_options device;
    struct bench_options options;
};

static const struct argp_option option_table[] = {
    {"network", 'n', "NAME", 0,
     "wrn-D-K, inception-resnet-v2, inception-resnet-v2-W-D or tiny (default: wrn-16-4)", 0},
    {"side", KEY_SIDE, "N", 0, "pixels of an image either way (default: the network's own)", 0},
    {"batch", 'B', "N", 0, "images of one update (default: 128)", 0},
    {"micro", KEY_MICRO, "N", 0, "images of one forward call (default: the batch)", 0},
    {"ghost", KEY_GHOST, "N", 0, "images that share batch-norm statistics (default: the micro)", 0},
    {"precision", 'P', "NAME", 0, "f32, tf32 or bf16 (default: f32)", 0},
    {"backend", 'b', "NAME", 0,
     "plugin that does the arithmetic, by name or path (default: $REPRO_BACKEND, else onednn, else "
     "openblas)",
     0},
    {"threads", 't', "N", 0, "CPU threads (default: the cores this process may use)", 0},
    {"allow-nondeterministic", KEY_NONDETERMINISTIC, NULL, 0,
     "let the backend choose algorithms whose bits differ from run to run", 0},
    {"tune", KEY_TUNE, NULL, 0,
     "let the backend choose algorithms by trial, once a device; kept in $REPRO_PLANS, else the "
     "cache folder",
     0},
    {"steps", KEY_STEPS, "N", 0, "timed steps (default: 9)", 0},
    {"warm-up", KEY_WARM_UP, "N", 0, "steps before them (default: 3)", 0},
    {"with-data", KEY_DATA, NULL, 0,
     "assemble and augment every batch, as a run does (default: one batch that stays)", 0},
    {"brief", KEY_BRIEF, NULL, 0, "speed and memory only: no times of operations, no limit", 0},
    {"describe", KEY_DESCRIBE, NULL, 0, "also what the backend chose for each layer", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON object", 0},
    {0},
};

/* ---- Options ---- */

static int whole(struct argp_state *state, const char *name, const char *text, long least,
                 long limit)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > limit)
        argp_error(state, "%s: '%s' is no whole number from %ld to %ld", name, text, least, limit);
    return (int)value;
}

static int precision(struct argp_state *state, const char *text)
{
    int found = precision_find(text);
    if (found == 0)
        argp_error(state, "--precision: '%s' is none of f32, tf32, bf16", text);
    return found;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct settings *settings = state->input;
    struct bench_options *options = &settings->options;
    switch (key) {
    case 'n':
        settings->network = argument;
        return 0;
    case 'B':
        options->batch = whole(state, "--batch", argument, 1, ROWS_MAX);
        return 0;
    case KEY_SIDE:
        settings->side = whole(state, "--side", argument, 1, SIDE_MAX);
        return 0;
    case KEY_MICRO:
        options->micro = whole(state, "--micro", argument, 1, ROWS_MAX);
        return 0;
    case KEY_GHOST:
        options->ghost = whole(state, "--ghost", argument, 1, ROWS_MAX);
        return 0;
    case 'P':
        options->precision = precision(state, argument);
        return 0;
    case 'b':
        settings->backend = argument;
        return 0;
    case 't':
        settings->device.threads = whole(state, "--threads", argument, 1, 4096);
        return 0;
    case KEY_NONDETERMINISTIC:
        settings->device.flags |= REPRO_DEVICE_NONDETERMINISTIC;
        return 0;
    case KEY_TUNE:
        settings->device.flags |= REPRO_DEVICE_TUNED;
        return 0;
    case KEY_STEPS:
        options->steps = whole(state, "--steps", argument, 1, BENCH_STEP_MAX);
        return 0;
    case KEY_WARM_UP:
        options->warm_up = whole(state, "--warm-up", argument, 0, BENCH_STEP_MAX);
        options->warm_up = options->warm_up == 0 ? -1 : options->warm_up;
        return 0;
    case KEY_DATA:
        options->with_data = 1;
        return 0;
    case KEY_BRIEF:
        options->brief = 1;
        return 0;
    case KEY_DESCRIBE:
        settings->describe = 1;
        return 0;
    case KEY_JSON:
        settings->json = 1;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one argument too many", argument);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void parse(int argc, char **argv, struct settings *settings)
{
    static const struct argp argp = {
        option_table,
        parse_option,
        NULL,
        "Trains a network on random images for a few steps and prints images per second, "
        "the time of each kind of operation, the "
        "share of what the convolutions alone would allow, and peak memory.",
        NULL,
        NULL,
        NULL};
    char label[] = "repro bench", *name = argv[0];
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = label; /* what the user would type before --help */
    argp_parse(&argp, argc, argv, 0, NULL, settings);
    argv[0] = name;
}

/* ---- Text ---- */

/* By the device's rates; nothing where they are not known. */
static void print_limit(const struct bench_result *result, const struct bench_row *row)
{
    static const char *const names[] = {"", "products", "copies"};
    if (row->flop == 0.0 && row->bytes == 0.0)
        return;
    if (row->flop > 0.0 && result->rates.flops > 0.0)
        printf(" %10.1f %5.1f %%", 1e-9 * row->flop / row->total,
               100.0 * row->flop / row->total / result->rates.flops);
    else
        printf(" %10s %7s", "", "");
    if (row->bytes > 0.0 && result->rates.bytes > 0.0)
        printf(" %8.1f %5.1f %%", 1e-9 * row->bytes / row->total,
               100.0 * row->bytes / row->total / result->rates.bytes);
    else
        printf(" %8s %7s", "", "");
    if (row->limit != BENCH_LIMIT_UNKNOWN)
        printf("  %-8s %5.1f %%", names[row->limit], 100.0 * row->limit_share);
}

static void print_row(const struct bench_result *result, const struct bench_row *row, int rates)
{
    if (row->forward == 0.0 && row->backward == 0.0)
        printf("%-22s %11s %12s", row->name, "", "");
    else
        printf("%-22s %11.2f %12.2f", row->name, 1e3 * row->forward, 1e3 * row->backward);
    printf(" %10.2f %5.1f %%", 1e3 * row->total, 100.0 * row->share);
    if (rates)
        print_limit(result, row);
    printf("\n");
}

static void print_rows(const struct bench *bench, const struct bench_result *result)
{
    struct bench_row rows[BENCH_ROW_MAX];
    size_t count = bench_rows(&bench->net, result, rows);
    int rates = result->rates.flops > 0.0 || result->rates.bytes > 0.0;
    if (count == 0) {
        if (result->ops_reason[0] != '\0')
            printf("\ntimes of operations: %s\n", result->ops_reason);
        return;
    }
    printf("\n%-22s %11s %12s %10s %7s", "operation", "forward ms", "backward ms", "total ms",
           "share");
    if (rates)
        printf(" %10s %7s %8s %7s  %-8s %7s", "GFLOP/s", "of rate", "GB/s", "of rate", "limit",
               "of it");
    printf("\n");
    for (size_t i = 0; i < count; i++)
        print_row(result, &rows[i], rates);
    printf("%-22s %11s %12s %10.2f\n", "one step, while timed", "", "", 1e3 * result->profiled);
    if (rates)
        printf("\ndevice reaches %.1f TFLOP/s in matrix products and %.1f GB/s in copies (measured "
               "now)\n",
               1e-12 * result->rates.flops, 1e-9 * result->rates.bytes);
    if (result->launches > 0.0)
        printf("launches a step: %.0f\n", result->launches);
}

static void print_text(const struct bench *bench, const struct settings *settings,
                       const struct bench_result *result)
{
    const struct bench_options *options = &result->options;
    double batch = (double)options->batch, speed = batch / result->median;
    printf("%s at %d px, %s, batch %" PRId64 " in micros of %" PRId64 " (ghosts of %" PRId64
           "), %s\n",
           settings->network, (int)bench->net.graph.width, precision_name(options->precision),
           options->batch, options->micro, options->ghost,
           options->with_data ? "data and augmentation included"
                              : "on random images that stay where they are");
    int decimals = speed < 1.0 ? 3 : 1;
    char text[BACKEND_DEVICE_TEXT];
    printf("backend %s %s: %s, %s\n\n", bench->backend.name, bench->backend.version,
           backend_device_text(&bench->caps, text), bench->caps.library);
    printf("%10.*f images/s, median of %d steps%s (best %.*f)\n", decimals, speed, options->steps,
           result->device_clock ? " by the device's clock" : "", decimals, batch / result->best);
    printf("%10.1f GFLOP/s at %.3f GFLOP an image\n", 1e-9 * result->flop * speed,
           1e-9 * result->flop);
    if (result->limit > 0.0)
        printf("%10.1f %% of the convolutions by themselves (%.1f images/s)\n",
               100.0 * speed / result->limit, result->limit);
    else if (result->limit_reason[0] != '\0')
        printf("%10s convolutions by themselves: %s\n", "-", result->limit_reason);
    printf("%10.1f MiB peak memory of this process\n", (double)result->memory / (1 << 20));
    print_rows(bench, result);
    if (settings->describe)
        printf("\n%s", result->description == NULL ? "this backend does not describe its choices\n"
                                                   : result->description);
}

/* ---- JSON ---- */

/* A number or string, or null where it says nothing. */
static json_t *number_or_null(double value)
{
    return value > 0.0 ? json_real(value) : json_null();
}

static json_t *string_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

/* What is known by the device's rates. */
static void set_limit(json_t *object, const struct bench_result *result,
                      const struct bench_row *row)
{
    static const char *const names[] = {NULL, "products", "copies"};
    double flops = row->flop / row->total, bytes = row->bytes / row->total;
    if (result->rates.flops > 0.0)
        json_object_update_new(object, json_pack("{s:o, s:o}", "gflops",
                                                 number_or_null(1e-9 * flops), "product_share",
                                                 number_or_null(flops / result->rates.flops)));
    if (result->rates.bytes > 0.0)
        json_object_update_new(object, json_pack("{s:o, s:o}", "gigabytes_per_second",
                                                 number_or_null(1e-9 * bytes), "copy_share",
                                                 number_or_null(bytes / result->rates.bytes)));
    if (row->limit != BENCH_LIMIT_UNKNOWN)
        json_object_update_new(object, json_pack("{s:s, s:f}", "limit", names[row->limit],
                                                 "limit_share", row->limit_share));
}

static json_t *rows_json(const struct bench *bench, const struct bench_result *result)
{
    struct bench_row rows[BENCH_ROW_MAX];
    size_t count = bench_rows(&bench->net, result, rows);
    if (count == 0)
        return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:s, s:f, s:f, s:f, s:f}", "operation", rows[i].name,
                                "forward_ms", 1e3 * rows[i].forward, "backward_ms",
                                1e3 * rows[i].backward, "total_ms", 1e3 * rows[i].total, "share",
                                rows[i].share);
        if (row != NULL)
            set_limit(row, result, &rows[i]);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *seconds_json(const struct bench_result *result)
{
    json_t *list = json_array();
    for (int i = 0; i < result->options.steps; i++)
        json_array_append_new(list, json_real(result->seconds[i]));
    return list;
}

static json_t *what_json(const struct bench *bench, const struct settings *settings,
                         const struct bench_options *options)
{
    return json_pack(
        "{s:s, s:i, s:I, s:I, s:I, s:I, s:s, s:b, s:s, s:s, s:s, s:s, s:o, s:i, s:s, s:s}",
        "network", settings->network, "side", (int)bench->net.graph.width, "parameters",
        (json_int_t)bench->net.graph.param_count, "batch", (json_int_t)options->batch, "micro",
        (json_int_t)options->micro, "ghost", (json_int_t)options->ghost, "precision",
        precision_name(options->precision), "with_data", options->with_data, "backend",
        bench->backend.name, "backend_version", bench->backend.version, "device",
        bench->caps.device, "library", bench->caps.library, "algorithms",
        string_or_null(bench->caps.algorithms), "threads", (int)bench->caps.threads, "version",
        REPRO_VERSION, "commit", REPRO_COMMIT);
}

static int print_json(const struct bench *bench, const struct settings *settings,
                      const struct bench_result *result, struct err *err)
{
    const struct bench_options *options = &result->options;
    double batch = (double)options->batch, speed = batch / result->median;
    json_t *object = what_json(bench, settings, options);
    json_t *figures = json_pack(
        "{s:o, s:s, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
        "seconds", seconds_json(result), "clock", result->device_clock ? "device" : "host",
        "images_per_second", speed, "best_images_per_second", batch / result->best,
        "gflop_per_image", 1e-9 * result->flop, "gflops", 1e-9 * result->flop * speed,
        "limit_images_per_second", number_or_null(result->limit), "limit_share",
        number_or_null(result->limit > 0.0 ? speed / result->limit : 0.0), "limit_reason",
        string_or_null(result->limit_reason), "peak_memory_bytes", (json_int_t)result->memory,
        "operations", rows_json(bench, result), "profiled_ms",
        number_or_null(1e3 * result->profiled), "operations_reason",
        string_or_null(result->ops_reason), "product_tflops",
        number_or_null(1e-12 * result->rates.flops), "copy_gigabytes_per_second",
        number_or_null(1e-9 * result->rates.bytes), "launches_per_step",
        number_or_null(result->launches));
    if (settings->describe && figures != NULL)
        json_object_set_new(figures, "description", string_or_null(result->description));
    char *text = NULL;
    if (object != NULL && figures != NULL && json_object_update(object, figures) == 0)
        text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    json_decref(figures);
    if (text == NULL)
        return err_set(err, ERR_INTERNAL, "the figures cannot be put into JSON");
    puts(text);
    free(text);
    return 0;
}

int command_bench(int argc, char **argv)
{
    static struct bench_result result; /* large */
    struct settings settings = {.network = "wrn-16-4",
                                .device.struct_size = sizeof settings.device};
    struct err err = {0};
    struct bench bench;
    parse(argc, argv, &settings);
    int code = bench_open(settings.backend, settings.network, settings.side, &settings.device,
                          &bench, &err);
    if (code != 0)
        return report_error(&err);
    code = bench_measure(&bench, &settings.options, &result, &err);
    if (code == 0 && settings.json)
        code = print_json(&bench, &settings, &result, &err);
    else if (code == 0)
        print_text(&bench, &settings, &result);
    if (code == 0 && fflush(stdout) != 0)
        code = err_errno(&err, errno, "standard output: cannot be written");
    bench_release(&result);
    bench_close(&bench);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
