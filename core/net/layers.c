#include "net/layers.h"

#include "backend/names.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define WORDS 64 /* of an operation with its window, or of a shape */

int64_t net_layer_params(const struct net *net, int index)
{
    const struct repro_node *node = &net->nodes[index];
    int64_t count = 0;
    for (size_t i = 0; i < net->tensor_count; i++) {
        const struct net_tensor *tensor = &net->tensors[i];
        if (tensor->arena == REPRO_ARENA_PARAM &&
            (tensor->first == node->weights || tensor->first == node->bias))
            count += tensor->count;
    }
    return count;
}

int64_t net_layer_macs(const struct net *net, int index)
{
    const struct repro_node *node = &net->nodes[index], *src = &net->nodes[node->src[0]];
    int64_t weights = (int64_t)node->channels * src->channels;
    if (node->op == REPRO_OP_CONV)
        return weights * node->kernel_h * node->kernel_w * node->height * node->width;
    return node->op == REPRO_OP_DENSE ? weights * src->height * src->width : 0;
}

int64_t net_macs(const struct net *net)
{
    int64_t macs = 0;
    for (int i = 0; i < net->graph.node_count; i++)
        macs += net_layer_macs(net, i);
    return macs;
}

/* ---- The table ---- */

/* "p1", "p0,3", "p0:1"; nothing where there is no padding. */
static void padding_words(const struct repro_node *node, char words[WORDS])
{
    char down[16], across[16];
    int top = node->pad_top, bottom = node->pad_bottom, left = node->pad_left,
        right = node->pad_right;
    words[0] = '\0';
    if (top == 0 && bottom == 0 && left == 0 && right == 0)
        return;
    snprintf(down, sizeof down, top == bottom ? "%d" : "%d:%d", top, bottom);
    snprintf(across, sizeof across, left == right ? "%d" : "%d:%d", left, right);
    if (top == left && bottom == right)
        snprintf(words, WORDS, " p%s", down);
    else
        snprintf(words, WORDS, " p%s,%s", down, across);
}

static void stride_words(const struct repro_node *node, char words[WORDS])
{
    words[0] = '\0';
    if (node->stride_h != node->stride_w)
        snprintf(words, WORDS, " s%d,%d", node->stride_h, node->stride_w);
    else if (node->stride_h != 1)
        snprintf(words, WORDS, " s%d", node->stride_h);
}

static void put_operation(struct text *out, const struct repro_node *node)
{
    char stride[WORDS], padding[WORDS], words[3 * WORDS];
    int windowed = node->op == REPRO_OP_CONV || node->op == REPRO_OP_MAX_POOL ||
                   node->op == REPRO_OP_AVG_POOL;
    if (windowed) {
        stride_words(node, stride);
        padding_words(node, padding);
        snprintf(words, sizeof words, "%s %dx%d%s%s", op_name(node->op), node->kernel_h,
                 node->kernel_w, stride, padding);
    } else {
        snprintf(words, sizeof words, "%s", op_name(node->op));
    }
    text_put(out, " %-21s", words);
}

/* A node without parameters, or without multiply-adds, has a dash. */
static void put_count(struct text *out, int width, int64_t count)
{
    if (count == 0)
        text_put(out, " %*s", width, "-");
    else
        text_put(out, " %*" PRId64, width, count);
}

void net_layers_text(const struct net *net, struct text *out)
{
    text_put(out, "%-25s %-21s %-11s %8s %11s\n", "layer", "operation", "gives", "params", "MAC");
    int64_t params = 0, macs = 0;
    for (int i = 0; i < net->graph.node_count; i++) {
        const struct repro_node *node = &net->nodes[i];
        char shape[WORDS];
        snprintf(shape, sizeof shape, "%dx%dx%d", node->channels, node->height, node->width);
        text_put(out, "%-25s", net->names[i]);
        put_operation(out, node);
        text_put(out, " %-11s", shape);
        put_count(out, 8, net_layer_params(net, i));
        put_count(out, 11, net_layer_macs(net, i));
        text_put_char(out, '\n');
        params += net_layer_params(net, i);
        macs += net_layer_macs(net, i);
    }
    text_put(out, "%-25s %-21s %-11s", "total", "", "");
    put_count(out, 8, params);
    put_count(out, 11, macs);
    text_put_char(out, '\n');
}
