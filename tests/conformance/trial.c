#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subject.h"

#include "base/err.h"
#include "base/random.h"
#include "graphs.h"
#include "guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 200

/* ---- Making ---- */

static void start(struct trial *trial, int micro, int ghost)
{
    const struct repro_graph *graph = &trial->net.graph;
    size_t rows = (size_t)micro,
           image = (size_t)graph->channels * (size_t)graph->height * (size_t)graph->width;
    trial->micro = micro;
    trial->ghost = ghost;
    trial->compiled = NULL;
    assert_int_equal(reference_init(&trial->reference, graph, micro, ghost), 0);
    trial->pixels = guard_new(rows * image, sizeof *trial->pixels);
    trial->labels = guard_new(rows, sizeof *trial->labels);
    trial->image = guard_new(rows, sizeof *trial->image);
    trial->rows = (struct repro_rows){.struct_size = sizeof trial->rows,
                                      .mode = REPRO_MODE_TRAIN,
                                      .count = micro,
                                      .pixels = trial->pixels,
                                      .labels = trial->labels,
                                      .image = trial->image,
                                      .seed = UINT64_C(0x123456789abcdef),
                                      .epoch = 7};
}

void trial_without_backend(struct trial *trial, const struct graph_case *graph_case)
{
    struct err err = {0};
    if (graph_build(graph_case, &trial->net, &err) != 0)
        fail_msg("%s", err.text);
    start(trial, graph_case->ghost * graph_case->ghosts, graph_case->ghost);
}

void trial_of_case(struct trial *trial, const struct graph_case *graph_case)
{
    trial_without_backend(trial, graph_case);
    subject_need_ops(&trial->net.graph);
    trial->compiled = trial_compile(trial, subject.device);
}

void trial_of_name(struct trial *trial, const char *name, int side, int classes, int micro,
                   int ghost)
{
    static const float mean[] = {125.3f, 122.9f, 113.9f}, deviation[] = {63.0f, 62.1f, 66.7f};
    struct err err = {0};
    if (net_named(&trial->net, name, 3, side, side, classes, mean, deviation, &err) != 0)
        fail_msg("%s", err.text);
    start(trial, micro, ghost);
    subject_need_ops(&trial->net.graph);
    trial->compiled = trial_compile(trial, subject.device);
}

struct repro_net *trial_compile(const struct trial *trial, struct repro_device *device)
{
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = trial->micro,
                                        .ghost = trial->ghost};
    struct repro_net *compiled = NULL;
    struct repro_error error = {0};
    subject_done(
        subject.backend.net_compile(device, &trial->net.graph, &options, &compiled, &error),
        &error);
    assert_non_null(compiled);
    return compiled;
}

struct repro_net *trial_compile_with(const struct trial *trial,
                                     const struct repro_net_options *given)
{
    struct repro_net_options options = *given;
    struct repro_net *compiled = NULL;
    struct repro_error error = {0};
    options.struct_size = sizeof options;
    options.micro = options.micro == 0 ? trial->micro : options.micro;
    options.ghost = options.ghost == 0 ? trial->ghost : options.ghost;
    subject_done(
        subject.backend.net_compile(subject.device, &trial->net.graph, &options, &compiled, &error),
        &error);
    assert_non_null(compiled);
    return compiled;
}

/* FNV-1a of the inputs. */
static uint64_t input_sum(const struct trial *trial)
{
    const struct repro_graph *graph = &trial->net.graph;
    size_t rows = (size_t)trial->micro;
    size_t sizes[] = {rows * (size_t)graph->channels * (size_t)graph->height * (size_t)graph->width,
                      rows * sizeof *trial->labels, rows * sizeof *trial->image};
    const void *inputs[] = {trial->pixels, trial->labels, trial->image};
    uint64_t sum = UINT64_C(14695981039346656037);
    for (int k = 0; k < 3; k++)
        for (size_t i = 0; i < sizes[k]; i++)
            sum = (sum ^ ((const unsigned char *)inputs[k])[i]) * UINT64_C(1099511628211);
    return sum;
}

void trial_seal(struct trial *trial)
{
    trial->input_sum = input_sum(trial);
}

void trial_end(struct trial *trial)
{
    if (trial->compiled != NULL)
        subject.backend.net_free(trial->compiled);
    assert_true(input_sum(trial) == trial->input_sum);
    guard_free(trial->pixels);
    guard_free(trial->labels);
    guard_free(trial->image);
    reference_release(&trial->reference);
    net_release(&trial->net);
}

/* ---- Filling ---- */

static double normal(uint64_t seed, uint32_t stream, uint64_t index)
{
    struct random_words words = random_at(seed, RANDOM_SYNTHETIC, stream, index, 0);
    double pair[2];
    random_normal(words.word[0], words.word[1], pair);
    return pair[0];
}

/* centre + deviation * normal, rounded to f32, which is what a backend is given. */
static void fill(double *values, int64_t first, int64_t count, double centre, double deviation,
                 uint64_t seed)
{
    for (int64_t i = first; i < first + count; i++)
        values[i] = (double)(float)(centre + deviation * normal(seed, 1, (uint64_t)i));
}

static void fill_params(struct trial *trial, uint64_t seed)
{
    struct reference *ref = &trial->reference;
    for (int k = 0; k < trial->net.graph.node_count; k++) {
        const struct repro_node *node = &trial->net.nodes[k],
                                *src = &trial->net.nodes[node->src[0]];
        int64_t fan_in = src->channels;
        if (node->op == REPRO_OP_CONV)
            fan_in *= (int64_t)node->kernel_h * node->kernel_w;
        else if (node->op == REPRO_OP_DENSE)
            fan_in *= (int64_t)src->height * src->width;
        if (node->op == REPRO_OP_BATCH_NORM) {
            if (node->weights >= 0)
                fill(ref->param, node->weights, node->channels, 1.0, 0.2, seed);
            fill(ref->running, node->running, node->channels, 0.0, 0.3, seed);
            fill(ref->running, node->running + node->channels, node->channels, 0.0, 0.3, seed);
            for (int64_t c = node->running + node->channels; c < node->running + 2 * node->channels;
                 c++)
                ref->running[c] = (double)(float)exp(ref->running[c]); /* a variance is positive */
        } else if (node->weights >= 0) {
            fill(ref->param, node->weights, node->channels * fan_in, 0.0,
                 sqrt(2.0 / (double)fan_in), seed);
        }
        if (node->bias >= 0)
            fill(ref->param, node->bias, node->channels, 0.0, 0.2, seed);
    }
}

void trial_fill(struct trial *trial, uint64_t seed)
{
    const struct repro_graph *graph = &trial->net.graph;
    int64_t image = (int64_t)graph->channels * graph->height * graph->width;
    fill_params(trial, seed);
    for (int64_t i = 0; i < trial->micro * image; i++)
        trial->pixels[i] = (uint8_t)random_at(seed, RANDOM_SYNTHETIC, 2, (uint64_t)i, 0).word[0];
    for (int64_t i = 0; i < trial->micro; i++) {
        struct random_words words = random_at(seed, RANDOM_SYNTHETIC, 3, (uint64_t)i, 0);
        trial->labels[i] = (int32_t)(words.word[0] % (uint32_t)graph->classes);
        trial->image[i] = (int64_t)words.word[1] + (INT64_C(1) << 32);
    }
    trial_seal(trial);
}

void trial_fill_clear(struct trial *trial, double margin)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        trial_fill(trial, seed);
        reference_zero(&trial->reference);
        reference_forward(&trial->reference, &trial->rows);
        if (trial->reference.margin >= margin) {
            reference_zero(&trial->reference);
            return;
        }
    }
    fail_msg("none of %d seeds keeps %g from every kink; widen the margin", SEEDS, margin);
}

static void load(struct repro_net *compiled, int arena, const double *from, int64_t count)
{
    float *values = guard_new((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)from[i];
    subject_write(compiled, arena, 0, count, values);
    guard_free(values);
}

void trial_load(const struct trial *trial, struct repro_net *compiled)
{
    load(compiled, REPRO_ARENA_PARAM, trial->reference.param, trial->net.graph.param_count);
    load(compiled, REPRO_ARENA_RUNNING, trial->reference.running, trial->net.graph.running_count);
}

/* ---- Running and comparing ---- */

void trial_zero(struct trial *trial)
{
    reference_zero(&trial->reference);
    subject_zero(trial->compiled);
}

void trial_forward(struct trial *trial, int mode, int64_t rows)
{
    trial->rows.mode = mode;
    trial->rows.count = rows;
    reference_forward(&trial->reference, &trial->rows);
    subject_forward(trial->compiled, &trial->rows);
}

void trial_backward(struct trial *trial, double scale)
{
    reference_backward(&trial->reference, scale);
    subject_backward(trial->compiled, scale);
}

double relative_error(const float *got, const double *want, int64_t count, double floor)
{
    double error = 0.0, norm = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double d = (double)got[i] - want[i];
        if (!isfinite(d))
            return INFINITY;
        error += d * d;
        norm += want[i] * want[i];
    }
    norm = sqrt(norm) > floor ? sqrt(norm) : floor;
    return error == 0.0 ? 0.0 : sqrt(error) / norm;
}

static double check(const char *what, const char *tensor, double error, double bound)
{
    subject_measured(error, bound, "%s of %s", what, tensor);
    if (!(error <= bound))
        fail_msg("%s of %s differ from the reference by %.3g, more than %.3g", what, tensor, error,
                 bound);
    return error;
}

double trial_check_logits(const struct trial *trial, double bound)
{
    int64_t count = trial->reference.rows.count * trial->net.graph.classes;
    float *logits = subject_read(trial->compiled, REPRO_ARENA_OUTPUT, 0, count);
    double error = relative_error(logits, reference_logits(&trial->reference), count, 0.0);
    guard_free(logits);
    return check("logits", "the last forward", error, bound);
}

double trial_check_metrics(const struct trial *trial, double bound)
{
    struct repro_metrics metrics = subject_metrics(trial->compiled);
    assert_int_equal(metrics.rows, trial->reference.seen);
    assert_int_equal(metrics.correct, trial->reference.correct);
    double error = fabs(metrics.loss - trial->reference.loss) / trial->reference.loss;
    return check("sums", "the loss", error, bound);
}

double trial_check_partial(const struct trial *trial, double bound)
{
    const struct repro_graph *graph = &trial->net.graph;
    const double *want = trial->reference.partial;
    float *got = subject_read(trial->compiled, REPRO_ARENA_PARTIAL, 0,
                              graph->param_count + graph->running_count);
    double whole = reference_rms(want, graph->param_count), worst = 0.0;
    for (size_t k = 0; k < trial->net.tensor_count; k++) {
        const struct net_tensor *tensor = &trial->net.tensors[k];
        int running = tensor->arena == REPRO_ARENA_RUNNING;
        int64_t first = tensor->first + (running ? graph->param_count : 0);
        double floor = running ? 0.0 : 0.1 * whole * sqrt((double)tensor->count);
        double error = relative_error(got + first, want + first, tensor->count, floor);
        check(running ? "batch-norm sums" : "gradients", tensor->name, error, bound);
        worst = error > worst ? error : worst;
    }
    guard_free(got);
    return worst;
}
