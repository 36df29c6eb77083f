/* What backend.h asks beside arithmetic: refusals by name, struct sizes, repeatable bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "subject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A case of graphs.h by its name. */
static const struct graph_case *case_named(const char *name)
{
    for (int i = 0; i < graph_case_count; i++)
        if (strcmp(graph_cases[i].name, name) == 0)
            return &graph_cases[i];
    fail_msg("graphs.c has no case %s", name);
    return NULL;
}

/* code is `want`, or any failure where want is 0; the sentence holds `word`. */
static void was_refused(int32_t code, const struct repro_error *error, int32_t want,
                        const char *word)
{
    if (code == 0)
        fail_msg("accepted; a refusal that speaks of '%s' was due", word);
    if ((want != 0 && code != want) || error->code != code)
        fail_msg("code %d and error.code %d instead of %d: %.508s", (int)code, (int)error->code,
                 (int)want, error->text);
    assert_non_null(memchr(error->text, '\0', sizeof error->text));
    assert_null(strchr(error->text, '\n'));
    if (strcasestr(error->text, word) == NULL)
        fail_msg("the refusal does not speak of '%s': %s", word, error->text);
}

/* ---- Refusals ---- */

/* What a test spoils in a copy of a good graph and its options. */
struct spoiled {
    struct repro_graph graph;
    struct repro_node nodes[64];
    struct repro_net_options options;
};

static void spoil_op(struct spoiled *s)
{
    s->nodes[1].op = 9999;
}
static void spoil_op_zero(struct spoiled *s)
{
    s->nodes[1].op = 0;
}
static void spoil_flag(struct spoiled *s)
{
    s->nodes[1].flags |= 0x40u;
}
static void spoil_gamma_of_conv(struct spoiled *s)
{
    s->nodes[1].flags |= REPRO_NODE_NO_GAMMA;
}
static void spoil_smoothing(struct spoiled *s)
{
    struct repro_node *loss = &s->nodes[s->graph.node_count - 1];
    loss->flags |= REPRO_NODE_SMOOTHED;
    loss->scale = 1.0f;
}
static void spoil_reserved(struct spoiled *s)
{
    s->graph.reserved = 1;
}
static void spoil_precision(struct spoiled *s)
{
    s->options.precision = 77;
}
static void spoil_micro(struct spoiled *s)
{
    s->options.micro = s->options.ghost + 1;
}
static void spoil_micro_zero(struct spoiled *s)
{
    s->options.micro = 0;
}
static void spoil_ghost_negative(struct spoiled *s)
{
    s->options.ghost = -2;
}

static const struct {
    const char *name;
    void (*spoil)(struct spoiled *);
    int32_t code;
    const char *word;
} refusals[] = {
    {"unknown op", spoil_op, REPRO_UNSUPPORTED, "9999"},
    {"op 0", spoil_op_zero, REPRO_UNSUPPORTED, "operation"},
    {"unknown flag", spoil_flag, REPRO_UNSUPPORTED, "flag"},
    {"no gamma of what has none", spoil_gamma_of_conv, REPRO_ARGUMENT, "gamma"},
    {"nothing left of a label", spoil_smoothing, REPRO_ARGUMENT, "smoothed"},
    {"reserved field of the graph", spoil_reserved, REPRO_UNSUPPORTED, "reserved"},
    {"unknown precision", spoil_precision, REPRO_UNSUPPORTED, "precision"},
    {"micro no multiple of ghost", spoil_micro, REPRO_ARGUMENT, "ghost"},
    {"micro of no rows", spoil_micro_zero, REPRO_ARGUMENT, "micro"},
    {"negative ghost", spoil_ghost_negative, REPRO_ARGUMENT, "ghost"},
};
#define REFUSALS ((int)(sizeof refusals / sizeof *refusals))

static void spoiled_from(struct spoiled *s, const struct trial *trial)
{
    memset(s, 0, sizeof *s);
    s->graph = trial->net.graph;
    memcpy(s->nodes, trial->net.nodes, (size_t)s->graph.node_count * sizeof *s->nodes);
    s->graph.nodes = s->nodes;
    s->options = (struct repro_net_options){.struct_size = sizeof s->options,
                                            .precision = REPRO_PRECISION_F32,
                                            .micro = trial->micro,
                                            .ghost = trial->ghost};
}

static struct repro_net *never_written; /* its address marks an output that must stay */

static void compile_refused(const struct spoiled *s, int32_t code, const char *word)
{
    struct repro_net *mark = (struct repro_net *)(void *)&never_written, *compiled = mark;
    struct repro_error error = {0};
    was_refused(
        subject.backend.net_compile(subject.device, &s->graph, &s->options, &compiled, &error),
        &error, code, word);
    assert_ptr_equal(compiled, mark);
}

static void compile_refusals(void **state)
{
    static const char *const names[] = {[REPRO_PRECISION_F32] = "f32",
                                        [REPRO_PRECISION_TF32] = "tf32",
                                        [REPRO_PRECISION_BF16] = "bf16"};
    struct trial trial;
    struct spoiled s;
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("norm_relu"));
    trial_fill(&trial, 1);
    for (int i = 0; i < REFUSALS; i++) {
        spoiled_from(&s, &trial);
        refusals[i].spoil(&s);
        compile_refused(&s, refusals[i].code, refusals[i].word);
    }
    for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++) {
        spoiled_from(&s, &trial);
        s.options.precision = precision;
        if ((subject.caps.precisions >> precision & 1u) == 0)
            compile_refused(&s, REPRO_UNSUPPORTED, names[precision]);
    }
    trial_end(&trial);
}

static void device_refusals(void **state)
{
    struct repro_device *mark = (struct repro_device *)(void *)&never_written, *device = mark;
    struct repro_device_options options = {.struct_size = sizeof options, .reserved = 1};
    struct repro_error error = {0};
    (void)state;
    subject_need();
    was_refused(subject.backend.device_open(&options, &device, &error), &error, REPRO_UNSUPPORTED,
                "reserved");
    options = (struct repro_device_options){.struct_size = sizeof options, .ordinal = 4096};
    was_refused(subject.backend.device_open(&options, &device, &error), &error, REPRO_DEVICE,
                "4096");
    assert_ptr_equal(device, mark);
    subject.backend.device_close(NULL);
    subject.backend.net_free(NULL);
}

static void rows_refused(struct trial *trial, int64_t count, int mode, int32_t code,
                         const char *word)
{
    struct repro_rows rows = trial->rows;
    struct repro_error error = {0};
    rows.count = count;
    rows.mode = mode;
    was_refused(subject.backend.net_forward(trial->compiled, &rows, &error), &error, code, word);
}

static void rows_refusals(void **state)
{
    struct trial trial;
    struct repro_error error = {0};
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("norm_relu")); /* ghosts of 3, micro of 9 */
    trial_fill(&trial, 2);
    trial_load(&trial, trial.compiled);
    subject_zero(trial.compiled);
    was_refused(subject.backend.net_backward(trial.compiled, 1.0, &error), &error, REPRO_ARGUMENT,
                "forward");
    rows_refused(&trial, 4, REPRO_MODE_TRAIN, REPRO_ARGUMENT, "ghost");
    rows_refused(&trial, 12, REPRO_MODE_TRAIN, REPRO_ARGUMENT, "12");
    rows_refused(&trial, 10, REPRO_MODE_EVAL, REPRO_ARGUMENT, "10");
    rows_refused(&trial, 0, REPRO_MODE_EVAL, REPRO_ARGUMENT, "row");
    rows_refused(&trial, -3, REPRO_MODE_TRAIN, REPRO_ARGUMENT, "row");
    rows_refused(&trial, 3, 3, REPRO_UNSUPPORTED, "mode");
    rows_refused(&trial, 3, 0, REPRO_UNSUPPORTED, "mode");
    trial.rows.reserved = 1;
    rows_refused(&trial, 3, REPRO_MODE_TRAIN, REPRO_UNSUPPORTED, "reserved");
    trial.rows.reserved = 0;
    static const int32_t labels[] = {GRAPH_CLASSES, -1, INT32_MIN};
    for (int i = 0; i < 3; i++) {
        int32_t label = trial.labels[2];
        trial.labels[2] = labels[i];
        rows_refused(&trial, 3, REPRO_MODE_TRAIN, REPRO_ARGUMENT, "label");
        rows_refused(&trial, 3, REPRO_MODE_EVAL, REPRO_ARGUMENT, "label");
        trial.labels[2] = label;
    }
    struct repro_metrics metrics = subject_metrics(trial.compiled);
    assert_int_equal(metrics.rows, 0); /* a refused forward counts nothing */
    subject_forward(trial.compiled, &trial.rows);
    subject_backward(trial.compiled, 1.0);
    was_refused(subject.backend.net_backward(trial.compiled, 1.0, &error), &error, REPRO_ARGUMENT,
                "forward");
    trial.rows.mode = REPRO_MODE_EVAL;
    subject_forward(trial.compiled, &trial.rows);
    was_refused(subject.backend.net_backward(trial.compiled, 1.0, &error), &error, REPRO_ARGUMENT,
                "forward");
    trial_end(&trial);
}

/* A network with dropout cannot train without image numbers, and can do without in EVAL. */
static void dropout_needs_images(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("dropped"));
    trial_fill(&trial, 3);
    trial_load(&trial, trial.compiled);
    trial.rows.image = NULL;
    rows_refused(&trial, trial.micro, REPRO_MODE_TRAIN, REPRO_ARGUMENT, "image");
    trial.rows.mode = REPRO_MODE_EVAL;
    subject_forward(trial.compiled, &trial.rows);
    trial_end(&trial);
}

/* ---- Struct sizes ---- */

/* Bits of everything a step leaves: logits of a last EVAL, PARTIAL, PARAM, RUNNING and the loss, as
 * an FNV-1a sum. */
static uint64_t add_bits(uint64_t sum, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return sum;
}

static uint64_t arena_bits(uint64_t sum, struct repro_net *compiled, int arena, int64_t count)
{
    float *values = subject_read(compiled, arena, 0, count);
    sum = add_bits(sum, values, (size_t)count * sizeof *values);
    guard_free(values);
    return sum;
}

static uint64_t bits_of_steps(const struct trial *trial, struct repro_net *compiled)
{
    const struct repro_graph *graph = &trial->net.graph;
    struct repro_rows rows = trial->rows;
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_MOMENTUM,
                              .lr = 0.05,
                              .momentum = 0.9,
                              .weight_decay = 1e-3,
                              .keep = 0.9,
                              .ghosts = trial->micro / trial->ghost};
    trial_load(trial, compiled);
    uint64_t sum = UINT64_C(14695981039346656037);
    for (step.update = 1; step.update <= 3; step.update++) {
        rows.mode = REPRO_MODE_TRAIN;
        rows.count = trial->micro;
        subject_zero(compiled);
        subject_forward(compiled, &rows);
        subject_backward(compiled, 1.0 / (double)rows.count);
        subject_update(compiled, &step);
        rows.mode = REPRO_MODE_EVAL;
        rows.count = trial->micro - 1;
        subject_forward(compiled, &rows);
        struct repro_metrics metrics = subject_metrics(compiled);
        sum = add_bits(sum, &metrics.loss, sizeof metrics.loss);
        sum = arena_bits(sum, compiled, REPRO_ARENA_OUTPUT, rows.count * graph->classes);
        sum = arena_bits(sum, compiled, REPRO_ARENA_PARTIAL,
                         graph->param_count + graph->running_count);
        sum = arena_bits(sum, compiled, REPRO_ARENA_PARAM, graph->param_count);
        sum = arena_bits(sum, compiled, REPRO_ARENA_RUNNING, graph->running_count);
    }
    return sum;
}

/* A future host's nodes are longer; what this minor does not know of them is not read. */
static void longer_nodes(void **state)
{
    struct wide {
        struct repro_node node;
        unsigned char future[40];
    } nodes[64];
    struct trial trial;
    struct repro_net *compiled = NULL;
    struct repro_error error = {0};
    (void)state;
    subject_need();
    trial_of_case(&trial, &graph_cases[graph_case_count - 1]);
    trial_fill(&trial, 4);
    memset(nodes, 0xee, sizeof nodes);
    struct repro_graph graph = trial.net.graph;
    for (int i = 0; i < graph.node_count; i++)
        nodes[i].node = trial.net.nodes[i];
    graph.nodes = &nodes[0].node;
    graph.node_size = sizeof *nodes;
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = trial.micro,
                                        .ghost = trial.ghost};
    subject_done(subject.backend.net_compile(subject.device, &graph, &options, &compiled, &error),
                 &error);
    memset(nodes, 0xee, sizeof nodes); /* the graph was borrowed for the call */
    assert_true(bits_of_steps(&trial, compiled) == bits_of_steps(&trial, trial.compiled));
    subject.backend.net_free(compiled);
    trial_end(&trial);
}

static int64_t held(struct repro_device *device)
{
    struct repro_error error = {0};
    struct repro_caps caps = {.struct_size = sizeof caps};
    subject_done(subject.backend.device_caps(device, &caps, &error), &error);
    return caps.held;
}

/* What a device says that its networks hold comes and goes with them. */
static void memory_held(void **state)
{
    (void)state;
    subject_need();
    struct repro_device *device = subject_device(1);
    struct trial trial;
    assert_int_equal(held(device), 0);
    trial_of_case(&trial, case_named("norm_relu"));
    trial_fill(&trial, 5);
    struct repro_net *one = trial_compile(&trial, device);
    int64_t of_one = held(device);
    struct repro_net *two = trial_compile(&trial, device);
    assert_true(held(device) == 2 * of_one);
    subject.backend.net_free(one);
    assert_int_equal(held(device), of_one);
    subject.backend.net_free(two);
    assert_int_equal(held(device), 0);
    trial_end(&trial);
    subject.backend.device_close(device);
}

/* Without a sentence nothing is slow, and the other way round. */
static void slow_precisions(void **state)
{
    (void)state;
    subject_need();
    assert_int_equal(subject.caps.slow_precisions & ~subject.caps.precisions, 0);
    assert_int_equal(subject.caps.slow_precisions == 0, subject.caps.slow[0] == '\0');
    assert_non_null(memchr(subject.caps.slow, '\0', sizeof subject.caps.slow));
}

/* Bytes behind struct_size are not the struct's: 0xff there must not be seen, on reading or
 * writing. */
static void shorter_structs(void **state)
{
    struct repro_device_options options;
    struct repro_device *device = NULL;
    struct repro_error error = {0};
    (void)state;
    subject_need();
    memset(&options, 0xff, sizeof options);
    options.struct_size = offsetof(struct repro_device_options, ordinal);
    options.threads = 1;
    subject_done(subject.backend.device_open(&options, &device, &error), &error);
    struct repro_caps caps;
    memset(&caps, 0x77, sizeof caps);
    caps.struct_size = offsetof(struct repro_caps, precisions);
    subject_done(subject.backend.device_caps(device, &caps, &error), &error);
    assert_int_equal(caps.ops, subject.caps.ops);
    assert_int_equal(caps.precisions, 0x77777777u);
    assert_int_equal(caps.struct_size, offsetof(struct repro_caps, precisions));
    subject.backend.device_close(device);

    struct trial trial;
    trial_of_case(&trial, case_named("norm_relu"));
    trial_fill(&trial, 5);
    trial_load(&trial, trial.compiled);
    subject_zero(trial.compiled);
    struct repro_rows rows = trial.rows;
    rows.struct_size = offsetof(struct repro_rows, image);
    memset((char *)&rows + rows.struct_size, 0xff, sizeof rows - rows.struct_size);
    subject_forward(trial.compiled, &rows);
    struct repro_metrics metrics;
    memset(&metrics, 0x77, sizeof metrics);
    metrics.struct_size = offsetof(struct repro_metrics, correct);
    subject_done(subject.backend.net_metrics(trial.compiled, &metrics, &error), &error);
    assert_true(metrics.loss > 0.0 && metrics.loss < 1e3);
    assert_true(metrics.correct == INT64_C(0x7777777777777777));
    trial_end(&trial);
}

/* A struct that has grown behind what this minor knows. */
static void longer_structs(void **state)
{
    struct {
        struct repro_rows rows;
        unsigned char future[24];
    } rows;
    struct {
        struct repro_metrics metrics;
        unsigned char future[24];
    } metrics;
    struct trial trial;
    struct repro_error error = {0};
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("norm_relu"));
    trial_fill(&trial, 6);
    trial_load(&trial, trial.compiled);
    subject_zero(trial.compiled);
    memset(&rows, 0, sizeof rows);
    rows.rows = trial.rows;
    rows.rows.struct_size = sizeof rows;
    subject_forward(trial.compiled, &rows.rows);
    memset(&metrics, 0x77, sizeof metrics);
    metrics.metrics.struct_size = sizeof metrics;
    subject_done(subject.backend.net_metrics(trial.compiled, &metrics.metrics, &error), &error);
    assert_int_equal(metrics.metrics.rows, trial.rows.count);
    trial_end(&trial);
}

/* Precision 0 is the default, f32. */
static void default_precision(void **state)
{
    struct trial trial;
    struct repro_net *compiled = NULL;
    struct repro_error error = {0};
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("norm_relu"));
    trial_fill(&trial, 7);
    struct repro_net_options options = {
        .struct_size = sizeof options, .micro = trial.micro, .ghost = trial.ghost};
    subject_done(
        subject.backend.net_compile(subject.device, &trial.net.graph, &options, &compiled, &error),
        &error);
    assert_true(bits_of_steps(&trial, compiled) == bits_of_steps(&trial, trial.compiled));
    subject.backend.net_free(compiled);
    trial_end(&trial);
}

/* ---- What a network begins with ---- */

static void check_zero(struct repro_net *compiled, int arena, int64_t count)
{
    float *values = subject_read(compiled, arena, 0, count);
    for (int64_t i = 0; i < count; i++)
        if (values[i] != 0.0f)
            fail_msg("float %d of arena %d is %g when the network is compiled", (int)i, arena,
                     (double)values[i]);
    guard_free(values);
}

static void check_new(const struct repro_graph *graph, struct repro_net *compiled)
{
    check_zero(compiled, REPRO_ARENA_PARAM, graph->param_count);
    check_zero(compiled, REPRO_ARENA_PARTIAL, graph->param_count + graph->running_count);
    check_zero(compiled, REPRO_ARENA_MOMENT1, graph->param_count);
    check_zero(compiled, REPRO_ARENA_MOMENT2, graph->param_count);
    check_zero(compiled, REPRO_ARENA_RUNNING, graph->running_count);
}

/* Also where the memory was another network's. */
static void arenas_begin_at_zero(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_name(&trial, "wrn-10-1", 32, 10, 12, 4);
    trial_fill(&trial, 12);
    check_new(&trial.net.graph, trial.compiled);
    struct repro_net *used = trial_compile(&trial, subject.device);
    bits_of_steps(&trial, used);
    subject.backend.net_free(used);
    struct repro_net *again = trial_compile(&trial, subject.device);
    check_new(&trial.net.graph, again);
    subject.backend.net_free(again);
    trial_end(&trial);
}

/* ---- Bits ---- */

static void same_calls_same_bits(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_name(&trial, "wrn-10-1", 32, 10, 12, 4);
    trial_fill(&trial, 8);
    struct repro_net *again = trial_compile(&trial, subject.device);
    uint64_t first = bits_of_steps(&trial, trial.compiled);
    assert_true(first == bits_of_steps(&trial, again));
    /* A sum that sees no change would pass. */
    trial.reference.param[0] = 0.0;
    subject.backend.net_free(again);
    again = trial_compile(&trial, subject.device);
    assert_true(first != bits_of_steps(&trial, again));
    subject.backend.net_free(again);
    trial_end(&trial);
}

/* Two networks on one device, of different micro and ghost, their calls in each other's midst. */
static void networks_share_nothing(void **state)
{
    struct trial trial;
    struct repro_net *other = NULL;
    struct repro_error error = {0};
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_SGD,
                              .lr = 0.1,
                              .update = 1,
                              .keep = 0.9,
                              .ghosts = 1};
    (void)state;
    subject_need();
    trial_of_name(&trial, "wrn-10-1", 32, 10, 12, 4);
    trial_fill(&trial, 11);
    int64_t count = trial.net.graph.param_count + trial.net.graph.running_count;
    struct repro_rows few = trial.rows;
    struct repro_net_options options = {
        .struct_size = sizeof options, .precision = REPRO_PRECISION_F32, .micro = 3, .ghost = 3};
    few.count = 3;
    trial.rows.count = 12;
    trial.rows.mode = few.mode = REPRO_MODE_TRAIN;
    float *partial[2];
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        trial_load(&trial, trial.compiled);
        subject_zero(trial.compiled);
        subject_forward(trial.compiled, &trial.rows);
        if (disturbed) {
            subject_done(subject.backend.net_compile(subject.device, &trial.net.graph, &options,
                                                     &other, &error),
                         &error);
            trial_load(&trial, other);
            subject_zero(other);
            subject_forward(other, &few);
            subject_backward(other, 1.0 / 3);
            subject_update(other, &step);
        }
        subject_backward(trial.compiled, 1.0 / 12);
        partial[disturbed] = subject_read(trial.compiled, REPRO_ARENA_PARTIAL, 0, count);
    }
    assert_memory_equal(partial[0], partial[1], (size_t)count * sizeof(float));
    subject.backend.net_free(other);
    guard_free(partial[0]);
    guard_free(partial[1]);
    trial_end(&trial);
}

static void threads_change_no_bit(void **state)
{
    struct trial trial;
    uint64_t bits[4];
    (void)state;
    subject_need();
    if ((subject.caps.flags & REPRO_CAPS_ANY_THREADS) == 0) {
        print_message("# %s does not promise it\n", subject.name);
        skip();
    }
    trial_of_name(&trial, "wrn-10-1", 32, 10, 12, 4);
    trial_fill(&trial, 9);
    for (int threads = 1; threads <= 4; threads++) {
        struct repro_device *device = subject_device(threads);
        struct repro_net *compiled = trial_compile(&trial, device);
        bits[threads - 1] = bits_of_steps(&trial, compiled);
        subject.backend.net_free(compiled);
        subject.backend.device_close(device);
    }
    for (int i = 1; i < 4; i++)
        assert_true(bits[i] == bits[0]);
    trial_end(&trial);
}

/* ---- The loss at its edges ---- */

/* All logits equal: the first counts as the largest, so a row is correct when its label is 0 and
 * only then; each loss is log(classes). */
static void first_of_equals(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("dense_alone")); /* parameters not written: 0 */
    trial_fill(&trial, 10);
    for (int32_t label = 0; label < GRAPH_CLASSES; label++) {
        for (int i = 0; i < trial.micro; i++)
            trial.labels[i] = label;
        trial_seal(&trial);
        subject_zero(trial.compiled);
        subject_forward(trial.compiled, &trial.rows);
        struct repro_metrics metrics = subject_metrics(trial.compiled);
        assert_int_equal(metrics.correct, label == 0 ? trial.micro : 0);
        assert_true(fabs(metrics.loss - trial.micro * log(GRAPH_CLASSES)) < 1e-5);
    }
    trial_end(&trial);
}

/* Logits of thousands overflow no exponential. */
static void large_logits(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("dense_alone"));
    trial_fill_clear(&trial, 1e-3);
    for (int64_t i = 0; i < trial.net.graph.param_count; i++)
        trial.reference.param[i] *= 4096.0;
    trial_load(&trial, trial.compiled);
    trial_zero(&trial);
    trial_forward(&trial, REPRO_MODE_TRAIN, trial.micro);
    trial_check_metrics(&trial, 1e-5);
    trial_backward(&trial, 1.0);
    trial_check_partial(&trial, 1e-5);
    trial_end(&trial);
}

/* A parameter that is not finite shows in the loss, where the trainer looks for it. */
static void not_finite_shows(void **state)
{
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_case(&trial, case_named("conv_3x3"));
    trial_fill(&trial, 11);
    trial.reference.param[trial.net.graph.param_count - 1] = NAN;
    trial_load(&trial, trial.compiled);
    subject_zero(trial.compiled);
    subject_forward(trial.compiled, &trial.rows);
    assert_false(isfinite(subject_metrics(trial.compiled).loss));
    trial_end(&trial);
}

/* ---- 1.1's optional functions ---- */

static void need_function(int present, const char *name)
{
    subject_need();
    if (present)
        return;
    print_message("# %s has no %s\n", subject.name, name);
    skip();
}

/* Whole lines, as many as fit. */
static void description(void **state)
{
    struct trial trial;
    struct repro_error error = {0};
    char whole[16384], part[16384];
    (void)state;
    need_function(subject.backend.net_describe != NULL, "net_describe");
    trial_of_name(&trial, "wrn-10-1", 32, 10, 4, 2);
    trial_fill(&trial, 1);
    memset(whole, 'x', sizeof whole);
    subject_done(subject.backend.net_describe(trial.compiled, whole, sizeof whole, &error), &error);
    int64_t length = (int64_t)strnlen(whole, sizeof whole);
    assert_true(length > 0 && length < (int64_t)sizeof whole && whole[length - 1] == '\n');
    for (int64_t size = 1; size <= length + 1; size += size < 8 ? 1 : 37) {
        memset(part, 'x', sizeof part);
        subject_done(subject.backend.net_describe(trial.compiled, part, size, &error), &error);
        int64_t used = (int64_t)strnlen(part, sizeof part);
        assert_true(used < size && part[size] == 'x');
        assert_memory_equal(part, whole, (size_t)used);
        assert_true(used == 0 || part[used - 1] == '\n');
    }
    was_refused(subject.backend.net_describe(trial.compiled, part, 0, &error), &error,
                REPRO_ARGUMENT, "0 bytes");
    trial_end(&trial);
}

static double profile_sum(const struct repro_profile *profile)
{
    double sum = profile->reorder + profile->update;
    for (int op = 0; op < REPRO_PROFILE_OPS; op++) {
        assert_true(profile->forward[op] >= 0.0 && profile->backward[op] >= 0.0);
        assert_true((op >= 1 && op <= REPRO_OP_COUNT) ||
                    profile->forward[op] + profile->backward[op] == 0.0);
        sum += profile->forward[op] + profile->backward[op];
    }
    assert_true(profile->reorder >= 0.0 && profile->update >= 0.0);
    return sum;
}

static struct repro_profile take_profile(struct repro_net *net)
{
    struct repro_profile profile = {.struct_size = sizeof profile};
    struct repro_error error = {0};
    subject_done(subject.backend.net_profile(net, &profile, &error), &error);
    assert_int_equal(profile.struct_size, sizeof profile);
    return profile;
}

/* Nothing before the first call, then what was done since the call before. */
static void profiles(void **state)
{
    struct trial trial;
    (void)state;
    need_function(subject.backend.net_profile != NULL, "net_profile");
    trial_of_name(&trial, "wrn-10-1", 32, 10, 4, 2);
    trial_fill(&trial, 1);
    trial_load(&trial, trial.compiled);
    for (int round = 0; round < 2; round++) {
        subject_zero(trial.compiled);
        subject_forward(trial.compiled, &trial.rows);
        subject_backward(trial.compiled, 1.0);
        struct repro_profile profile = take_profile(trial.compiled);
        double sum = profile_sum(&profile);
        assert_true(round == 0 ? sum == 0.0
                               : profile.forward[REPRO_OP_CONV] > 0.0 &&
                                     profile.backward[REPRO_OP_CONV] > 0.0);
    }
    struct repro_profile again = take_profile(trial.compiled);
    assert_true(profile_sum(&again) == 0.0);
    struct repro_profile small = {.struct_size = 16, .forward = {0.0, -7.0}};
    struct repro_error error = {0};
    subject_done(subject.backend.net_profile(trial.compiled, &small, &error), &error);
    assert_true(small.forward[1] == -7.0); /* beyond the caller's size */
    trial_end(&trial);
}

static uint64_t bits_of_arenas(const struct trial *trial)
{
    static const int arenas[] = {REPRO_ARENA_PARAM, REPRO_ARENA_MOMENT1, REPRO_ARENA_MOMENT2};
    uint64_t sum = UINT64_C(14695981039346656037);
    for (int i = 0; i < 3; i++)
        sum = arena_bits(sum, trial->compiled, arenas[i], trial->net.graph.param_count);
    return arena_bits(sum, trial->compiled, REPRO_ARENA_RUNNING, trial->net.graph.running_count);
}

/* Of PARTIAL after a group of one micro. */
static uint64_t bits_of_group(const struct trial *trial)
{
    const struct repro_graph *graph = &trial->net.graph;
    subject_zero(trial->compiled);
    subject_forward(trial->compiled, &trial->rows);
    subject_backward(trial->compiled, 1.0);
    return arena_bits(0, trial->compiled, REPRO_ARENA_PARTIAL,
                      graph->param_count + graph->running_count);
}

static double bare_seconds(struct repro_net *net, int32_t repeats)
{
    struct repro_error error = {0};
    double seconds = -1.0;
    subject_done(subject.backend.net_bare(net, REPRO_OP_CONV, repeats, &seconds, &error), &error);
    assert_true(seconds > 0.0 && isfinite(seconds));
    return seconds;
}

/* Leaves parameters, moments and running statistics as they are, and the bits of what follows;
 * before any other work and after an optimizer step that made every moment. */
static void bare_convolutions(void **state)
{
    struct trial trial;
    struct repro_error error = {0};
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_ADAM,
                              .lr = 1e-3,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .epsilon = 1e-8,
                              .update = 1,
                              .keep = 0.9,
                              .ghosts = 2};
    (void)state;
    need_function(subject.backend.net_bare != NULL, "net_bare");
    trial_of_name(&trial, "wrn-10-1", 32, 10, 4, 2);
    trial_fill(&trial, 1);
    bare_seconds(trial.compiled, 1);
    trial_load(&trial, trial.compiled);
    bits_of_group(&trial);
    subject_update(trial.compiled, &step);
    uint64_t arenas = bits_of_arenas(&trial), group = bits_of_group(&trial);
    bare_seconds(trial.compiled, 2);
    assert_true(bits_of_arenas(&trial) == arenas);
    assert_true(bits_of_group(&trial) == group);
    assert_true(bits_of_arenas(&trial) == arenas);
    double seconds = -3.0;
    static const int32_t unknown[] = {99, 0, -1};
    was_refused(subject.backend.net_bare(trial.compiled, REPRO_OP_CONV, 0, &seconds, &error),
                &error, REPRO_ARGUMENT, "0 repeats");
    for (int i = 0; i < 3; i++)
        was_refused(subject.backend.net_bare(trial.compiled, unknown[i], 1, &seconds, &error),
                    &error, REPRO_UNSUPPORTED, "operation");
    assert_true(seconds == -3.0); /* written on success only */
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compile_refusals),
        cmocka_unit_test(device_refusals),
        cmocka_unit_test(rows_refusals),
        cmocka_unit_test(dropout_needs_images),
        cmocka_unit_test(longer_nodes),
        cmocka_unit_test(memory_held),
        cmocka_unit_test(slow_precisions),
        cmocka_unit_test(shorter_structs),
        cmocka_unit_test(longer_structs),
        cmocka_unit_test(default_precision),
        cmocka_unit_test(arenas_begin_at_zero),
        cmocka_unit_test(same_calls_same_bits),
        cmocka_unit_test(networks_share_nothing),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(first_of_equals),
        cmocka_unit_test(large_logits),
        cmocka_unit_test(not_finite_shows),
        cmocka_unit_test(description),
        cmocka_unit_test(profiles),
        cmocka_unit_test(bare_convolutions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("contract", tests, subject_open, subject_close);
}
