#include "net/net.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

/* Node names: the block's name, a dot, the node's. */
#define NAMED(part) (snprintf(name, sizeof name, "%s.%s", block, part), name)

/* One pre-activation residual block: BN, ReLU, conv 3x3, BN, ReLU, conv 3x3, plus a shortcut.
 * Where the shape changes the shortcut is a 1x1 convolution of the first ReLU; else it is src
 * itself. */
static int residual(struct net *net, const char *block, int src, int channels, int stride)
{
    char name[NET_NAME];
    int src_channels = src < 0 ? 0 : net->nodes[src].channels;
    int y = net_batch_norm(net, NAMED("bn1"), src);
    y = net_relu(net, NAMED("relu1"), y);
    int shortcut = src_channels == channels && stride == 1
                       ? src
                       : net_conv(net, NAMED("shortcut"), y, channels, 1, stride, 0);
    y = net_conv(net, NAMED("conv1"), y, channels, 3, stride, 1);
    y = net_batch_norm(net, NAMED("bn2"), y);
    y = net_relu(net, NAMED("relu2"), y);
    y = net_conv(net, NAMED("conv2"), y, channels, 3, 1, 1);
    return net_add(net, NAMED("add"), shortcut, y, 1.0f);
}

/* The widths of the groups' outputs, blocks a group, and the stem's width make the network. */
static void residual_network(struct net *net, int stem, const int *widths, int groups, int blocks,
                             int classes)
{
    int y = net_conv(net, "stem", 0, stem, 3, 1, 1);
    for (int g = 0; g < groups; g++) {
        for (int b = 0; b < blocks; b++) {
            char block[NET_NAME - 12];
            snprintf(block, sizeof block, "group%d.block%d", g + 1, b + 1);
            y = residual(net, block, y, widths[g], g > 0 && b == 0 ? 2 : 1);
        }
    }
    y = net_relu(net, "head.relu", net_batch_norm(net, "head.bn", y));
    y = net_global_avg_pool(net, "head.pool", y);
    y = net_dense(net, "head.dense", y, classes);
    net_loss(net, "loss", y);
}

int net_named(struct net *net, const char *name, int channels, int height, int width, int classes,
              const float *mean, const float *deviation, struct err *err)
{
    char again[NET_NAME];
    int depth, k;
    if (strcmp(name, "tiny") == 0) {
        net_start(net, channels, height, width, classes, mean, deviation, err);
        int y = net_conv(net, "stem", 0, 4, 3, 2, 1);
        y = residual(net, "block1", y, 4, 1);
        y = residual(net, "block2", y, 8, 2);
        y = net_relu(net, "head.relu", net_batch_norm(net, "head.bn", y));
        y = net_dense(net, "head.dense", net_global_avg_pool(net, "head.pool", y), classes);
        net_loss(net, "loss", y);
        return net_finish(net, err);
    }
    int fields = sscanf(name, "wrn-%d-%d", &depth, &k);
    /* sscanf alone lets blanks, signs, zeroes in front and numbers out of range pass */
    if (fields == 2)
        snprintf(again, sizeof again, "wrn-%d-%d", depth, k);
    if (fields != 2 || strcmp(name, again) != 0)
        return err_set(err, ERR_INPUT,
                       "unknown network '%s'; known are 'wrn-D-K' (as wrn-16-4) and 'tiny'", name);
    if (depth < 10 || depth > 1000 || (depth - 4) % 6 != 0)
        return err_set(err, ERR_INPUT,
                       "network '%s': the depth is 6n + 4 with n of 1 to 166 (10, 16, 22, 28, ...)",
                       name);
    if (k < 1 || k > 64)
        return err_set(err, ERR_INPUT, "network '%s': the width is 1 to 64", name);
    net_start(net, channels, height, width, classes, mean, deviation, err);
    residual_network(net, 16, (int[]){16 * k, 32 * k, 64 * k}, 3, (depth - 4) / 6, classes);
    return net_finish(net, err);
}
