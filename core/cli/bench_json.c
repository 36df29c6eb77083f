/* What `repro bench` measured, as one JSON object. */
#include "cli/bench_report.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "cli/version.h"

#include <stdio.h>

/* A number or string, or null where it says nothing. */
static json_t *number_or_null(double value)
{
    return value > 0.0 ? json_real(value) : json_null();
}

static json_t *string_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

/* What lacks a part is nothing. */
static json_t *whole_or_null(json_t *value, int bad)
{
    if (!bad)
        return value;
    json_decref(value);
    return NULL;
}

/* Adds what is known by the device's rates; not 0 when out of memory. */
static int set_limit(json_t *object, const struct bench_result *result, const struct bench_row *row)
{
    static const char *const names[] = {NULL, "products", "copies"};
    int bad = object == NULL;
    double flops = row->flop / row->total, bytes = row->bytes / row->total;
    if (result->rates.flops > 0.0)
        bad |= json_object_update_new(
            object, json_pack("{s:o, s:o}", "gflops", number_or_null(1e-9 * flops), "product_share",
                              number_or_null(flops / result->rates.flops)));
    if (result->rates.bytes > 0.0)
        bad |= json_object_update_new(
            object, json_pack("{s:o, s:o}", "gigabytes_per_second", number_or_null(1e-9 * bytes),
                              "copy_share", number_or_null(bytes / result->rates.bytes)));
    if (row->limit != BENCH_LIMIT_UNKNOWN)
        bad |= json_object_update_new(object, json_pack("{s:s, s:f}", "limit", names[row->limit],
                                                        "limit_share", row->limit_share));
    return bad;
}

static json_t *rows_json(const struct bench *bench, const struct bench_result *result)
{
    struct bench_row rows[BENCH_ROW_MAX];
    size_t count = bench_rows(&bench->net, result, rows);
    if (count == 0)
        return json_null();
    json_t *list = json_array();
    int bad = list == NULL;
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_pack("{s:s, s:f, s:f, s:f, s:f}", "operation", rows[i].name,
                                "forward_ms", 1e3 * rows[i].forward, "backward_ms",
                                1e3 * rows[i].backward, "total_ms", 1e3 * rows[i].total, "share",
                                rows[i].share);
        bad |= set_limit(row, result, &rows[i]);
        bad |= json_array_append_new(list, row) != 0;
    }
    return whole_or_null(list, bad);
}

static json_t *seconds_json(const struct bench_result *result)
{
    json_t *list = json_array();
    int bad = list == NULL;
    for (int i = 0; i < result->options.steps; i++)
        bad |= json_array_append_new(list, json_real(result->seconds[i])) != 0;
    return whole_or_null(list, bad);
}

static json_t *what_json(const struct bench *bench, const char *network,
                         const struct bench_options *options)
{
    return json_pack(
        "{s:s, s:i, s:I, s:I, s:I, s:I, s:s, s:b, s:s?, s:s, s:s, s:s, s:s, s:o, s:i, s:s, s:s}",
        "network", network, "side", (int)bench->net.graph.width, "parameters",
        (json_int_t)bench->net.graph.param_count, "batch", (json_int_t)options->batch, "micro",
        (json_int_t)options->micro, "ghost", (json_int_t)options->ghost, "precision",
        precision_name(options->precision), "with_data", options->with_data, "data",
        bench->data.name, "backend", bench->backend.name, "backend_version", bench->backend.version,
        "device", bench->caps.device, "library", bench->caps.library, "algorithms",
        string_or_null(bench->caps.algorithms), "threads", (int)bench->caps.threads, "version",
        REPRO_VERSION, "commit", REPRO_COMMIT);
}

int bench_print_json(const struct bench *bench, const char *network, int describe,
                     const struct bench_result *result, struct err *err)
{
    const struct bench_options *options = &result->options;
    double batch = (double)options->batch, speed = batch / result->median;
    json_t *object = what_json(bench, network, options);
    const char *slow = bench->caps.slow_precisions >> options->precision & 1u ? bench->caps.slow
                                                                              : "";
    json_t *figures = json_pack(
        "{s:o, s:s, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "seconds", seconds_json(result), "clock", result->device_clock ? "device" : "host",
        "images_per_second", speed, "best_images_per_second", batch / result->best,
        "gflop_per_image", 1e-9 * result->flop, "gflops", 1e-9 * result->flop * speed,
        "limit_images_per_second", number_or_null(result->limit), "limit_share",
        number_or_null(result->limit > 0.0 ? speed / result->limit : 0.0), "limit_reason",
        string_or_null(result->limit_reason), "peak_memory_bytes", (json_int_t)result->memory,
        "device_memory_bytes", result->held > 0 ? json_integer(result->held) : json_null(),
        "operations", rows_json(bench, result), "profiled_ms",
        number_or_null(1e3 * result->profiled), "operations_reason",
        string_or_null(result->ops_reason), "product_tflops",
        number_or_null(1e-12 * result->rates.flops), "copy_gigabytes_per_second",
        number_or_null(1e-9 * result->rates.bytes), "launches_per_step",
        number_or_null(result->launches), "slow", string_or_null(slow));
    int bad = object == NULL || figures == NULL;
    if (!bad && describe)
        bad |= json_object_set_new(figures, "description", string_or_null(result->description));
    if (!bad)
        bad |= json_object_update(object, figures);
    struct text out = {0};
    char *text;
    text_put_json(&out, bad ? NULL : object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(object);
    json_decref(figures);
    if (text_take(&out, &text, "the figures", NULL) != 0)
        return err_set(err, ERR_INTERNAL, "the figures cannot be put into JSON");
    puts(text);
    mem_free(text);
    return 0;
}
