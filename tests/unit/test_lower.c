/* Lowering and where its tensors lie, played through with one number per tensor.
 *
 * Every node's dst is a number of its own; backward, node i's diff is the sum over its readers of
 * an edge's weight times the reader's diff.  A write to a tensor poisons whatever else lies on its
 * bytes.  If a buffer were given away too early, if two diffs were one that must not be, or if a
 * writer assigned where it must add, a number read would be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cudnn/lower.h"

#include "base/err.h"
#include "graphs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MICRO 4
#define GHOST 2

struct play {
    const struct plugin_graph *graph;
    const struct lower *lower;
    double *values; /* [buffer_count] */
    double *diffs;  /* [count]: what node i's diff must be */
    const char *name;
    int onto; /* convolutions that add to another one's dst */
};

static double dst_value(int32_t i)
{
    return 1000.0 + i;
}

/* The weight of the edge from reader c's k-th source. */
static double edge(const struct plugin_graph *graph, int32_t c, int k)
{
    if (graph->nodes[c].op == REPRO_OP_ADD)
        return k == 0 ? 1.0 : (double)graph->nodes[c].scale;
    return 1.0 + (double)((c * 7 + k * 3) % 11) / 8.0;
}

static void expect_diffs(struct play *play)
{
    int32_t count = play->graph->count;
    play->diffs[count - 1] = 1.0;
    for (int32_t i = count - 2; i >= 0; i--) {
        play->diffs[i] = 0.0;
        for (int32_t c = i + 1; c < count; c++)
            for (int k = 0; k < play->graph->nodes[c].src_count; k++)
                if (play->graph->nodes[c].src[k] == i)
                    play->diffs[i] += edge(play->graph, c, k) * play->diffs[c];
    }
}

static void write_buffer(struct play *play, int32_t buffer, double value)
{
    const struct lower_buffer *mine = &play->lower->buffers[buffer];
    for (int32_t b = 0; b < play->lower->buffer_count; b++) {
        const struct lower_buffer *other = &play->lower->buffers[b];
        if (b != buffer && other->offset < mine->offset + mine->bytes &&
            mine->offset < other->offset + other->bytes)
            play->values[b] = NAN;
    }
    play->values[buffer] = value;
}

static void read_buffer(const struct play *play, int32_t buffer, double want, int32_t i,
                        const char *what)
{
    if (buffer == LOWER_NONE)
        fail_msg("%s: node %d has no %s", play->name, (int)i, what);
    double got = play->values[buffer];
    if (!(fabs(got - want) <= 1e-9 * fabs(want)))
        fail_msg("%s: node %d reads %g as %s, where %g should lie", play->name, (int)i, got, what,
                 want);
}

/* The value of a dst: a fused pair's is the relu's alone. */
static double held(const struct play *play, int32_t i)
{
    const struct repro_node *node = &play->graph->nodes[i];
    return dst_value(node->op == REPRO_OP_RELU && play->lower->nodes[i].fused_relu ? node->src[0]
                                                                                   : i);
}

static void read_sources(struct play *play, int32_t i)
{
    const struct repro_node *node = &play->graph->nodes[i];
    for (int k = 0; k < node->src_count; k++)
        read_buffer(play, play->lower->nodes[node->src[k]].dst, held(play, node->src[k]), i,
                    "dst of a source");
}

/* A batch norm makes the sum that it is the first to read. */
static void play_forward(struct play *play)
{
    for (int32_t i = 0; i < play->graph->count; i++) {
        const struct repro_node *node = &play->graph->nodes[i];
        const struct lower_node *lowered = &play->lower->nodes[i];
        int is_add = node->op == REPRO_OP_ADD,
            made_elsewhere = is_add && lowered->sum_with != LOWER_NONE;
        if (!is_add && lowered->sum_with != LOWER_NONE) {
            assert_int_equal(node->src[0], lowered->sum_with);
            read_sources(play, lowered->sum_with);
            write_buffer(play, play->lower->nodes[lowered->sum_with].dst,
                         dst_value(lowered->sum_with));
        }
        /* the later convolution has added to the earlier one's */
        if (is_add && lowered->onto != LOWER_NONE) {
            assert_true(node->scale == 1.0f);
            read_buffer(play, lowered->dst, dst_value(node->src[0]) + dst_value(node->src[1]), i,
                        "sum");
            write_buffer(play, lowered->dst, dst_value(i));
            continue;
        }
        if (!made_elsewhere)
            read_sources(play, i);
        if (made_elsewhere)
            continue;
        if (node->op == REPRO_OP_CONV && lowered->onto != LOWER_NONE) {
            read_buffer(play, lowered->dst, dst_value(lowered->onto), i, "what it adds to");
            write_buffer(play, lowered->dst, dst_value(lowered->onto) + dst_value(i));
            play->onto++;
            continue;
        }
        if (lowered->dst != LOWER_NONE && !(node->op == REPRO_OP_RELU && lowered->fused_relu))
            write_buffer(play, lowered->dst, dst_value(i));
        if (lowered->winner != LOWER_NONE)
            write_buffer(play, lowered->winner, -1.0 - i);
    }
}

static int needs_source(int32_t op)
{
    return op == REPRO_OP_CONV || op == REPRO_OP_DENSE || op == REPRO_OP_BATCH_NORM ||
           op == REPRO_OP_SOFTMAX_CROSS_ENTROPY;
}

/* A node passes its diff on to source k. */
static void pass_on(struct play *play, int32_t i, int32_t reader, int k)
{
    int32_t src = play->graph->nodes[i].src[k];
    double share = edge(play->graph, i, k) * play->diffs[reader];
    if (reader != i)
        share *= edge(play->graph, reader, 0); /* through the fused relu */
    int is_add = play->graph->nodes[i].op == REPRO_OP_ADD;
    if (!play->graph->use[src].needs_diff || (is_add && play->lower->nodes[i].same_diff[k]))
        return;
    int32_t to = play->lower->nodes[src].diff;
    assert_int_not_equal(to, LOWER_NONE);
    write_buffer(play, to, play->graph->use[i].diff_first[k] ? share : play->values[to] + share);
}

static void play_backward(struct play *play)
{
    for (int32_t i = play->graph->count - 1; i > 0; i--) {
        const struct repro_node *node = &play->graph->nodes[i];
        const struct lower_node *lowered = &play->lower->nodes[i];
        int32_t reader = i;
        if (node->op == REPRO_OP_RELU && lowered->fused_relu)
            continue; /* its batch norm does it */
        if (node->op == REPRO_OP_BATCH_NORM && lowered->fused_relu)
            for (int32_t c = i + 1; c < play->graph->count; c++)
                if (play->graph->nodes[c].src[0] == i)
                    reader = c;
        if (play->graph->use[i].needs_diff && node->op != REPRO_OP_SOFTMAX_CROSS_ENTROPY)
            read_buffer(play, lowered->diff, play->diffs[reader], i, "diff");
        if (needs_source(node->op))
            read_buffer(play, play->lower->nodes[node->src[0]].dst, held(play, node->src[0]), i,
                        "dst of its source, backward");
        if (node->op == REPRO_OP_RELU)
            read_buffer(play, lowered->dst, dst_value(i), i, "its dst, backward");
        if (lowered->winner != LOWER_NONE)
            read_buffer(play, lowered->winner, -1.0 - i, i, "winners");
        for (int k = 0; k < node->src_count; k++)
            pass_on(play, i, reader, k);
    }
    int32_t logits = play->graph->nodes[play->graph->count - 1].src[0];
    read_buffer(play, play->lower->nodes[logits].dst, held(play, logits), logits,
                "logits after the step");
}

/* *shared += diffs that are one; *onto += convolutions that add to another's dst. */
static int64_t play_graph(const char *name, const struct repro_graph *given, int type_bytes,
                          int *shared, int *onto)
{
    struct plugin_graph graph;
    struct lower lower;
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = MICRO,
                                        .ghost = GHOST};
    struct repro_error error = {0};
    assert_int_equal(plugin_graph_init(&graph, given, &options, &error), 0);
    assert_int_equal(lower_init(&lower, &graph, type_bytes, &error), 0);
    struct play play = {&graph,
                        &lower,
                        calloc((size_t)lower.buffer_count, sizeof(double)),
                        calloc((size_t)graph.count, sizeof(double)),
                        name,
                        0};
    assert_true(play.values != NULL && play.diffs != NULL);
    for (int32_t b = 0; b < lower.buffer_count; b++) {
        play.values[b] = NAN;
        assert_int_equal(lower.buffers[b].offset % LOWER_ALIGN, 0);
        assert_true(lower.buffers[b].offset >= 0 &&
                    lower.buffers[b].offset + lower.buffers[b].bytes <= lower.bytes);
    }
    expect_diffs(&play);
    play_forward(&play);
    play_backward(&play);
    for (int32_t i = 0; i < graph.count; i++)
        *shared += lower.nodes[i].same_diff[0] + lower.nodes[i].same_diff[1];
    *onto += play.onto;
    int64_t bytes = lower.bytes;
    free(play.values);
    free(play.diffs);
    lower_release(&lower);
    plugin_graph_release(&graph);
    return bytes;
}

static void every_graph(void **state)
{
    int shared = 0, onto = 0;
    (void)state;
    for (int i = 0; i < graph_case_count; i++) {
        struct net net;
        struct err err = {0};
        assert_int_equal(graph_build(&graph_cases[i], &net, &err), 0);
        play_graph(graph_cases[i].name, &net.graph, 4, &shared, &onto);
        play_graph(graph_cases[i].name, &net.graph, 2, &shared, &onto);
        net_release(&net);
    }
    assert_true(shared > 0);
    assert_true(onto > 0);
}

/* WRN-16-4: every residual add passes its gradient on without a kernel, and its memory is well
 * below one buffer a tensor.
 * */
static void wide_residual_net(void **state)
{
    static const float mean[3] = {0}, deviation[3] = {1, 1, 1};
    struct net net;
    struct err err = {0};
    int shared = 0, adds = 0, onto = 0;
    int64_t sum = 0;
    (void)state;
    assert_int_equal(net_named(&net, "wrn-16-4", 3, 32, 32, 10, mean, deviation, &err), 0);
    int64_t bytes = play_graph("wrn-16-4", &net.graph, 2, &shared, &onto);
    for (int i = 0; i < net.graph.node_count; i++) {
        const struct repro_node *node = &net.nodes[i];
        adds += node->op == REPRO_OP_ADD;
        sum += (int64_t)2 * MICRO * node->channels * node->height * node->width *
               2; /* a dst and a diff each, 2 bytes */
    }
    assert_int_equal(adds, 6);
    assert_int_equal(shared, 2 * adds);
    /* the blocks whose shortcut is a convolution; the other three sums are made with statistics */
    assert_int_equal(onto, 3);
    print_message("# wrn-16-4: %.2f of a buffer for each dst and diff\n",
                  (double)bytes / (double)sum);
    assert_true(bytes < sum / 2);
    net_release(&net);
}

/* Branches of several readers, concats of concats, and sums that have an activation. */
static void inception_net(void **state)
{
    static const float mean[] = {125.3f, 122.9f, 113.9f}, deviation[] = {63.0f, 62.1f, 66.7f};
    struct err err = {0};
    struct net net;
    int shared = 0, onto = 0;
    int64_t sum = 0;
    (void)state;
    assert_int_equal(
        net_named(&net, "inception-resnet-v2", 3, 299, 299, 1000, mean, deviation, &err), 0);
    int64_t bytes = play_graph("inception-resnet-v2", &net.graph, 2, &shared, &onto);
    for (int i = 0; i < net.graph.node_count; i++)
        sum += (int64_t)2 * MICRO * net.nodes[i].channels * net.nodes[i].height *
               net.nodes[i].width * 2;
    print_message("# inception-resnet-v2: %.2f of a buffer for each dst and diff\n",
                  (double)bytes / (double)sum);
    assert_true(bytes < sum / 2);
    net_release(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_graph),
                                       cmocka_unit_test(wide_residual_net),
                                       cmocka_unit_test(inception_net)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
