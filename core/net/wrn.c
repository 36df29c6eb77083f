/* Wide residual networks (Zagoruyko & Komodakis, 2016), and a tiny one of the same blocks. */
#include "base/err.h"
#include "net/networks.h"

#include <stdio.h>

#define EPSILON 1e-5f /* of batch norms */

/* Node names: the block's name, a dot, the node's. */
#define NAMED(part) (snprintf(name, sizeof name, "%s.%s", block, part), name)

/* One pre-activation residual block: BN, ReLU, conv 3x3, BN, ReLU, conv 3x3, plus a shortcut.
 * Where the shape changes the shortcut is a 1x1 convolution of the first ReLU; else it is src
 * itself. */
static int residual(struct net *net, const char *block, int src, int channels, int stride)
{
    char name[NET_NAME];
    int src_channels = src < 0 ? 0 : net->nodes[src].channels;
    int y = net_batch_norm(net, NAMED("bn1"), src, EPSILON);
    y = net_relu(net, NAMED("relu1"), y);
    int shortcut = src_channels == channels && stride == 1
                       ? src
                       : net_conv(net, NAMED("shortcut"), y, channels, 1, stride, 0);
    y = net_conv(net, NAMED("conv1"), y, channels, 3, stride, 1);
    y = net_batch_norm(net, NAMED("bn2"), y, EPSILON);
    y = net_relu(net, NAMED("relu2"), y);
    y = net_conv(net, NAMED("conv2"), y, channels, 3, 1, 1);
    return net_add(net, NAMED("add"), shortcut, y, 1.0f);
}

static void head(struct net *net, int src)
{
    int y = net_relu(net, "head.relu", net_batch_norm(net, "head.bn", src, EPSILON));
    y = net_global_avg_pool(net, "head.pool", y);
    y = net_dense(net, "head.dense", y, net->graph.classes);
    net_loss(net, "loss", y);
}

/* The widths of the groups' outputs, blocks a group, and the stem's width make the network. */
static void residual_network(struct net *net, int stem, const int *widths, int groups, int blocks)
{
    int y = net_conv(net, "stem", 0, stem, 3, 1, 1);
    for (int g = 0; g < groups; g++) {
        for (int b = 0; b < blocks; b++) {
            char block[NET_NAME - 12];
            snprintf(block, sizeof block, "group%d.block%d", g + 1, b + 1);
            y = residual(net, block, y, widths[g], g > 0 && b == 0 ? 2 : 1);
        }
    }
    head(net, y);
}

int wrn_check(const char *name, const int *numbers, struct err *err)
{
    int depth = numbers[0], width = numbers[1];
    if (depth < 10 || depth > 1000 || (depth - 4) % 6 != 0)
        return err_set(err, ERR_INPUT,
                       "network '%s': the depth is 6n + 4 with n of 1 to 166 (10, 16, 22, 28, ...)",
                       name);
    if (width < 1 || width > 64)
        return err_set(err, ERR_INPUT, "network '%s': the width is 1 to 64", name);
    return 0;
}

void wrn_build(struct net *net, const int *numbers)
{
    int blocks = (numbers[0] - 4) / 6, width = numbers[1];
    residual_network(net, 16, (int[]){16 * width, 32 * width, 64 * width}, 3, blocks);
}

void tiny_build(struct net *net, const int *numbers)
{
    (void)numbers;
    int y = net_conv(net, "stem", 0, 4, 3, 2, 1);
    y = residual(net, "block1", y, 4, 1);
    y = residual(net, "block2", y, 8, 2);
    head(net, y);
}
