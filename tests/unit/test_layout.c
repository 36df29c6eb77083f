/* The device's order of parameters: a bijection, aligned, convolutions first, OHWI, then the
 * weights of dense layers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cudnn/layout.h"

#include "base/err.h"
#include "graphs.h"

#include <stdlib.h>
#include <string.h>

static void open_graph(struct plugin_graph *graph, const struct repro_graph *given, int micro,
                       int ghost)
{
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = micro,
                                        .ghost = ghost};
    struct repro_error error = {0};
    if (plugin_graph_init(graph, given, &options, &error) != 0)
        fail_msg("%s", error.text);
}

static void check_layout(const struct plugin_graph *graph, int64_t input_channels)
{
    struct layout layout;
    struct repro_error error = {0};
    assert_int_equal(layout_init(&layout, graph, input_channels, &error), 0);
    unsigned char *taken = calloc((size_t)layout.device_count, 1);
    assert_non_null(taken);
    for (int64_t i = 0; i < layout.param_count; i++) {
        assert_in_range(layout.map[i], 0, layout.device_count - 1);
        assert_int_equal(taken[layout.map[i]]++, 0);
    }
    for (int32_t n = 0; n < graph->count; n++) {
        const struct repro_node *node = &graph->nodes[n];
        const struct layout_place *place = &layout.places[n];
        assert_int_equal(node->weights < 0, place->weights < 0);
        assert_int_equal(node->bias < 0, place->bias < 0);
        if (node->weights >= 0) {
            assert_int_equal(place->weights % LAYOUT_ALIGN, 0);
            assert_int_equal(place->weights < layout.conv_count, node->op == REPRO_OP_CONV);
            assert_int_equal(place->weights < layout.weight_count,
                             node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE);
            assert_int_equal(layout.map[node->weights], place->weights);
        }
        if (node->bias >= 0) {
            assert_int_equal(layout.map[node->bias], place->bias);
            assert_true(place->bias >= layout.weight_count);
        }
    }
    free(taken);
    layout_release(&layout);
}

static void every_graph(void **state)
{
    (void)state;
    for (int i = 0; i < graph_case_count; i++) {
        struct net net;
        struct plugin_graph graph;
        struct err err = {0};
        assert_int_equal(graph_build(&graph_cases[i], &net, &err), 0);
        open_graph(&graph, &net.graph, 4, 2);
        check_layout(&graph, graph.nodes[0].channels);
        check_layout(&graph, 8);
        plugin_graph_release(&graph);
        net_release(&net);
    }
}

/* Weight [o][i][u][v] of a convolution lies at [o][u][v][i], that of the image among as many
 * channels as its pixels are filled up to. */
static void convolutions_are_ohwi(void **state)
{
    static const float mean[3] = {0}, deviation[3] = {1, 1, 1};
    struct net net;
    struct plugin_graph graph;
    struct layout layout;
    struct err err = {0};
    struct repro_error error = {0};
    (void)state;
    assert_int_equal(net_named(&net, "wrn-10-1", 3, 32, 32, 10, mean, deviation, &err), 0);
    open_graph(&graph, &net.graph, 4, 2);
    assert_int_equal(layout_init(&layout, &graph, 8, &error), 0);
    int seen = 0;
    for (int32_t n = 0; n < graph.count; n++) {
        const struct repro_node *node = &graph.nodes[n];
        if (node->op != REPRO_OP_CONV)
            continue;
        int64_t in = plugin_source(&graph, node, 0)->channels,
                taps = (int64_t)node->kernel_h * node->kernel_w;
        int64_t room = node->src[0] == 0 ? 8 : in;
        for (int64_t o = 0; o < node->channels; o++)
            for (int64_t i = 0; i < in; i++)
                for (int64_t t = 0; t < taps; t++)
                    assert_int_equal(layout.map[node->weights + (o * in + i) * taps + t],
                                     layout.places[n].weights + (o * taps + t) * room + i);
        seen++;
    }
    assert_true(seen >= 7);
    layout_release(&layout);
    plugin_graph_release(&graph);
    net_release(&net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_graph),
                                       cmocka_unit_test(convolutions_are_ohwi)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
