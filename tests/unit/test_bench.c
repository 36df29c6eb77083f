/* What a bench counts, adds up and says, with a backend of its own that computes nothing. */
#include "lab/bench.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What the backend was asked for since reset(). */
static struct {
    int compiled, freed, zeroes, forwards, backwards, updates, syncs, profiles, bares, writes;
    int64_t rows, micro, ghost;
    double scale;
    struct repro_step step;
    int fail_update; /* the n-th fails; 0: none */
    int32_t bare_code;
    const uint8_t *pixels;
    int pixels_moved, label_bad;
    int since_profile;        /* updates */
    int marks, syncs_between; /* marks unread; syncs after the first of them and before the last */
    int syncs_at_mark, waits; /* of net_marks */
} seen;

static int32_t refuse(int32_t code, const char *text, struct repro_error *err)
{
    err->code = code;
    snprintf(err->text, sizeof err->text, "%s", text);
    return code;
}

static int32_t fake_caps(struct repro_device *device, struct repro_caps *caps,
                         struct repro_error *err)
{
    (void)device;
    (void)err;
    caps->held = 0;
    return 0;
}

static int32_t fake_compile(struct repro_device *device, const struct repro_graph *graph,
                            const struct repro_net_options *options, struct repro_net **out,
                            struct repro_error *err)
{
    (void)device;
    (void)graph;
    (void)err;
    seen.compiled++;
    seen.micro = options->micro;
    seen.ghost = options->ghost;
    *out = (struct repro_net *)&seen;
    return 0;
}

static void fake_free(struct repro_net *net)
{
    seen.freed += net != NULL;
}

static int32_t fake_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                          const float *values, struct repro_error *err)
{
    (void)net;
    (void)arena;
    (void)first;
    (void)count;
    (void)values;
    (void)err;
    seen.writes++;
    return 0;
}

static int32_t fake_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                         float *values, struct repro_error *err)
{
    (void)net;
    (void)arena;
    (void)first;
    (void)err;
    memset(values, 0, (size_t)count * sizeof *values);
    return 0;
}

static int32_t fake_zero(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    seen.zeroes++;
    return 0;
}

static int32_t fake_forward(struct repro_net *net, const struct repro_rows *rows,
                            struct repro_error *err)
{
    (void)net;
    (void)err;
    seen.forwards++;
    seen.rows += rows->count;
    seen.pixels_moved |= seen.pixels != NULL && seen.pixels != rows->pixels;
    seen.pixels = rows->pixels;
    for (int64_t i = 0; i < rows->count; i++)
        seen.label_bad |= rows->labels[i] < 0 || rows->labels[i] > 9 || rows->image == NULL;
    return 0;
}

static int32_t fake_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    (void)net;
    (void)err;
    seen.backwards++;
    seen.scale = scale;
    return 0;
}

static int32_t fake_update(struct repro_net *net, const struct repro_step *step,
                           struct repro_error *err)
{
    (void)net;
    seen.updates++;
    seen.since_profile++;
    seen.step = *step;
    return seen.updates == seen.fail_update ? refuse(REPRO_LIBRARY, "the fake says no", err) : 0;
}

static int32_t fake_metrics(struct repro_net *net, struct repro_metrics *metrics,
                            struct repro_error *err)
{
    (void)net;
    (void)err;
    metrics->loss = 1.0;
    metrics->correct = 1;
    metrics->rows = 1;
    return 0;
}

static int32_t fake_sync(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    seen.syncs++;
    return 0;
}

/* Every update since the call before took 3 ms of conv forward, 5 of conv backward, and so on. */
static int32_t fake_profile(struct repro_net *net, struct repro_profile *profile,
                            struct repro_error *err)
{
    (void)net;
    (void)err;
    double n = seen.since_profile;
    assert_int_equal(profile->struct_size, sizeof *profile);
    profile->forward[REPRO_OP_CONV] = 0.003 * n;
    profile->backward[REPRO_OP_CONV] = 0.005 * n;
    profile->forward[REPRO_OP_BATCH_NORM] = 0.001 * n;
    profile->reorder = 0.0005 * n;
    profile->update = 0.0002 * n;
    profile->forward_bytes[REPRO_OP_BATCH_NORM] = 500.0 * n;
    profile->update_bytes = 30.0 * n;
    profile->launches = 17 * (int64_t)n;
    seen.profiles++;
    seen.since_profile = 0;
    return 0;
}

/* The n-th mark is at n^2 milliseconds: step i takes 2i + 1 of them. */
static int32_t fake_mark(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    if (seen.marks++ == 0)
        seen.syncs_at_mark = seen.syncs;
    seen.syncs_between = seen.syncs - seen.syncs_at_mark;
    return 0;
}

static int32_t fake_marks(struct repro_net *net, double *seconds, int64_t capacity, int64_t *count,
                          struct repro_error *err)
{
    (void)net;
    (void)err;
    assert_true(capacity >= seen.marks);
    for (int n = 0; n < seen.marks; n++)
        seconds[n] = 1e-3 * n * n;
    *count = seen.marks;
    seen.marks = 0;
    seen.waits++;
    return 0;
}

/* A gigaflop and a megabyte a second. */
static int32_t fake_rates(struct repro_device *device, int32_t precision, struct repro_rates *rates,
                          struct repro_error *err)
{
    (void)device;
    (void)err;
    assert_int_equal(precision, REPRO_PRECISION_F32);
    rates->flops = 1e9;
    rates->bytes = 1e6;
    return 0;
}

static int32_t fake_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                         struct repro_error *err)
{
    (void)net;
    assert_int_equal(op, REPRO_OP_CONV);
    assert_int_equal(repeats, 7);
    seen.bares++;
    if (seen.bare_code != 0)
        return refuse(seen.bare_code, "no kernels to run", err);
    *seconds = 0.25;
    return 0;
}

static int32_t fake_describe(struct repro_net *net, char *text, int64_t size,
                             struct repro_error *err)
{
    (void)net;
    (void)err;
    snprintf(text, (size_t)size, "stem: direct\n");
    return 0;
}

/* A bench of network "tiny" on the fake of contract 1.0, or 1.1 or 1.3 with their optional
 * functions. */
static struct bench fake(int minor)
{
    struct err err = {0};
    struct bench bench = {
        .backend = {.struct_size = sizeof bench.backend,
                    .abi_minor = (uint32_t)minor,
                    .name = "fake",
                    .version = "1",
                    .device_caps = fake_caps,
                    .net_compile = fake_compile,
                    .net_free = fake_free,
                    .net_write = fake_write,
                    .net_read = fake_read,
                    .net_zero = fake_zero,
                    .net_forward = fake_forward,
                    .net_backward = fake_backward,
                    .net_update = fake_update,
                    .net_metrics = fake_metrics,
                    .net_sync = fake_sync},
        .caps = {.precisions = 1u << REPRO_PRECISION_F32},
    };
    if (minor > 0) {
        bench.backend.net_profile = fake_profile;
        bench.backend.net_bare = fake_bare;
        bench.backend.net_describe = fake_describe;
    }
    if (minor > 2) {
        bench.backend.device_rates = fake_rates;
        bench.backend.net_mark = fake_mark;
        bench.backend.net_marks = fake_marks;
    }
    memset(&seen, 0, sizeof seen);
    if (bench_net("tiny", 0, &bench.net, &err) != 0)
        fail_msg("%s", err.text);
    return bench;
}

static struct bench_result measured(struct bench *bench, const struct bench_options *options)
{
    struct err err = {0};
    struct bench_result result;
    if (options->with_data && bench->data.kind == NULL &&
        bench_data(bench, "tiny", NULL, options->batch, &err) != 0)
        fail_msg("%s", err.text);
    if (bench_measure(bench, options, &result, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(seen.compiled, seen.freed);
    return result;
}

static void flop_of(const char *network, int side, double gflop, double tolerance)
{
    struct net net;
    struct err err = {0};
    if (bench_net(network, side, &net, &err) != 0)
        fail_msg("%s", err.text);
    double found = 1e-9 * bench_flop(&net);
    net_release(&net);
    if (!(fabs(found / gflop - 1.0) <= tolerance))
        fail_msg("%s: %.6f GFLOP an image, not %.6f", network, found, gflop);
}

/* wrn-16-1 by hand, multiply-adds of one forward pass: stem 27*16*1024; group 1 four 3x3
 * convolutions 16->16 at 32x32; group 2 16->32 and three 32->32 at 16x16 and the 1x1 shortcut;
 * group 3 the like at 8x8; dense 640. */
static void flop_counts_three_passes_but_two_of_the_stem(void **state)
{
    (void)state;
    double stem = 27.0 * 16 * 1024, rest = 4.0 * 9 * 16 * 16 * 1024;
    rest += (9.0 * 16 * 32 + 3.0 * 9 * 32 * 32 + 16.0 * 32) * 256;
    rest += (9.0 * 32 * 64 + 3.0 * 9 * 64 * 64 + 32.0 * 64) * 64 + 64.0 * 10;
    flop_of("wrn-16-1", 0, 1e-9 * 2.0 * (2.0 * stem + 3.0 * rest), 1e-12);
    flop_of("wrn-16-4", 0, 2.356, 1e-3);
    /* but for the dense layer, four times the pixels are four times the work */
    stem *= 4.0;
    rest = 4.0 * (rest - 64.0 * 10) + 64.0 * 10;
    flop_of("wrn-16-1", 64, 1e-9 * 2.0 * (2.0 * stem + 3.0 * rest), 1e-12);
}

static void median_and_best(void **state)
{
    (void)state;
    struct bench_result odd = {.options = {.steps = 5}, .seconds = {5.0, 1.0, 4.0, 2.0, 3.5}};
    bench_summary(&odd);
    assert_true(odd.median == 3.5);
    assert_true(odd.best == 1.0);
    assert_true(odd.seconds[0] == 5.0);
    struct bench_result even = {.options = {.steps = 4}, .seconds = {4.0, 1.0, 8.0, 2.0}};
    bench_summary(&even);
    assert_true(even.median == 3.0);
    struct bench_result one = {.options = {.steps = 1}, .seconds = {7.0}};
    bench_summary(&one);
    assert_true(one.median == 7.0);
    assert_true(one.best == 7.0);
}

static void a_step_is_one_update_of_the_whole_batch(void **state)
{
    (void)state;
    struct bench bench = fake(0);
    struct bench_options options = {.batch = 40, .micro = 16, .ghost = 8, .steps = 2, .brief = 1};
    struct bench_result result = measured(&bench, &options);
    assert_int_equal(seen.micro, 16);
    assert_int_equal(seen.ghost, 8);
    assert_int_equal(seen.zeroes, 5);
    /* 16 + 16 + 8 rows, three steps to warm up and two timed */
    assert_int_equal(seen.forwards, 15);
    assert_int_equal(seen.backwards, 15);
    assert_int_equal(seen.rows, 5 * 40);
    assert_int_equal(seen.updates, 5);
    assert_int_equal(seen.syncs, 5);
    assert_true(seen.scale == 1.0 / 40);
    assert_int_equal(seen.step.update, 5);
    assert_int_equal(seen.step.ghosts, 5);
    assert_int_equal(seen.step.optimizer, REPRO_OPTIMIZER_MOMENTUM);
    assert_true(fabs(seen.step.keep - pow(0.9, 40.0 / 128)) < 1e-15);
    assert_int_equal(seen.writes, 2); /* parameters and running statistics */
    assert_false(seen.pixels_moved);
    assert_false(seen.label_bad);
    assert_true(result.best > 0.0 && result.best <= result.median);
    assert_true(result.memory > 1 << 20);
    bench_release(&result);
    bench_close(&bench);
}

static void defaults_follow_from_the_batch(void **state)
{
    (void)state;
    struct bench bench = fake(0);
    struct bench_options none = {0}, cut = {.batch = 256, .micro = 64, .warm_up = -1, .steps = 1};
    struct bench_result result = measured(&bench, &none);
    assert_int_equal(result.options.batch, 128);
    assert_int_equal(result.options.micro, 128);
    assert_int_equal(result.options.ghost, 128);
    assert_int_equal(result.options.steps, 9);
    assert_int_equal(result.options.precision, REPRO_PRECISION_F32);
    assert_int_equal(seen.updates, 12);
    seen.updates = 0;
    result = measured(&bench, &cut);
    assert_int_equal(result.options.ghost, 64);
    assert_int_equal(seen.updates, 1);
    bench_close(&bench);
}

static void old_backends_say_why_there_is_no_table(void **state)
{
    (void)state;
    struct bench bench = fake(0);
    struct bench_options options = {.batch = 8, .steps = 1};
    struct bench_row rows[BENCH_ROW_MAX];
    struct bench_result result = measured(&bench, &options);
    assert_false(result.has_ops);
    assert_int_equal(bench_rows(&bench.net, &result, rows), 0);
    assert_true(result.limit == 0.0);
    assert_non_null(strstr(result.ops_reason, "backend fake does not measure it"));
    assert_non_null(strstr(result.limit_reason, "backend fake does not measure it"));
    assert_null(result.description);
    assert_int_equal(seen.updates, 4);
    bench_release(&result);
    bench_close(&bench);
}

/* Times per op are taken in steps of their own, and the steps to warm up and the timed ones do not
 * count. */
static void op_times_are_of_one_step_and_add_up(void **state)
{
    (void)state;
    struct bench bench = fake(1);
    static const int64_t batches[] = {8, 16, 800};
    static const int profiled[] = {3, 2, 1};
    for (int k = 0; k < 3; k++) {
        struct bench_options options = {.batch = batches[k], .micro = 8, .steps = 4};
        struct bench_row rows[BENCH_ROW_MAX];
        memset(&seen, 0, sizeof seen);
        struct bench_result result = measured(&bench, &options);
        assert_int_equal(seen.updates, 3 + 4 + profiled[k]);
        assert_int_equal(seen.profiles, 2);
        assert_true(result.has_ops);
        assert_true(fabs(result.ops.forward[REPRO_OP_CONV] - 0.003) < 1e-12);
        assert_true(fabs(result.ops.backward[REPRO_OP_CONV] - 0.005) < 1e-12);
        assert_true(fabs(result.ops.reorder - 0.0005) < 1e-12);
        assert_true(fabs(result.ops.update - 0.0002) < 1e-12);
        size_t count = bench_rows(&bench.net, &result, rows);
        assert_int_equal(count, 5);
        static const char *const names[] = {"conv", "batch_norm", "reorder", "update", "rest"};
        double total = 0.0, share = 0.0;
        for (size_t i = 0; i < count; i++) {
            assert_string_equal(rows[i].name, names[i]);
            total += rows[i].total;
            share += rows[i].share;
        }
        assert_true(fabs(rows[0].total - 0.008) < 1e-12);
        assert_true(fabs(total - result.profiled) < 1e-12);
        assert_true(fabs(share - 1.0) < 1e-9);
        assert_string_equal(result.description, "stem: direct\n");
        bench_release(&result);
    }
    bench_close(&bench);
}

static void the_limit_is_the_micro_by_the_bare_seconds(void **state)
{
    (void)state;
    struct err err = {0};
    struct bench bench = fake(1);
    struct bench_options options = {.batch = 40, .micro = 20, .steps = 1};
    struct bench_result result = measured(&bench, &options);
    assert_true(result.limit == 20 / 0.25);
    assert_string_equal(result.limit_reason, "");
    bench_release(&result);
    seen.bare_code = REPRO_UNSUPPORTED;
    result = measured(&bench, &options);
    assert_true(result.limit == 0.0);
    assert_string_equal(result.limit_reason, "backend fake: no kernels to run");
    bench_release(&result);
    seen.bare_code = REPRO_LIBRARY;
    assert_int_equal(bench_measure(&bench, &options, &result, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "no kernels to run"));
    seen.bares = 0;
    options.brief = 1;
    result = measured(&bench, &options);
    assert_int_equal(seen.bares, 0);
    assert_false(result.has_ops);
    assert_string_equal(result.limit_reason, "");
    bench_release(&result);
    bench_close(&bench);
}

/* Through the trainer: an image is drawn, the weights are initial, and all steps together cross an
 * epoch. */
static void with_data_is_the_trainer(void **state)
{
    (void)state;
    struct bench bench = fake(1);
    struct bench_options options = {
        .batch = 1500, .micro = 500, .ghost = 100, .steps = 2, .with_data = 1, .brief = 1};
    struct bench_result result = measured(&bench, &options);
    assert_int_equal(seen.compiled, 1);
    assert_int_equal(seen.updates, 5); /* two to an epoch of 4096 */
    assert_int_equal(seen.rows, 5 * 1500);
    assert_int_equal(seen.step.ghosts, 15);
    assert_int_equal(seen.zeroes, 5 * 3); /* three groups of one micro */
    assert_false(seen.label_bad);
    assert_true(result.best > 0.0);
    bench_release(&result);
    options.brief = 0;
    memset(&seen, 0, sizeof seen);
    result = measured(&bench, &options);
    assert_int_equal(seen.compiled, 2);
    assert_true(result.has_ops);
    assert_true(result.limit == 500 / 0.25);
    bench_release(&result);
    bench_close(&bench);
}

/* Images of the network's size, and a network of their classes; few where they are large. */
static void data_are_like_the_network(void **state)
{
    (void)state;
    struct err err = {0};
    struct bench bench = fake(1);
    struct bench_options options = {.batch = 8, .steps = 1, .with_data = 1, .brief = 1};
    struct bench_result result;
    assert_int_equal(bench_measure(&bench, &options, &result, &err), ERR_INTERNAL);
    assert_int_equal(bench_data(&bench, "tiny", NULL, 8, &err), 0);
    assert_string_equal(bench.data.name, "synthetic");
    assert_int_equal(bench.data.train_n, 4096);
    bench_close(&bench);
    assert_int_equal(bench_net("inception-resnet-v2-16-10", 80, &bench.net, &err), 0);
    assert_int_equal(bench.net.graph.classes, 100);
    assert_int_equal(bench_data(&bench, "inception-resnet-v2-16-10", NULL, 8, &err), 0);
    assert_string_equal(bench.data.name, "synthetic-imagenet");
    assert_int_equal(bench.data.width, 80);
    assert_int_equal(bench.data.train_n, (64 << 20) / (80 * 80 * 3));
    assert_int_equal(bench.net.graph.classes, bench.data.classes);
    assert_int_equal(bench.net.graph.width, 80);
    bench_close(&bench);
    assert_int_equal(bench_net("tiny", 1000, &bench.net, &err), 0);
    assert_int_equal(bench_data(&bench, "tiny", NULL, 24, &err), 0); /* 22 are 64 MiB */
    assert_int_equal(bench.data.train_n, 24);
    bench_close(&bench);
}

/* Both paths: one mark before the timed steps, one behind each, nothing waited for between them. */
static void steps_are_timed_by_the_device(void **state)
{
    (void)state;
    struct bench bench = fake(3);
    struct bench_options options = {.batch = 8, .steps = 4, .brief = 1};
    for (int with_data = 0; with_data < 2; with_data++) {
        options.with_data = with_data;
        memset(&seen, 0, sizeof seen);
        struct bench_result result = measured(&bench, &options);
        assert_true(result.device_clock);
        for (int i = 0; i < 4; i++)
            assert_true(fabs(result.seconds[i] - 1e-3 * (2 * i + 1)) < 1e-12);
        assert_true(fabs(result.median - 4e-3) < 1e-12);
        assert_int_equal(seen.waits, 1);
        assert_int_equal(seen.updates, 3 + 4);
        assert_int_equal(seen.syncs_between, 0);
        bench_release(&result);
    }
    bench_close(&bench);
    bench = fake(1);
    struct bench_result result = measured(&bench, &options);
    assert_false(result.device_clock);
    bench_release(&result);
    bench_close(&bench);
}

/* Convolutions by their multiplications, batch norm by its bytes, and nothing where neither is
 * known. */
static void each_operation_has_its_limit(void **state)
{
    (void)state;
    struct bench bench = fake(3);
    struct bench_options options = {.batch = 8, .steps = 1};
    struct bench_row rows[BENCH_ROW_MAX];
    struct bench_result result = measured(&bench, &options);
    assert_int_equal(bench_rows(&bench.net, &result, rows), 5);
    double flop = 8.0 * bench_op_flop(&bench.net, REPRO_OP_CONV);
    assert_true(flop > 0.0 && fabs(rows[0].flop - flop) < 1e-6 * flop);
    assert_int_equal(rows[0].limit, BENCH_LIMIT_PRODUCTS);
    assert_true(fabs(rows[0].limit_share - flop / 1e9 / 0.008) < 1e-9);
    assert_int_equal(rows[1].limit, BENCH_LIMIT_COPIES);
    assert_true(fabs(rows[1].limit_share - 500.0 / 1e6 / 0.001) < 1e-9);
    assert_int_equal(rows[2].limit, BENCH_LIMIT_UNKNOWN); /* reorder */
    assert_int_equal(rows[3].limit, BENCH_LIMIT_COPIES);
    assert_int_equal(rows[4].limit, BENCH_LIMIT_UNKNOWN); /* rest */
    assert_true(result.launches == 17.0);
    assert_true(fabs(bench_op_flop(&bench.net, REPRO_OP_CONV) +
                     bench_op_flop(&bench.net, REPRO_OP_DENSE) - bench_flop(&bench.net)) <
                1e-9 * result.flop);
    bench_release(&result);
    bench_close(&bench);
    bench = fake(1);
    result = measured(&bench, &options);
    bench_rows(&bench.net, &result, rows);
    assert_int_equal(rows[0].limit, BENCH_LIMIT_UNKNOWN);
    assert_true(result.rates.flops == 0.0);
    bench_release(&result);
    bench_close(&bench);
}

static void refused(const struct bench *bench, struct bench_options options, int code,
                    const char *words)
{
    struct err err = {0};
    struct bench_result result;
    assert_int_equal(bench_measure(bench, &options, &result, &err), code);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.text);
}

static void what_cannot_be_measured_is_refused(void **state)
{
    (void)state;
    struct bench bench = fake(1);
    refused(&bench, (struct bench_options){.batch = 8, .micro = 16}, ERR_USAGE,
            "micro of 16 rows exceeds the batch of 8");
    refused(&bench, (struct bench_options){.batch = 10, .micro = 4}, ERR_USAGE,
            "ghost of 4 rows does not divide");
    refused(&bench, (struct bench_options){.batch = 16, .micro = 8, .ghost = 16}, ERR_USAGE,
            "ghost of 16 rows");
    refused(&bench, (struct bench_options){.steps = BENCH_STEP_MAX + 1}, ERR_USAGE,
            "1001 timed steps");
    refused(&bench, (struct bench_options){.precision = REPRO_PRECISION_BF16}, ERR_CANNOT_RUN,
            "backend fake does not compute in bf16");
    assert_int_equal(seen.compiled, 0);
    seen.fail_update = 2;
    refused(&bench, (struct bench_options){.batch = 8}, ERR_BACKEND,
            "backend fake: the fake says no");
    assert_int_equal(seen.compiled, seen.freed);
    bench_close(&bench);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flop_counts_three_passes_but_two_of_the_stem),
        cmocka_unit_test(median_and_best),
        cmocka_unit_test(a_step_is_one_update_of_the_whole_batch),
        cmocka_unit_test(defaults_follow_from_the_batch),
        cmocka_unit_test(old_backends_say_why_there_is_no_table),
        cmocka_unit_test(op_times_are_of_one_step_and_add_up),
        cmocka_unit_test(the_limit_is_the_micro_by_the_bare_seconds),
        cmocka_unit_test(with_data_is_the_trainer),
        cmocka_unit_test(data_are_like_the_network),
        cmocka_unit_test(steps_are_timed_by_the_device),
        cmocka_unit_test(each_operation_has_its_limit),
        cmocka_unit_test(what_cannot_be_measured_is_refused),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
