/* Inception-ResNet-V2 (Szegedy, Ioffe, Vanhoucke & Alemi, "Inception-v4, Inception-ResNet and the
 * Impact of Residual Connections on Learning", AAAI 2017), from tables that can be held against the
 * paper's figures.
 *
 * The widths are those of the network that the authors released (TF-slim), which the learning-rate
 * paper trained.  It differs from the figures before the first residual block: its stem is that of
 * Inception-v3 with one inception block behind it, where figure 3 shows the stem of Inception-v4.
 * So its residual blocks carry 320, 1088 and 2080 channels, where figures 16, 17 and 19 print 384,
 * 1154 and 2048.
 *
 * Every convolution is followed by batch norm and ReLU and has no bias, but for the 1x1 that ends a
 * residual block: that has a bias and neither. */
#include "base/err.h"
#include "net/networks.h"

#include <stdio.h>

#define EPSILON 0.001f /* of batch norms */
#define DROPPED 0.2f   /* before the dense layer; 0.8 are kept */
#define LANES 16       /* reduced widths are multiples of it: a vector of the widest CPUs */

enum { CONV = REPRO_OP_CONV, MAX = REPRO_OP_MAX_POOL, MEAN = REPRO_OP_AVG_POOL };
enum { VALID, SAME }; /* no padding; padding by which stride 1 keeps the size */

/* One box of a figure.  Pools keep their source's channels. */
struct layer {
    int op, kernel_h, kernel_w, channels, stride, padding;
};

#define BRANCH_MAX 4
#define LAYER_MAX 8

/* Branches side by side, whose ends are concatenated.  A branch ends before the first layer that is
 * zero, and the branches before the first that has none. */
struct block {
    struct layer branches[BRANCH_MAX][LAYER_MAX];
};

/* 299 x 299 x 3 to 35 x 35 x 192 */
static const struct block stem = {{
    {{CONV, 3, 3, 32, 2, VALID},
     {CONV, 3, 3, 32, 1, VALID},
     {CONV, 3, 3, 64, 1, SAME},
     {MAX, 3, 3, 0, 2, VALID},
     {CONV, 1, 1, 80, 1, VALID},
     {CONV, 3, 3, 192, 1, VALID},
     {MAX, 3, 3, 0, 2, VALID}},
}};

/* to 35 x 35 x 320 */
static const struct block mixed = {{
    {{CONV, 1, 1, 96, 1, SAME}},
    {{CONV, 1, 1, 48, 1, SAME}, {CONV, 5, 5, 64, 1, SAME}},
    {{CONV, 1, 1, 64, 1, SAME}, {CONV, 3, 3, 96, 1, SAME}, {CONV, 3, 3, 96, 1, SAME}},
    {{MEAN, 3, 3, 0, 1, SAME}, {CONV, 1, 1, 64, 1, SAME}},
}};

/* Inception-ResNet-A, figure 16: 35 x 35 */
static const struct block block_a = {{
    {{CONV, 1, 1, 32, 1, SAME}},
    {{CONV, 1, 1, 32, 1, SAME}, {CONV, 3, 3, 32, 1, SAME}},
    {{CONV, 1, 1, 32, 1, SAME}, {CONV, 3, 3, 48, 1, SAME}, {CONV, 3, 3, 64, 1, SAME}},
}};

/* Reduction-A, figure 7 with k = l = 256 and m = n = 384: to 17 x 17 x 1088 */
static const struct block reduction_a = {{
    {{CONV, 3, 3, 384, 2, VALID}},
    {{CONV, 1, 1, 256, 1, SAME}, {CONV, 3, 3, 256, 1, SAME}, {CONV, 3, 3, 384, 2, VALID}},
    {{MAX, 3, 3, 0, 2, VALID}},
}};

/* Inception-ResNet-B, figure 17: 17 x 17 */
static const struct block block_b = {{
    {{CONV, 1, 1, 192, 1, SAME}},
    {{CONV, 1, 1, 128, 1, SAME}, {CONV, 1, 7, 160, 1, SAME}, {CONV, 7, 1, 192, 1, SAME}},
}};

/* Reduction-B, figure 18: to 8 x 8 x 2080 */
static const struct block reduction_b = {{
    {{CONV, 1, 1, 256, 1, SAME}, {CONV, 3, 3, 384, 2, VALID}},
    {{CONV, 1, 1, 256, 1, SAME}, {CONV, 3, 3, 288, 2, VALID}},
    {{CONV, 1, 1, 256, 1, SAME}, {CONV, 3, 3, 288, 1, SAME}, {CONV, 3, 3, 320, 2, VALID}},
    {{MAX, 3, 3, 0, 2, VALID}},
}};

/* Inception-ResNet-C, figure 19: 8 x 8 */
static const struct block block_c = {{
    {{CONV, 1, 1, 192, 1, SAME}},
    {{CONV, 1, 1, 192, 1, SAME}, {CONV, 1, 3, 224, 1, SAME}, {CONV, 3, 1, 256, 1, SAME}},
}};

/* The residual stages, figure 15: blocks of each, and the scale of their residuals. */
#define BLOCKS_A 10
#define BLOCKS_B 20
#define BLOCKS_C 10
#define SCALE_A 0.17f
#define SCALE_B 0.10f
#define SCALE_C 0.20f

static const struct layer last_conv = {CONV, 1, 1, 1536, 1, SAME};

/* ---- From tables to nodes.  Nodes are called by block, branch and place in the branch:
 * "b12.branch2.conv3" with "bn3" and "relu3". */

/* The network, and what its widths are divided by. */
struct build {
    struct net *net;
    int divisor;
};

/* channels / divisor to the nearest multiple of LANES, half way up, and at least LANES.  All widths
 * of the tables are multiples of it, so a divisor of 1 leaves them as they are. */
static int reduced(int channels, int divisor)
{
    int lanes = (2 * channels + LANES * divisor) / (2 * LANES * divisor);
    return LANES * (lanes < 1 ? 1 : lanes);
}

/* One convolution or pool. */
static int window(const struct build *build, const char *name, int src, const struct layer *layer,
                  uint32_t flags)
{
    int same = layer->padding == SAME, pad_h = same ? layer->kernel_h - 1 : 0,
        pad_w = same ? layer->kernel_w - 1 : 0;
    return net_node(build->net, name,
                    &(struct repro_node){.op = layer->op,
                                         .flags = flags,
                                         .src_count = 1,
                                         .src = {src},
                                         .channels = layer->channels,
                                         .kernel_h = layer->kernel_h,
                                         .kernel_w = layer->kernel_w,
                                         .stride_h = layer->stride,
                                         .stride_w = layer->stride,
                                         .pad_top = pad_h / 2,
                                         .pad_left = pad_w / 2,
                                         .pad_bottom = pad_h - pad_h / 2,
                                         .pad_right = pad_w - pad_w / 2});
}

#define NAMED(part) (snprintf(name, sizeof name, "%s.%s%.0d", path, part, place), name)

/* A layer of a table: a pool, or a convolution of reduced width with its batch norm and ReLU.
 * place is its number in the branch, 0 for none. */
static int add_layer(const struct build *build, const char *path, int place, int src,
                     const struct layer *layer)
{
    char name[NET_NAME];
    struct layer narrow = *layer;
    if (layer->op != CONV)
        return window(build, NAMED("pool"), src, layer, 0);
    narrow.channels = reduced(layer->channels, build->divisor);
    int y = window(build, NAMED("conv"), src, &narrow, 0);
    y = net_batch_norm(build->net, NAMED("bn"), y, EPSILON);
    return net_relu(build->net, NAMED("relu"), y);
}

/* All branches, and the concat of their ends where they are several. */
static int add_block(const struct build *build, const char *block, int src,
                     const struct block *table)
{
    char name[NET_NAME];
    int ends[BRANCH_MAX], count = 0;
    for (; count < BRANCH_MAX && table->branches[count][0].op != 0; count++) {
        const struct layer *layers = table->branches[count];
        snprintf(name, sizeof name, "%s.branch%d", block, count + 1);
        const char *path = table->branches[1][0].op == 0 ? block : name;
        ends[count] = src;
        for (int i = 0; i < LAYER_MAX && layers[i].op != 0; i++)
            ends[count] = add_layer(build, path, i + 1, ends[count], &layers[i]);
    }
    if (count == 1)
        return ends[0];
    snprintf(name, sizeof name, "%s.concat", block);
    return net_concat(build->net, name, ends, count);
}

/* src + scale * (1x1 convolution of the branches' ends, with bias, to src's width): the sum before
 * its activation. */
static int add_residual(const struct build *build, const char *block, int src,
                        const struct block *table, float scale)
{
    char name[NET_NAME];
    struct layer up = {CONV, 1, 1, src < 0 ? 0 : build->net->nodes[src].channels, 1, SAME};
    int y = add_block(build, block, src, table);
    snprintf(name, sizeof name, "%s.up", block);
    y = window(build, name, y, &up, REPRO_NODE_BIAS);
    snprintf(name, sizeof name, "%s.add", block);
    return net_add(build->net, name, src, y, scale);
}

/* `count` residual blocks, each with its activation; they are called by letter and number. */
static int add_stage(const struct build *build, char letter, int src, const struct block *table,
                     int count, float scale)
{
    char block[16], name[NET_NAME];
    for (int i = 1; i <= count; i++) {
        snprintf(block, sizeof block, "%c%d", letter, i);
        snprintf(name, sizeof name, "%s.relu", block);
        src = net_relu(build->net, name, add_residual(build, block, src, table, scale));
    }
    return src;
}

/* The last block of stage C has a residual of scale 1 and no activation. */
static void network(struct net *net, int width_divisor, int depth_divisor)
{
    const struct build build = {net, width_divisor};
    int blocks_c = BLOCKS_C / depth_divisor;
    char last[16];
    int y = add_block(&build, "stem", 0, &stem);
    y = add_block(&build, "mixed", y, &mixed);
    y = add_stage(&build, 'a', y, &block_a, BLOCKS_A / depth_divisor, SCALE_A);
    y = add_block(&build, "reduction-a", y, &reduction_a);
    y = add_stage(&build, 'b', y, &block_b, BLOCKS_B / depth_divisor, SCALE_B);
    y = add_block(&build, "reduction-b", y, &reduction_b);
    y = add_stage(&build, 'c', y, &block_c, blocks_c - 1, SCALE_C);
    snprintf(last, sizeof last, "c%d", blocks_c);
    y = add_residual(&build, last, y, &block_c, 1.0f);
    y = add_layer(&build, "head", 0, y, &last_conv);
    y = net_global_avg_pool(net, "head.pool", y);
    y = net_dropout(net, "head.dropout", y, DROPPED);
    y = net_dense(net, "head.dense", y, net->graph.classes);
    net_loss(net, "loss", y);
}

void inception_build(struct net *net, const int *numbers)
{
    (void)numbers;
    network(net, 1, 1);
}

int inception_reduced_check(const char *name, const int *numbers, struct err *err)
{
    int width = numbers[0], depth = numbers[1];
    if (width < 1 || width > 32)
        return err_set(err, ERR_INPUT, "network '%s': the widths are divided by 1 to 32", name);
    if (depth < 1 || BLOCKS_A % depth != 0)
        return err_set(err, ERR_INPUT,
                       "network '%s': the numbers of blocks (10, 20, 10) are divided by 1, 2, 5 or "
                       "10",
                       name);
    if (width == 1 && depth == 1)
        return err_set(err, ERR_INPUT,
                       "network '%s': nothing is divided; its name is inception-resnet-v2", name);
    return 0;
}

void inception_reduced_build(struct net *net, const int *numbers)
{
    network(net, numbers[0], numbers[1]);
}
