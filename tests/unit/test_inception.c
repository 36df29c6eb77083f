/* Inception-ResNet-V2: the counts of the network that its authors released, the sizes that the
 * paper's figures print beside the stages, what stands in which branch, and the reduced ones. */
#include "net/layers.h"
#include "net/net.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FULL "inception-resnet-v2"

static int build(struct net *net, const char *name, int height, int width, struct err *err)
{
    static const float mean[] = {127.5f, 127.5f, 127.5f}, deviation[] = {127.5f, 127.5f, 127.5f};
    return net_named(net, name, 3, height, width, 1000, mean, deviation, err);
}

static void built(struct net *net, const char *name, int side)
{
    struct err err = {0};
    if (build(net, name, side, side, &err) != 0)
        fail_msg("%s at %d: %s", name, side, err.text);
}

static const struct repro_node *node_of(const struct net *net, const char *name)
{
    for (int i = 0; i < net->graph.node_count; i++)
        if (strcmp(net->names[i], name) == 0)
            return &net->nodes[i];
    fail_msg("no node '%s'", name);
    return NULL;
}

static int count_of(const struct net *net, int op)
{
    int count = 0;
    for (int i = 0; i < net->graph.node_count; i++)
        count += net->nodes[i].op == op;
    return count;
}

/* 1 gamma and 1 beta a channel; without gamma 55,813,192 parameters, as Keras and TF-slim count. */
static void counts(void **state)
{
    (void)state;
    struct net net;
    built(&net, FULL, 299);
    int64_t norms = net.graph.running_count / 2;
    assert_int_equal(count_of(&net, REPRO_OP_CONV), 244);
    assert_int_equal(norms, 30272);
    assert_int_equal(net.graph.param_count, 55843464);
    double gigamacs = 1e-9 * (double)net_macs(&net);
    if (fabs(gigamacs - 13.156) > 0.0005)
        fail_msg("%.4f GMAC an image", gigamacs);
    net_release(&net);
    static const float mean[] = {127.5f, 127.5f, 127.5f}, deviation[] = {127.5f, 127.5f, 127.5f};
    struct net_ways ways = {.no_gamma = 1};
    struct err err = {0};
    if (net_named_with(&net, FULL, &ways, 3, 299, 299, 1000, mean, deviation, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(net.graph.param_count, 55813192);
    assert_int_equal(net.graph.running_count / 2, norms);
    net_release(&net);
}

/* Channels, and sides at 299 and at the smallest, 75. */
static void stages(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int channels, side, least;
    } wanted[] = {
        {"input", 3, 299, 75},
        {"stem.conv1", 32, 149, 37},
        {"stem.conv2", 32, 147, 35},
        {"stem.conv3", 64, 147, 35},
        {"stem.pool4", 64, 73, 17},
        {"stem.conv5", 80, 73, 17},
        {"stem.conv6", 192, 71, 15},
        {"stem.pool7", 192, 35, 7},
        {"mixed.concat", 320, 35, 7},
        {"a1.concat", 128, 35, 7},
        {"a1.relu", 320, 35, 7},
        {"a10.relu", 320, 35, 7},
        {"reduction-a.concat", 1088, 17, 3},
        {"b1.concat", 384, 17, 3},
        {"b1.relu", 1088, 17, 3},
        {"b20.relu", 1088, 17, 3},
        {"reduction-b.concat", 2080, 8, 1},
        {"c1.concat", 448, 8, 1},
        {"c9.relu", 2080, 8, 1},
        {"c10.add", 2080, 8, 1},
        {"head.relu", 1536, 8, 1},
        {"head.pool", 1536, 1, 1},
        {"head.dropout", 1536, 1, 1},
        {"head.dense", 1000, 1, 1},
    };
    for (int least = 0; least < 2; least++) {
        struct net net;
        built(&net, FULL, least ? 75 : 299);
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            const struct repro_node *node = node_of(&net, wanted[i].name);
            int side = least ? wanted[i].least : wanted[i].side;
            if (node->channels != wanted[i].channels || node->height != side || node->width != side)
                fail_msg("%s is %d x %d x %d, wanted %d x %d x %d", wanted[i].name, node->channels,
                         node->height, node->width, wanted[i].channels, side, side);
        }
        net_release(&net);
    }
}

static void window_is(const struct net *net, const char *name, const int *kernel, int stride,
                      const int *pad)
{
    const struct repro_node *node = node_of(net, name);
    if (node->kernel_h != kernel[0] || node->kernel_w != kernel[1] || node->stride_h != stride ||
        node->stride_w != stride || node->pad_top != pad[0] || node->pad_bottom != pad[0] ||
        node->pad_left != pad[1] || node->pad_right != pad[1])
        fail_msg("%s: kernel %d x %d, stride %d, padding %d, %d", name, node->kernel_h,
                 node->kernel_w, node->stride_h, node->pad_top, node->pad_left);
}

/* One of each kind of window. */
static void windows(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int kernel[2], stride, pad[2];
    } wanted[] = {
        {"stem.conv1", {3, 3}, 2, {0, 0}},
        {"stem.conv3", {3, 3}, 1, {1, 1}},
        {"stem.pool7", {3, 3}, 2, {0, 0}},
        {"mixed.branch2.conv2", {5, 5}, 1, {2, 2}},
        {"mixed.branch4.pool1", {3, 3}, 1, {1, 1}},
        {"a3.branch3.conv2", {3, 3}, 1, {1, 1}},
        {"reduction-a.branch1.conv1", {3, 3}, 2, {0, 0}},
        {"reduction-a.branch2.conv2", {3, 3}, 1, {1, 1}},
        {"reduction-a.branch3.pool1", {3, 3}, 2, {0, 0}},
        {"b7.branch2.conv2", {1, 7}, 1, {0, 3}},
        {"b7.branch2.conv3", {7, 1}, 1, {3, 0}},
        {"reduction-b.branch3.conv3", {3, 3}, 2, {0, 0}},
        {"reduction-b.branch4.pool1", {3, 3}, 2, {0, 0}},
        {"c10.branch2.conv2", {1, 3}, 1, {0, 1}},
        {"c10.branch2.conv3", {3, 1}, 1, {1, 0}},
        {"c10.up", {1, 1}, 1, {0, 0}},
        {"head.conv", {1, 1}, 1, {0, 0}},
    };
    struct net net;
    built(&net, FULL, 299);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        window_is(&net, wanted[i].name, wanted[i].kernel, wanted[i].stride, wanted[i].pad);
    assert_int_equal(node_of(&net, "stem.pool4")->op, REPRO_OP_MAX_POOL);
    assert_int_equal(node_of(&net, "mixed.branch4.pool1")->op, REPRO_OP_AVG_POOL);
    assert_int_equal(count_of(&net, REPRO_OP_AVG_POOL), 1);
    assert_int_equal(count_of(&net, REPRO_OP_MAX_POOL), 4);
    assert_true(node_of(&net, "head.dropout")->scale == 0.2f);
    net_release(&net);
}

/* The reader of node i; all nodes asked for have one. */
static const struct repro_node *reader(const struct net *net, int i)
{
    for (int j = i + 1; j < net->graph.node_count; j++)
        for (int k = 0; k < net->nodes[j].src_count; k++)
            if (net->nodes[j].src[k] == i)
                return &net->nodes[j];
    fail_msg("nobody reads %s", net->names[i]);
    return NULL;
}

/* A convolution has a bias and feeds a sum, or has none and feeds a batch norm. */
static void biases(void **state)
{
    (void)state;
    struct net net;
    built(&net, FULL, 75);
    int sums = 0;
    for (int i = 0; i < net.graph.node_count; i++) {
        const struct repro_node *node = &net.nodes[i];
        if (node->op == REPRO_OP_BATCH_NORM)
            assert_true(node->epsilon == 0.001f);
        if (node->op != REPRO_OP_CONV)
            continue;
        int is_up = (node->flags & REPRO_NODE_BIAS) != 0;
        sums += is_up;
        assert_int_equal(reader(&net, i)->op, is_up ? REPRO_OP_ADD : REPRO_OP_BATCH_NORM);
        assert_int_equal(strstr(net.names[i], ".up") != NULL, is_up);
    }
    assert_int_equal(sums, 40);
    net_release(&net);
}

/* relu(x + scale * up) in every block but the last, which is x + up. */
static void residuals(void **state)
{
    (void)state;
    struct net net;
    built(&net, FULL, 75);
    int sums = 0;
    for (int i = 0; i < net.graph.node_count; i++) {
        const struct repro_node *node = &net.nodes[i];
        if (node->op != REPRO_OP_ADD)
            continue;
        int last = strcmp(net.names[i], "c10.add") == 0;
        float scale = net.names[i][0] == 'a' ? 0.17f : net.names[i][0] == 'b' ? 0.10f : 0.20f;
        assert_true(node->scale == (last ? 1.0f : scale));
        assert_int_equal(reader(&net, i)->op, last ? REPRO_OP_CONV : REPRO_OP_RELU);
        assert_non_null(strstr(net.names[node->src[1]], ".up"));
        sums++;
    }
    assert_int_equal(sums, 40);
    net_release(&net);
}

/* ---- Reduced ---- */

static void reduced_widths(void **state)
{
    (void)state;
    static const struct {
        const char *network, *name;
        int channels;
    } wanted[] = {
        {FULL "-4-5", "stem.conv1", 16},          /* 32 / 4 = 8, half way up */
        {FULL "-4-5", "stem.conv5", 16},          /* 80 / 4 = 20, to the nearest */
        {FULL "-4-5", "mixed.branch1.conv1", 32}, /* 96 / 4 = 24, half way up */
        {FULL "-4-5", "mixed.concat", 96},
        {FULL "-4-5", "a2.up", 96},
        {FULL "-4-5", "reduction-a.concat", 288},
        {FULL "-4-5", "b4.up", 288},
        {FULL "-4-5", "reduction-b.concat", 544},
        {FULL "-4-5", "c2.up", 544},
        {FULL "-4-5", "head.conv", 384},
        {FULL "-16-10", "stem.conv1", 16},          /* 2, and at least 16 */
        {FULL "-16-10", "mixed.branch1.conv1", 16}, /* 6, to the nearest */
        {FULL "-16-10", "head.conv", 96},
        {FULL "-1-2", "mixed.concat", 320},
        {FULL "-3-1", "c10.branch2.conv2", 80}, /* 224 / 3 = 74.7, to the nearest */
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct net net;
        built(&net, wanted[i].network, 75);
        int channels = node_of(&net, wanted[i].name)->channels;
        if (channels != wanted[i].channels)
            fail_msg("%s of %s has %d channels, wanted %d", wanted[i].name, wanted[i].network,
                     channels, wanted[i].channels);
        net_release(&net);
    }
}

/* Blocks of each stage, and the last of stage C is still the one without activation. */
static void reduced_depths(void **state)
{
    (void)state;
    static const struct {
        const char *network, *last;
        int blocks;
    } wanted[] = {{FULL "-4-5", "c2.add", 8},
                  {FULL "-8-10", "c1.add", 4},
                  {FULL "-2-2", "c5.add", 20},
                  {FULL "-32-1", "c10.add", 40}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct net net;
        built(&net, wanted[i].network, 75);
        assert_int_equal(count_of(&net, REPRO_OP_ADD), wanted[i].blocks);
        assert_int_equal(count_of(&net, REPRO_OP_CONCAT), wanted[i].blocks + 3);
        assert_true(node_of(&net, wanted[i].last)->scale == 1.0f);
        net_release(&net);
    }
}

/* Sizes of images that data sets have, one of them not square. */
static void any_size(void **state)
{
    (void)state;
    static const int sides[][3] = {/* height, width, height of the last stage */
                                   {75, 75, 1},   {76, 75, 1},   {75, 131, 1}, {96, 96, 1},
                                   {128, 128, 2}, {139, 139, 3}, {299, 299, 8}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct err err = {0};
        struct net net;
        if (build(&net, FULL "-4-5", sides[i][0], sides[i][1], &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(node_of(&net, "head.conv")->height, sides[i][2]);
        net_release(&net);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int height, width;
        const char *words;
    } wrong[] = {
        {FULL, 74, 75, "of an input of 74 x 75 pixels its strides leave nothing"},
        {FULL, 75, 74, "the smallest is 75 x 75"},
        {FULL "-4-5", 32, 32, "the smallest is 75 x 75"},
        {FULL "-0-5", 75, 75, "divided by 1 to 32"},
        {FULL "-33-5", 75, 75, "divided by 1 to 32"},
        {FULL "-4-0", 75, 75, "divided by 1, 2, 5 or 10"},
        {FULL "-4-3", 75, 75, "divided by 1, 2, 5 or 10"},
        {FULL "-4-20", 75, 75, "divided by 1, 2, 5 or 10"},
        {FULL "-1-1", 75, 75, "its name is inception-resnet-v2"},
        {FULL "-4", 75, 75, "unknown network"},
        {"inception-resnet-v3", 75, 75, "did you mean 'inception-resnet-v2'?"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        struct net net;
        if (build(&net, wrong[i].name, wrong[i].height, wrong[i].width, &err) != ERR_INPUT)
            fail_msg("%s at %d x %d was accepted", wrong[i].name, wrong[i].height, wrong[i].width);
        if (strstr(err.text, wrong[i].words) == NULL || strstr(err.text, wrong[i].name) == NULL)
            fail_msg("%s: '%s'", wrong[i].name, err.text);
    }
}

/* ---- Initial weights ---- */

/* By the rule of every network: the mean square of each convolution's is 2 / fan_in within five
 * standard errors, biases are 0. */
static void initial_weights(void **state)
{
    (void)state;
    struct net net;
    built(&net, FULL "-4-5", 75);
    float *param = mem_new((size_t)net.graph.param_count, sizeof *param, NULL),
          *running = mem_new((size_t)net.graph.running_count, sizeof *running, NULL);
    assert_true(param != NULL && running != NULL);
    net_initial(&net, 3, param, running);
    for (int i = 0; i < net.graph.node_count; i++) {
        const struct repro_node *node = &net.nodes[i], *src = &net.nodes[node->src[0]];
        double fan_in = (double)src->channels * node->kernel_h * node->kernel_w, squares = 0.0;
        int64_t count = (int64_t)fan_in * node->channels;
        if (node->op != REPRO_OP_CONV)
            continue;
        for (int64_t w = node->weights; w < node->weights + count; w++)
            squares += (double)param[w] * (double)param[w];
        if (fabs(squares * fan_in / 2.0 / (double)count - 1.0) > 5.0 * sqrt(2.0 / (double)count))
            fail_msg("%s: mean square %g, fan_in %g", net.names[i], squares / (double)count,
                     fan_in);
        for (int c = 0; node->bias >= 0 && c < node->channels; c++)
            assert_true(param[node->bias + c] == 0.0f);
    }
    mem_free(param);
    mem_free(running);
    net_release(&net);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),         cmocka_unit_test(stages),
        cmocka_unit_test(windows),        cmocka_unit_test(biases),
        cmocka_unit_test(residuals),      cmocka_unit_test(reduced_widths),
        cmocka_unit_test(reduced_depths), cmocka_unit_test(any_size),
        cmocka_unit_test(refused),        cmocka_unit_test(initial_weights),
    };
    return cmocka_run_group_tests_name("inception", tests, NULL, NULL);
}
