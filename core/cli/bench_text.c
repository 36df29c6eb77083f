/* What `repro bench` measured, for people. */
#include "cli/bench_report.h"

#include "backend/loader.h"
#include "backend/names.h"

#include <inttypes.h>
#include <stdio.h>

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

void bench_print_text(const struct bench *bench, const char *network, int describe,
                      const struct bench_result *result)
{
    const struct bench_options *options = &result->options;
    double batch = (double)options->batch, speed = batch / result->median;
    int decimals = speed < 1.0 ? 3 : 1;
    printf("%s at %d px, %s, batch %" PRId64 " in micros of %" PRId64 " (ghosts of %" PRId64
           "), %s\n",
           network, (int)bench->net.graph.width, precision_name(options->precision), options->batch,
           options->micro, options->ghost,
           options->with_data ? "data and augmentation included"
                              : "on random images that stay where they are");
    if (options->with_data)
        printf("data %s, %d classes, %" PRId64 " images\n", bench->data.name, bench->data.classes,
               bench->data.train_n);
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
    if (result->held > 0)
        printf("%10.1f MiB of device memory in networks and data\n",
               (double)result->held / (1 << 20));
    print_rows(bench, result);
    if (describe)
        printf("\n%s", result->description == NULL ? "this backend does not describe its choices\n"
                                                   : result->description);
}
