/* Bytes of a small residual net, counted by hand. */
#include "cudnn/account.h" /* before cmocka's macro of the name fail */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "net/net.h"

#define ROWS 4
#define NODES 10

/* 0 input 3x4x4, 1 conv 3x3 to 8, 2 batch norm, 3 relu, 4 conv 1x1, 5 add of 4 and 1, 6 max pool
 * 2x2, 7 mean, 8 dense to 5, 9 loss. */
struct small {
    struct net net;
    struct plugin_graph graph;
    struct lower_node lowered[NODES];
    struct net_layer layers[NODES];
};

static void build(struct small *small, int type)
{
    static const float mean[3] = {0.0f, 0.0f, 0.0f}, deviation[3] = {1.0f, 1.0f, 1.0f};
    struct repro_node pool = {.op = REPRO_OP_MAX_POOL,
                              .src_count = 1,
                              .src = {5},
                              .kernel_h = 2,
                              .kernel_w = 2,
                              .stride_h = 2,
                              .stride_w = 2};
    struct repro_net_options options = {.struct_size = sizeof options, .micro = ROWS, .ghost = 2};
    struct err err = {0};
    struct repro_error error = {0};
    *small = (struct small){
        .lowered = {[2] = {.fused_relu = 1}, [3] = {.fused_relu = 1}, [5] = {.same_diff = {1, 0}}}};
    for (int i = 0; i < NODES; i++)
        small->lowered[i].onto = small->lowered[i].sum_with = LOWER_NONE;
    net_start(&small->net, 3, 4, 4, 5, mean, deviation, &err);
    int first = net_conv(&small->net, "first", 0, 8, 3, 1, 1);
    int active = net_relu(&small->net, "relu", net_batch_norm(&small->net, "norm", first, 1e-5f));
    net_add(&small->net, "add", net_conv(&small->net, "second", active, 8, 1, 1, 0), first, 1.0f);
    int mean_of = net_global_avg_pool(&small->net, "mean", net_node(&small->net, "pool", &pool));
    net_loss(&small->net, "loss", net_dense(&small->net, "dense", mean_of, 5));
    assert_int_equal(net_finish(&small->net, &err), 0);
    assert_int_equal(plugin_graph_init(&small->graph, &small->net.graph, &options, &error), 0);
    assert_int_equal(small->graph.count, NODES);
    for (int i = 0; i < NODES; i++)
        small->layers[i] = (struct net_layer){
            .node = &small->graph.nodes[i],
            .use = &small->graph.use[i],
            .lowered = &small->lowered[i],
            .elements = small->graph.use[i].plane * (i == 0 ? 4 : small->graph.nodes[i].channels),
            .type = i >= 8 ? KERNEL_F32 : type};
}

static void release(struct small *small)
{
    plugin_graph_release(&small->graph);
    net_release(&small->net);
}

static double forward(const struct small *small, int i)
{
    return account_forward(small->layers, &small->layers[i], ROWS, 1);
}

static double backward(const struct small *small, int i)
{
    return account_backward(small->layers, &small->layers[i], ROWS);
}

/* T: a tensor of 8 channels at 4x4, in units of an element's bytes; the image is filled up to 4
 * channels. */
static void each_tensor_once_a_pass(void **state)
{
    (void)state;
    for (int type = KERNEL_F32; type <= KERNEL_BF16; type++) {
        struct small small;
        build(&small, type);
        double bytes = kernel_bytes(type), T = bytes * ROWS * 8 * 16, image = bytes * ROWS * 4 * 16;
        double first = bytes * 8 * 4 * 9, second = bytes * 8 * 8, pooled = T / 4,
               taps = 2.0 * ROWS * 8 * 4;
        double means = bytes * ROWS * 8, dense = 4.0 * 5 * 8, logits = 4.0 * ROWS * 5;
        const double want[NODES][2] = {
            {ROWS * 3 * 16 + image, 0.0},
            {image + first + T, image + T + first}, /* no data gradient: its source is the input */
            {3.0 * T, 2.0 * (T + T) + 2.0 * T},     /* adds to the diff that the add has written */
            {0.0, 0.0},
            {T + second + T, T + T + second + T + second + T},
            {3.0 * T, T + T}, /* one source shares its diff, the other's is the first written */
            {T + pooled + taps, pooled + taps + T},
            {pooled + means, means + pooled},
            {means + dense + logits, means + logits + 2.0 * dense + logits + dense + means},
            {logits, logits + logits},
        };
        for (int i = 0; i < NODES; i++) {
            if (forward(&small, i) != want[i][0] || backward(&small, i) != want[i][1])
                fail_msg("node %d: %g forward and %g backward where %g and %g are due", i,
                         forward(&small, i), backward(&small, i), want[i][0], want[i][1]);
        }
        assert_true(account_forward(small.layers, &small.layers[2], ROWS, 0) == 2.0 * T);
        small.lowered[2].sum_with = 5; /* reads two summands, writes their sum, applies */
        assert_true(forward(&small, 2) == 5.0 * T);
        assert_true(account_forward(small.layers, &small.layers[2], ROWS, 0) == 4.0 * T);
        small.lowered[5].sum_with = 2;
        assert_true(forward(&small, 5) == 0.0);
        assert_true(account_forward(small.layers, &small.layers[5], ROWS, 0) == 0.0);
        small.lowered[4].onto = 1; /* adds to what is there */
        assert_true(forward(&small, 4) == T + second + 2.0 * T);
        small.lowered[5].onto = 1;
        assert_true(account_forward(small.layers, &small.layers[5], ROWS, 0) == 0.0);
        release(&small);
    }
}

static void the_optimizer_reads_and_writes_its_moments(void **state)
{
    (void)state;
    struct kernel_update work = {.count = 100, .running_count = 10};
    assert_true(account_update(&work, REPRO_OPTIMIZER_SGD) == 100 * 12 + 10 * 12);
    assert_true(account_update(&work, REPRO_OPTIMIZER_NESTEROV) == 100 * 20 + 10 * 12);
    work.copy_count = 50;
    assert_true(account_update(&work, REPRO_OPTIMIZER_ADAM) == 100 * 28 + 50 * 2 + 10 * 12);
    assert_true(account_accumulate(10, KERNEL_F32, 1) == 120.0);
    assert_true(account_accumulate(10, KERNEL_BF16, 1) == 100.0);
    assert_true(account_accumulate(10, KERNEL_BF16, 0) == 60.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_tensor_once_a_pass),
        cmocka_unit_test(the_optimizer_reads_and_writes_its_moments)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
