#include "graphs.h"

#include "base/err.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* kernel, stride and padding: {h, w}, {h, w}, {top, left, bottom, right} */
struct shape {
    int kernel[2], stride[2], pad[4];
};

static int windowed(struct net *net, int op, int src, int channels, struct shape shape,
                    uint32_t flags)
{
    return net_node(net, "window",
                    &(struct repro_node){.op = op,
                                         .flags = flags,
                                         .src_count = 1,
                                         .src = {src},
                                         .channels = channels,
                                         .kernel_h = shape.kernel[0],
                                         .kernel_w = shape.kernel[1],
                                         .stride_h = shape.stride[0],
                                         .stride_w = shape.stride[1],
                                         .pad_top = shape.pad[0],
                                         .pad_left = shape.pad[1],
                                         .pad_bottom = shape.pad[2],
                                         .pad_right = shape.pad[3]});
}

static int conv(struct net *net, int src, int channels, struct shape shape)
{
    return windowed(net, REPRO_OP_CONV, src, channels, shape, 0);
}

static int conv3(struct net *net, int src, int channels)
{
    return net_conv(net, "conv3", src, channels, 3, 1, 1);
}

static int concat(struct net *net, const int *srcs, int count)
{
    return net_concat(net, "concat", srcs, count);
}

static int dropout(struct net *net, int src, float rate)
{
    return net_dropout(net, "dropout", src, rate);
}

static int bn(struct net *net, int src)
{
    return net_batch_norm(net, "bn", src, 1e-5f);
}

static int relu(struct net *net, int src)
{
    return net_relu(net, "relu", src);
}

static int bn_relu(struct net *net, int src)
{
    return relu(net, bn(net, src));
}

static int add(struct net *net, int a, int b, float scale)
{
    return net_add(net, "add", a, b, scale);
}

/* ---- input, dense, conv ---- */

static int dense_alone(struct net *net)
{
    (void)net;
    return 0;
}
static int dense_dense(struct net *net)
{
    return relu(net, net_dense(net, "hidden", 0, 17));
}

/* A first convolution, so that the one behind it has a source that wants a gradient. */
static int two_convs(struct net *net, int channels, struct shape shape)
{
    return conv(net, relu(net, conv3(net, 0, 3)), channels, shape);
}

static int conv_1x1(struct net *net)
{
    return two_convs(net, 16, (struct shape){{1, 1}, {1, 1}, {0}});
}
static int conv_1x1_stride2(struct net *net)
{
    return two_convs(net, 5, (struct shape){{1, 1}, {2, 2}, {0}});
}
static int conv_1x1_padded(struct net *net)
{
    return two_convs(net, 5, (struct shape){{1, 1}, {1, 1}, {1, 0, 2, 1}});
}
static int conv_3x3(struct net *net)
{
    return two_convs(net, 17, (struct shape){{3, 3}, {1, 1}, {1, 1, 1, 1}});
}
static int conv_3x3_valid(struct net *net)
{
    return two_convs(net, 1, (struct shape){{3, 3}, {1, 1}, {0}});
}
static int conv_3x3_stride2(struct net *net)
{
    return two_convs(net, 16, (struct shape){{3, 3}, {2, 2}, {1, 1, 1, 1}});
}
static int conv_3x3_asymmetric(struct net *net)
{
    return two_convs(net, 5, (struct shape){{3, 3}, {2, 2}, {0, 1, 2, 0}});
}
static int conv_asymmetric_stride1(struct net *net)
{
    return two_convs(net, 5, (struct shape){{3, 3}, {1, 1}, {2, 0, 1, 2}});
}
static int conv_wide_padding(struct net *net)
{
    return two_convs(net, 5, (struct shape){{3, 3}, {1, 1}, {4, 3, 3, 5}});
}
static int conv_even_kernel(struct net *net)
{
    return two_convs(net, 5, (struct shape){{2, 4}, {1, 1}, {1, 1, 0, 2}});
}
static int conv_mixed_strides(struct net *net)
{
    return two_convs(net, 5, (struct shape){{3, 2}, {2, 1}, {1, 0, 1, 1}});
}
static int conv_stride_over_kernel(struct net *net)
{
    return two_convs(net, 5, (struct shape){{1, 2}, {3, 3}, {0}});
}
static int conv_1x7_7x1(struct net *net)
{
    int y = two_convs(net, 5, (struct shape){{1, 7}, {1, 1}, {0, 3, 0, 3}});
    return conv(net, relu(net, y), 16, (struct shape){{7, 1}, {1, 1}, {3, 0, 3, 0}});
}
static int conv_5x5_bias(struct net *net)
{
    return windowed(net, REPRO_OP_CONV, relu(net, conv3(net, 0, 3)), 17,
                    (struct shape){{5, 5}, {1, 1}, {2, 2, 2, 2}}, REPRO_NODE_BIAS);
}
static int conv_1x1_bias(struct net *net)
{
    return windowed(net, REPRO_OP_CONV, conv3(net, 0, 17), 16, (struct shape){{1, 1}, {1, 1}, {0}},
                    REPRO_NODE_BIAS);
}
static int conv_whole_image(struct net *net)
{
    return two_convs(net, 16, (struct shape){{5, 7}, {1, 1}, {0}});
}
static int conv_twice_read(struct net *net)
{
    int y = conv3(net, 0, 5);
    return add(net, conv3(net, y, 3), conv(net, y, 3, (struct shape){{1, 1}, {1, 1}, {0}}), 1.0f);
}

/* Channels in blocks of 16, as vector and Winograd kernels like them; the last convolution's source
 * has two readers. */
static int conv_blocks(struct net *net)
{
    int y = relu(net, conv3(net, bn_relu(net, conv3(net, 0, 16)), 32));
    return add(net, conv3(net, y, 16), conv3(net, y, 16), 1.0f);
}
static int residual_blocks(struct net *net)
{
    int y = conv3(net, 0, 16);
    for (int i = 0; i < 2; i++)
        y = add(net, y, conv3(net, bn_relu(net, y), 16), 1.0f);
    return add(net, conv(net, y, 32, (struct shape){{1, 1}, {1, 1}, {0}}), conv3(net, y, 32), 1.0f);
}

/* ---- batch norm and relu ---- */

static int norm(struct net *net)
{
    return bn(net, conv3(net, 0, 5));
}
static int norm_of_input(struct net *net)
{
    return bn(net, 0);
}
static int norm_relu(struct net *net)
{
    return bn_relu(net, conv3(net, bn_relu(net, conv3(net, 0, 16)), 17));
}
static int norm_of_dense(struct net *net)
{
    return bn_relu(net, net_dense(net, "hidden", 0, 17));
}
static int norm_norm(struct net *net)
{
    return bn(net, relu(net, bn(net, bn(net, conv3(net, 0, 3)))));
}
static int norm_two_readers(struct net *net)
{
    int y = bn(net, conv3(net, 0, 5));
    return add(net, relu(net, y), y, 0.5f);
}
static int relu_two_readers(struct net *net)
{
    int y = bn_relu(net, conv3(net, 0, 5));
    return add(net, conv3(net, y, 5), y, 1.0f);
}
static int relu_relu(struct net *net)
{
    return relu(net, relu(net, bn(net, conv3(net, 0, 5))));
}
static int relu_of_input(struct net *net)
{
    return relu(net, 0);
}

/* ---- batch norm without gamma, smoothed labels ---- */

static int plain_norm(struct net *net)
{
    net->ways.no_gamma = 1;
    return bn(net, conv3(net, 0, 5));
}
/* In vectors and beyond them, with and without the ReLU, and beside one that has a gamma. */
static int plain_norms(struct net *net)
{
    int y = bn_relu(net, conv3(net, 0, 16));
    net->ways.no_gamma = 1;
    y = bn_relu(net, conv3(net, y, 17));
    y = add(net, y, bn(net, conv3(net, relu(net, bn(net, y)), 17)), 0.5f);
    return relu(net, y);
}
static int plain_norm_of_dense(struct net *net)
{
    net->ways.no_gamma = 1;
    return bn_relu(net, net_dense(net, "hidden", 0, 37));
}
static int smoothed(struct net *net)
{
    net->ways.label_smoothing = 0.1;
    return bn_relu(net, conv3(net, 0, 5));
}
/* Hardly a label is left; the logits come straight from a batch norm without gamma. */
static int smoothed_nearly_even(struct net *net)
{
    net->ways = (struct net_ways){.label_smoothing = 0.9, .no_gamma = 1};
    return -1 - bn(net, net_dense(net, "dense", 0, GRAPH_CLASSES));
}

/* ---- add and concat ---- */

static int add_scaled(struct net *net)
{
    return add(net, conv3(net, 0, 5), conv3(net, 0, 5), 0.17f);
}
static int add_negative(struct net *net)
{
    return relu(net, add(net, conv3(net, 0, 5), conv3(net, 0, 5), -1.5f));
}
static int add_input(struct net *net)
{
    return add(net, 0, conv3(net, 0, 3), 0.3f);
}
static int add_same_twice(struct net *net)
{
    int y = conv3(net, 0, 5);
    return add(net, y, y, 0.5f);
}
static int add_norms(struct net *net)
{
    return relu(net, add(net, bn(net, conv3(net, 0, 5)), bn_relu(net, conv3(net, 0, 5)), 1.0f));
}
/* Pre-activation residual blocks: adds of adds, each also read by a batch norm. */
static int residual(struct net *net)
{
    int y = conv3(net, 0, 5);
    for (int i = 0; i < 3; i++)
        y = add(net, y, conv3(net, bn_relu(net, y), 5), i == 1 ? 0.25f : 1.0f);
    return add(net, add(net, y, bn_relu(net, y), 1.0f), conv3(net, y, 5), 1.0f);
}
static int concat_parts(struct net *net)
{
    int parts[] = {conv3(net, 0, 1), 0, conv3(net, 0, 5), bn_relu(net, conv3(net, 0, 17))};
    return concat(net, parts, COUNT(parts));
}
static int concat_same_twice(struct net *net)
{
    int y = conv3(net, 0, 3), parts[] = {y, relu(net, y), y};
    return conv3(net, concat(net, parts, COUNT(parts)), 5);
}
static int concat_most(struct net *net)
{
    int parts[REPRO_SRC_MAX];
    for (int i = 0; i < REPRO_SRC_MAX; i++)
        parts[i] = conv3(net, 0, i % 3 + 1);
    return bn_relu(net, concat(net, parts, REPRO_SRC_MAX));
}
static int concat_one(struct net *net)
{
    int y = conv3(net, 0, 3);
    return conv3(net, concat(net, &y, 1), 5);
}

/* ---- pools ---- */

static int pooled(struct net *net, int op, struct shape shape)
{
    return windowed(net, op, bn(net, conv3(net, 0, 5)), 0, shape, 0);
}

static int max_2x2(struct net *net)
{
    return pooled(net, REPRO_OP_MAX_POOL, (struct shape){{2, 2}, {2, 2}, {0}});
}
static int max_3x3_padded(struct net *net)
{
    return pooled(net, REPRO_OP_MAX_POOL, (struct shape){{3, 3}, {2, 2}, {1, 1, 0, 1}});
}
static int max_overlapping(struct net *net)
{
    return pooled(net, REPRO_OP_MAX_POOL, (struct shape){{3, 2}, {1, 1}, {0, 1, 2, 0}});
}
/* All sources negative: a padding of 0 would win. */
static int max_negative(struct net *net)
{
    int y = relu(net, conv3(net, 0, 3));
    y = add(net, bn(net, conv3(net, 0, 3)), add(net, y, y, -9.0f), 1.0f);
    return windowed(net, REPRO_OP_MAX_POOL, y, 0, (struct shape){{3, 3}, {1, 1}, {1, 1, 1, 1}}, 0);
}
static int max_of_relu(struct net *net)
{
    int y = windowed(net, REPRO_OP_MAX_POOL, bn_relu(net, conv3(net, 0, 5)), 0,
                     (struct shape){{3, 3}, {2, 2}, {1, 1, 1, 1}}, 0);
    return conv3(net, y, 3);
}
static int avg_3x3(struct net *net)
{
    return pooled(net, REPRO_OP_AVG_POOL, (struct shape){{3, 3}, {1, 1}, {1, 1, 1, 1}});
}
static int avg_asymmetric(struct net *net)
{
    return pooled(net, REPRO_OP_AVG_POOL, (struct shape){{2, 3}, {2, 1}, {1, 0, 0, 2}});
}
static int avg_of_input(struct net *net)
{
    return windowed(net, REPRO_OP_AVG_POOL, 0, 0, (struct shape){{3, 3}, {2, 2}, {0}}, 0);
}
static int global_average(struct net *net)
{
    return net_global_avg_pool(net, "gap", bn_relu(net, conv3(net, 0, 17)));
}
/* The logits come straight from a pool. */
static int global_logits(struct net *net)
{
    return -1 -
           net_global_avg_pool(net, "gap", conv3(net, relu(net, conv3(net, 0, 5)), GRAPH_CLASSES));
}
static int norm_logits(struct net *net)
{
    return -1 - bn(net, net_dense(net, "dense", 0, GRAPH_CLASSES));
}

/* ---- dropout, and all together ---- */

static int dropped(struct net *net)
{
    return conv3(net, dropout(net, bn_relu(net, conv3(net, 0, 5)), 0.3f), 3);
}
static int dropped_twice(struct net *net)
{
    int y = dropout(net, conv3(net, 0, 3), 0.5f);
    return dropout(net, relu(net, net_dense(net, "hidden", y, 17)), 0.2f);
}
static int dropped_two_readers(struct net *net)
{
    int y = dropout(net, conv3(net, 0, 5), 0.25f);
    return add(net, y, conv3(net, y, 5), 1.0f);
}
static int inception(struct net *net)
{
    int y = bn_relu(net, net_conv(net, "stem", 0, 5, 3, 1, 1));
    int parts[] = {
        bn_relu(net, conv(net, y, 3, (struct shape){{1, 7}, {2, 2}, {0, 3, 0, 3}})),
        windowed(net, REPRO_OP_MAX_POOL, y, 0, (struct shape){{3, 3}, {2, 2}, {1, 1, 1, 1}}, 0),
        windowed(net, REPRO_OP_AVG_POOL, y, 0, (struct shape){{3, 3}, {2, 2}, {1, 1, 1, 1}}, 0),
        conv(net, y, 16, (struct shape){{3, 1}, {2, 2}, {1, 0, 1, 0}})};
    int joined = concat(net, parts, COUNT(parts));
    int up = windowed(net, REPRO_OP_CONV, joined, 29, (struct shape){{1, 1}, {1, 1}, {0}},
                      REPRO_NODE_BIAS);
    y = relu(net, add(net, joined, up, 0.17f));
    return dropout(net, net_global_avg_pool(net, "gap", y), 0.2f);
}

/* ---- what Inception-ResNet-V2 is made of, in odd widths ---- */

/* Convolution, batch norm, ReLU. */
static int unit(struct net *net, int src, int channels, struct shape shape)
{
    return relu(net, net_batch_norm(net, "bn", conv(net, src, channels, shape), 1e-3f));
}
static int unit_1x1(struct net *net, int src, int channels)
{
    return unit(net, src, channels, (struct shape){{1, 1}, {1, 1}, {0}});
}
static int unit_3x3(struct net *net, int src, int channels)
{
    return unit(net, src, channels, (struct shape){{3, 3}, {1, 1}, {1, 1, 1, 1}});
}
/* relu(x + scale * up): the 1x1 has a bias and no batch norm, and x has a reader a branch and the
 * sum. */
static int residual_of(struct net *net, int src, const int *parts, int count, float scale)
{
    int channels = src < 0 ? 0 : net->nodes[src].channels;
    int up = windowed(net, REPRO_OP_CONV, concat(net, parts, count), channels,
                      (struct shape){{1, 1}, {1, 1}, {0}}, REPRO_NODE_BIAS);
    return add(net, src, up, scale);
}

static int unpadded_stem(struct net *net)
{
    int y = unit(net, 0, 5, (struct shape){{3, 3}, {2, 2}, {0}});
    y = unit_3x3(net, unit(net, y, 3, (struct shape){{3, 3}, {1, 1}, {0}}), 17);
    return windowed(net, REPRO_OP_MAX_POOL, y, 0, (struct shape){{3, 3}, {2, 2}, {0}}, 0);
}
static int concat_four_branches(struct net *net)
{
    int y = unit_3x3(net, 0, 7);
    int mean = windowed(net, REPRO_OP_AVG_POOL, y, 0, (struct shape){{3, 3}, {1, 1}, {1, 1, 1, 1}},
                        0);
    int parts[] = {unit_1x1(net, y, 9),
                   unit(net, unit_1x1(net, y, 3), 5, (struct shape){{5, 5}, {1, 1}, {2, 2, 2, 2}}),
                   unit_3x3(net, unit_3x3(net, unit_1x1(net, y, 5), 7), 1), unit_1x1(net, mean, 3)};
    return concat(net, parts, COUNT(parts));
}
static int residual_a(struct net *net)
{
    int y = unit_3x3(net, 0, 11);
    int parts[] = {unit_1x1(net, y, 3), unit_3x3(net, unit_1x1(net, y, 5), 1),
                   unit_3x3(net, unit_3x3(net, unit_1x1(net, y, 3), 7), 5)};
    return relu(net, residual_of(net, y, parts, COUNT(parts), 0.17f));
}
static int residual_b(struct net *net)
{
    int y = unit_3x3(net, 0, 13);
    for (int i = 0; i < 2; i++) {
        int thin = unit(net, unit_1x1(net, y, 3), 5, (struct shape){{1, 7}, {1, 1}, {0, 3, 0, 3}});
        int parts[] = {unit_1x1(net, y, 7),
                       unit(net, thin, 9, (struct shape){{7, 1}, {1, 1}, {3, 0, 3, 0}})};
        y = relu(net, residual_of(net, y, parts, COUNT(parts), 0.1f));
    }
    return y;
}
/* Two blocks, the second of scale 1 and without activation, in front of the head. */
static int residual_c(struct net *net)
{
    int y = unit_3x3(net, 0, 11);
    for (int i = 0; i < 2; i++) {
        int thin = unit(net, unit_1x1(net, y, 3), 5, (struct shape){{1, 3}, {1, 1}, {0, 1, 0, 1}});
        int parts[] = {unit_1x1(net, y, 7),
                       unit(net, thin, 9, (struct shape){{3, 1}, {1, 1}, {1, 0, 1, 0}})};
        y = residual_of(net, y, parts, COUNT(parts), i == 0 ? 0.2f : 1.0f);
        y = i == 0 ? relu(net, y) : y;
    }
    y = net_global_avg_pool(net, "gap", unit_1x1(net, y, 17));
    return dropout(net, y, 0.2f);
}
/* Three readers of one source, none padded; the pool's values are a concat's. */
static int reduction(struct net *net)
{
    int halves[] = {unit_3x3(net, 0, 5), unit_1x1(net, 0, 3)};
    int y = concat(net, halves, COUNT(halves));
    int parts[] = {
        unit(net, y, 7, (struct shape){{3, 3}, {2, 2}, {0}}),
        unit(net, unit_3x3(net, unit_1x1(net, y, 3), 5), 9, (struct shape){{3, 3}, {2, 2}, {0}}),
        windowed(net, REPRO_OP_MAX_POOL, y, 0, (struct shape){{3, 3}, {2, 2}, {0}}, 0)};
    return concat(net, parts, COUNT(parts));
}
/* Long thin kernels whose padding differs from side to side. */
static int thin_asymmetric(struct net *net)
{
    int y = two_convs(net, 5, (struct shape){{1, 7}, {1, 1}, {0, 2, 0, 4}});
    y = conv(net, relu(net, y), 3, (struct shape){{7, 1}, {1, 1}, {5, 0, 1, 0}});
    y = conv(net, relu(net, y), 7, (struct shape){{1, 3}, {1, 1}, {0, 2, 0, 0}});
    return conv(net, relu(net, y), 16, (struct shape){{3, 1}, {1, 1}, {0, 0, 2, 0}});
}
static int thin_strided(struct net *net)
{
    int y = two_convs(net, 5, (struct shape){{1, 7}, {1, 2}, {0, 3, 0, 2}});
    return conv(net, relu(net, y), 16, (struct shape){{7, 1}, {2, 1}, {2, 0, 3, 0}});
}

#define CASE(body)                 \
    {                              \
#body, 3, 5, 7, 3, 3, body \
    }
const struct graph_case graph_cases[] = {
    CASE(dense_alone),
    CASE(dense_dense),
    {"dense_of_one_pixel", 1, 1, 1, 2, 3, dense_dense},
    CASE(conv_1x1),
    CASE(conv_1x1_stride2),
    CASE(conv_1x1_padded),
    CASE(conv_3x3),
    CASE(conv_3x3_valid),
    CASE(conv_3x3_stride2),
    CASE(conv_3x3_asymmetric),
    CASE(conv_asymmetric_stride1),
    CASE(conv_wide_padding),
    CASE(conv_even_kernel),
    CASE(conv_mixed_strides),
    CASE(conv_stride_over_kernel),
    CASE(conv_1x7_7x1),
    CASE(conv_5x5_bias),
    CASE(conv_1x1_bias),
    CASE(conv_whole_image),
    CASE(conv_twice_read),
    {"conv_grey_image", 1, 9, 4, 5, 1, conv_3x3},
    {"conv_four_channels", 4, 6, 3, 2, 3, conv_3x3_stride2},
    {"conv_one_pixel", 3, 1, 1, 5, 3, conv_3x3},
    {"conv_wide_image", 3, 2, 67, 2, 3, conv_3x3},
    CASE(conv_blocks),
    {"conv_blocks_of_tiles", 3, 8, 12, 2, 2, conv_blocks},
    CASE(residual_blocks),
    CASE(norm),
    CASE(norm_of_input),
    CASE(norm_relu),
    CASE(norm_of_dense),
    CASE(norm_norm),
    CASE(norm_two_readers),
    {"norm_ghosts_of_five", 3, 5, 7, 5, 3, norm_relu},
    {"norm_ghosts_of_one", 3, 4, 9, 1, 3, norm_relu},
    CASE(plain_norm),
    {"plain_norms_in_ghosts", 3, 5, 7, 5, 3, plain_norms},
    CASE(plain_norm_of_dense),
    CASE(smoothed),
    CASE(smoothed_nearly_even),
    CASE(relu_two_readers),
    CASE(relu_relu),
    CASE(relu_of_input),
    CASE(add_scaled),
    CASE(add_negative),
    CASE(add_input),
    CASE(add_same_twice),
    CASE(add_norms),
    CASE(residual),
    CASE(concat_parts),
    CASE(concat_same_twice),
    CASE(concat_most),
    CASE(concat_one),
    CASE(max_2x2),
    CASE(max_3x3_padded),
    CASE(max_overlapping),
    CASE(max_negative),
    CASE(max_of_relu),
    CASE(avg_3x3),
    CASE(avg_asymmetric),
    CASE(avg_of_input),
    CASE(global_average),
    CASE(global_logits),
    CASE(norm_logits),
    CASE(dropped),
    CASE(dropped_twice),
    CASE(dropped_two_readers),
    {"unpadded_stem", 3, 13, 15, 3, 2, unpadded_stem},
    {"concat_four_branches", 3, 5, 7, 3, 2, concat_four_branches},
    {"residual_a", 3, 5, 4, 3, 2, residual_a},
    {"residual_b", 3, 5, 7, 3, 2, residual_b},
    {"residual_c", 3, 5, 4, 3, 2, residual_c},
    {"residual_a_of_one_pixel", 3, 1, 1, 5, 2, residual_a},
    {"residual_b_of_a_row", 3, 1, 17, 2, 3, residual_b},
    {"residual_c_of_two_pixels", 3, 2, 1, 5, 2, residual_c},
    {"reduction", 3, 5, 7, 3, 2, reduction},
    CASE(thin_asymmetric),
    {"thin_strided", 3, 9, 11, 2, 3, thin_strided},
    CASE(inception), /* the last: test_heap */
};
const int graph_case_count = COUNT(graph_cases);
_Static_assert(COUNT(graph_cases) <= GRAPH_CASE_MAX, "raise GRAPH_CASE_MAX");

int graph_build(const struct graph_case *graph_case, struct net *net, struct err *err)
{
    static const float mean[] = {125.3f, 122.9f, 113.9f, 130.0f},
                       deviation[] = {63.0f, 62.1f, 66.7f, 60.0f};
    net_start(net, graph_case->channels, graph_case->height, graph_case->width, GRAPH_CLASSES, mean,
              deviation, err);
    int y = graph_case->body(net);
    if (y >= 0)
        y = net_dense(net, "closing", y, GRAPH_CLASSES);
    else
        y = -1 - y;
    net_loss(net, "loss", y);
    return net_finish(net, err);
}
