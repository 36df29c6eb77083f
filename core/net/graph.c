/* The builder.  Shapes and arena offsets are inferred here once, so that no backend infers them
 * again. */
#include "net/net.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NODE_LIMIT 4096
#define SIDE_LIMIT 65536

/* Keeps the first failure; every builder call then returns -1. */
static int fail(struct net *net, int code, const char *name, const char *reason)
{
    if (!net->failed) {
        net->failed = code;
        err_set(net->err, code, "network node '%s': %s", name, reason);
    }
    return -1;
}

static int grow(struct net *net)
{
    if (net->graph.node_count < net->capacity)
        return 0;
    if (net->capacity == NODE_LIMIT)
        return fail(net, ERR_INPUT, "?", "a network has at most 4096 nodes");
    int capacity = net->capacity == 0 ? 64 : net->capacity * 2;
    struct repro_node *nodes = mem_new((size_t)capacity, sizeof *nodes, net->err);
    char(*names)[NET_NAME] = mem_new((size_t)capacity, sizeof *names, net->err);
    if (nodes == NULL || names == NULL) {
        mem_free(nodes);
        mem_free(names);
        net->failed = ERR_MEMORY;
        return -1;
    }
    if (net->nodes != NULL) {
        memcpy(nodes, net->nodes, (size_t)net->graph.node_count * sizeof *nodes);
        memcpy(names, net->names, (size_t)net->graph.node_count * sizeof *names);
    }
    mem_free(net->nodes);
    mem_free(net->names);
    net->nodes = nodes;
    net->names = names;
    net->capacity = capacity;
    net->graph.nodes = nodes;
    return 0;
}

/* Places one tensor behind the arena's last; returns its first float. */
static int64_t place(int64_t *arena_count, int64_t count)
{
    int64_t first = *arena_count;
    *arena_count += count;
    return first;
}

static int windowed_shape(struct net *net, const char *name, struct repro_node *node,
                          const struct repro_node *src)
{
    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride_h < 1 || node->stride_w < 1)
        return fail(net, ERR_INPUT, name, "kernel and stride are at least 1");
    if (node->pad_top < 0 || node->pad_left < 0 || node->pad_bottom < 0 || node->pad_right < 0)
        return fail(net, ERR_INPUT, name, "a padding is at least 0");
    int32_t free_h = src->height + node->pad_top + node->pad_bottom - node->kernel_h;
    int32_t free_w = src->width + node->pad_left + node->pad_right - node->kernel_w;
    if (free_h < 0 || free_w < 0)
        return fail(net, ERR_INPUT, name, "the kernel is larger than the padded image");
    node->height = free_h / node->stride_h + 1;
    node->width = free_w / node->stride_w + 1;
    return 0;
}

static int same_shape(const struct repro_node *a, const struct repro_node *b)
{
    return a->channels == b->channels && a->height == b->height && a->width == b->width;
}

/* Shapes of nodes with one rule each; -1 after a failure. */
static int infer_shape(struct net *net, const char *name, struct repro_node *node)
{
    const struct repro_node *src = &net->nodes[node->src[0]];
    switch (node->op) {
    case REPRO_OP_CONV:
        return windowed_shape(net, name, node, src);
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
        node->channels = src->channels;
        return windowed_shape(net, name, node, src);
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        if (src->channels != net->graph.classes || src->height != 1 || src->width != 1)
            return fail(net, ERR_INPUT, name, "the loss needs one logit a class");
        node->channels = 1;
        node->height = node->width = 1;
        return 0;
    case REPRO_OP_DENSE:
        node->flags |= REPRO_NODE_BIAS;
        node->height = node->width = 1;
        return 0;
    case REPRO_OP_CONCAT:
        node->channels = 0;
        for (int i = 0; i < node->src_count; i++) {
            const struct repro_node *part = &net->nodes[node->src[i]];
            if (part->height != src->height || part->width != src->width)
                return fail(net, ERR_INPUT, name,
                            "the parts of a concat differ in height or width");
            node->channels += part->channels;
        }
        node->height = src->height;
        node->width = src->width;
        return 0;
    case REPRO_OP_ADD:
        if (!same_shape(src, &net->nodes[node->src[1]]))
            return fail(net, ERR_INPUT, name, "the two operands of an add differ in shape");
        break;
    default:
        break;
    }
    node->channels = src->channels;
    node->height = node->op == REPRO_OP_GLOBAL_AVG_POOL ? 1 : src->height;
    node->width = node->op == REPRO_OP_GLOBAL_AVG_POOL ? 1 : src->width;
    return 0;
}

static void place_tensors(struct net *net, struct repro_node *node)
{
    const struct repro_node *src = &net->nodes[node->src[0]];
    node->weights = node->bias = node->running = -1;
    if (node->op == REPRO_OP_CONV) {
        node->weights = place(&net->graph.param_count, (int64_t)node->channels * src->channels *
                                                           node->kernel_h * node->kernel_w);
        if (node->flags & REPRO_NODE_BIAS)
            node->bias = place(&net->graph.param_count, node->channels);
    } else if (node->op == REPRO_OP_DENSE) {
        node->weights = place(&net->graph.param_count,
                              (int64_t)node->channels * src->channels * src->height * src->width);
        node->bias = place(&net->graph.param_count, node->channels);
    } else if (node->op == REPRO_OP_BATCH_NORM) {
        if ((node->flags & REPRO_NODE_NO_GAMMA) == 0)
            node->weights = place(&net->graph.param_count, node->channels);
        node->bias = place(&net->graph.param_count, node->channels);
        node->running = place(&net->graph.running_count, 2 * (int64_t)node->channels);
    }
}

int net_node(struct net *net, const char *name, const struct repro_node *node)
{
    static const int srcs[REPRO_OP_COUNT + 1] = {
        [REPRO_OP_ADD] = 2, [REPRO_OP_CONCAT] = REPRO_SRC_MAX};
    if (net->failed)
        return -1;
    if (node->op < REPRO_OP_CONV || node->op > REPRO_OP_COUNT)
        return fail(net, ERR_INPUT, name, "unknown operation");
    if ((node->flags & ~REPRO_NODE_FLAGS) != 0)
        return fail(net, ERR_INPUT, name, "unknown flag");
    if ((node->flags & REPRO_NODE_NO_GAMMA) != 0 && node->op != REPRO_OP_BATCH_NORM)
        return fail(net, ERR_INPUT, name, "only a batch norm has a gamma to leave out");
    if ((node->flags & REPRO_NODE_SMOOTHED) != 0 && (node->op != REPRO_OP_SOFTMAX_CROSS_ENTROPY ||
                                                     !(node->scale >= 0.0f && node->scale < 1.0f)))
        return fail(net, ERR_INPUT, name,
                    "only the labels of a loss are smoothed, by at least 0 and less than 1");
    int wanted = srcs[node->op] == 0 ? 1 : srcs[node->op];
    if (node->src_count < 1 || node->src_count > wanted ||
        (node->op != REPRO_OP_CONCAT && node->src_count != wanted))
        return fail(net, ERR_INPUT, name, "wrong number of sources");
    for (int i = 0; i < node->src_count; i++)
        if (node->src[i] < 0 || node->src[i] >= net->graph.node_count)
            return fail(net, ERR_INPUT, name, "a source is no earlier node");
    if ((node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE) && node->channels < 1)
        return fail(net, ERR_INPUT, name, "needs at least one channel");
    if (strlen(name) >= NET_NAME)
        return fail(net, ERR_INPUT, name, "a node's name has at most 47 characters");
    if (grow(net) != 0)
        return -1;
    struct repro_node placed = *node;
    if (infer_shape(net, name, &placed) != 0)
        return -1;
    place_tensors(net, &placed);
    int index = net->graph.node_count++;
    net->nodes[index] = placed;
    memcpy(net->names[index], name, strlen(name) + 1);
    return index;
}

void net_start(struct net *net, int channels, int height, int width, int classes, const float *mean,
               const float *deviation, struct err *err)
{
    memset(net, 0, sizeof *net);
    net->err = err;
    net->graph.struct_size = sizeof net->graph;
    net->graph.node_size = sizeof *net->nodes;
    net->graph.channels = channels;
    net->graph.height = height;
    net->graph.width = width;
    net->graph.classes = classes;
    if (channels < 1 || channels > REPRO_CHANNEL_MAX || height < 1 || height > SIDE_LIMIT ||
        width < 1 || width > SIDE_LIMIT || classes < 2) {
        fail(net, ERR_INPUT, "input",
             "needs 1..4 channels, sides of 1..65536 and at least 2 classes");
        return;
    }
    memcpy(net->graph.mean, mean, (size_t)channels * sizeof *mean);
    memcpy(net->graph.deviation, deviation, (size_t)channels * sizeof *deviation);
    if (grow(net) != 0)
        return;
    net->nodes[0] = (struct repro_node){.op = REPRO_OP_INPUT,
                                        .channels = channels,
                                        .height = height,
                                        .width = width,
                                        .weights = -1,
                                        .bias = -1,
                                        .running = -1};
    memcpy(net->names[0], "input", sizeof "input");
    net->graph.node_count = 1;
}

int net_conv(struct net *net, const char *name, int src, int channels, int kernel, int stride,
             int pad)
{
    struct repro_node node = {.op = REPRO_OP_CONV,
                              .src_count = 1,
                              .src = {src},
                              .channels = channels,
                              .kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .pad_top = pad,
                              .pad_left = pad,
                              .pad_bottom = pad,
                              .pad_right = pad};
    return net_node(net, name, &node);
}

int net_batch_norm(struct net *net, const char *name, int src, float epsilon)
{
    return net_node(net, name,
                    &(struct repro_node){.op = REPRO_OP_BATCH_NORM,
                                         .flags = net->ways.no_gamma ? REPRO_NODE_NO_GAMMA : 0,
                                         .src_count = 1,
                                         .src = {src},
                                         .epsilon = epsilon});
}

int net_relu(struct net *net, const char *name, int src)
{
    return net_node(net, name,
                    &(struct repro_node){.op = REPRO_OP_RELU, .src_count = 1, .src = {src}});
}

int net_add(struct net *net, const char *name, int src0, int src1, float scale)
{
    return net_node(net, name,
                    &(struct repro_node){
                        .op = REPRO_OP_ADD, .src_count = 2, .src = {src0, src1}, .scale = scale});
}

int net_concat(struct net *net, const char *name, const int *srcs, int count)
{
    struct repro_node node = {.op = REPRO_OP_CONCAT, .src_count = count};
    for (int i = 0; i < count && i < REPRO_SRC_MAX; i++)
        node.src[i] = srcs[i];
    return net_node(net, name, &node);
}

int net_dropout(struct net *net, const char *name, int src, float rate)
{
    return net_node(
        net, name,
        &(struct repro_node){.op = REPRO_OP_DROPOUT, .src_count = 1, .src = {src}, .scale = rate});
}

int net_global_avg_pool(struct net *net, const char *name, int src)
{
    return net_node(
        net, name,
        &(struct repro_node){.op = REPRO_OP_GLOBAL_AVG_POOL, .src_count = 1, .src = {src}});
}

int net_dense(struct net *net, const char *name, int src, int channels)
{
    return net_node(net, name,
                    &(struct repro_node){.op = REPRO_OP_DENSE,
                                         .flags = REPRO_NODE_BIAS,
                                         .src_count = 1,
                                         .src = {src},
                                         .channels = channels});
}

int net_loss(struct net *net, const char *name, int src)
{
    float smoothing = (float)net->ways.label_smoothing;
    return net_node(net, name,
                    &(struct repro_node){.op = REPRO_OP_SOFTMAX_CROSS_ENTROPY,
                                         .flags = smoothing == 0.0f ? 0 : REPRO_NODE_SMOOTHED,
                                         .src_count = 1,
                                         .src = {src},
                                         .scale = smoothing});
}

static void add_tensor(struct net *net, int node, const char *part, int arena, int64_t first,
                       int rank, const int64_t *dims)
{
    struct net_tensor *tensor = &net->tensors[net->tensor_count++];
    snprintf(tensor->name, sizeof tensor->name, "%s.%s", net->names[node], part);
    tensor->arena = arena;
    tensor->first = first;
    tensor->rank = rank;
    tensor->count = 1;
    for (int i = 0; i < rank; i++) {
        tensor->dims[i] = dims[i];
        tensor->count *= dims[i];
    }
}

/* Theirs alone have more than one dimension. */
int net_is_weights(const struct net_tensor *tensor)
{
    return tensor->rank > 1;
}

static void list_tensors(struct net *net, int index)
{
    const struct repro_node *node = &net->nodes[index], *src = &net->nodes[node->src[0]];
    int64_t channels = node->channels, flat = (int64_t)src->channels * src->height * src->width;
    if (node->op == REPRO_OP_CONV)
        add_tensor(net, index, "weights", REPRO_ARENA_PARAM, node->weights, 4,
                   (int64_t[]){channels, src->channels, node->kernel_h, node->kernel_w});
    if (node->op == REPRO_OP_DENSE)
        add_tensor(net, index, "weights", REPRO_ARENA_PARAM, node->weights, 2,
                   (int64_t[]){channels, flat});
    if (node->op != REPRO_OP_BATCH_NORM && node->bias >= 0)
        add_tensor(net, index, "bias", REPRO_ARENA_PARAM, node->bias, 1, &channels);
    if (node->op == REPRO_OP_BATCH_NORM) {
        if (node->weights >= 0)
            add_tensor(net, index, "gamma", REPRO_ARENA_PARAM, node->weights, 1, &channels);
        add_tensor(net, index, "beta", REPRO_ARENA_PARAM, node->bias, 1, &channels);
        add_tensor(net, index, "mean", REPRO_ARENA_RUNNING, node->running, 1, &channels);
        add_tensor(net, index, "variance", REPRO_ARENA_RUNNING, node->running + channels, 1,
                   &channels);
    }
}

/* A node that nobody reads would be computed for nothing, and backends need not define what
 * backward makes of it. */
static void check_consumers(struct net *net)
{
    for (int i = 0; i < net->graph.node_count - 1; i++) {
        int consumers = 0;
        for (int j = i + 1; j < net->graph.node_count; j++)
            for (int k = 0; k < net->nodes[j].src_count; k++)
                consumers += net->nodes[j].src[k] == i;
        if (consumers == 0)
            fail(net, ERR_INPUT, net->names[i], "no later node reads it");
    }
}

int net_finish(struct net *net, struct err *err)
{
    if (!net->failed)
        check_consumers(net);
    if (!net->failed && net->nodes[net->graph.node_count - 1].op != REPRO_OP_SOFTMAX_CROSS_ENTROPY)
        fail(net, ERR_INPUT, net->names[net->graph.node_count - 1],
             "the last node is not the loss");
    if (!net->failed && net->ways.no_gamma && net->graph.running_count == 0)
        fail(net, ERR_INPUT, net->names[0], "no batch norm follows whose gamma could be left out");
    if (!net->failed) {
        net->tensors = mem_new((size_t)net->graph.node_count * 4, sizeof *net->tensors, net->err);
        if (net->tensors == NULL)
            net->failed = ERR_MEMORY;
    }
    if (net->failed) {
        int code = net->failed;
        if (err != net->err && err != NULL && net->err != NULL)
            *err = *net->err;
        net_release(net);
        return code;
    }
    for (int i = 0; i < net->graph.node_count; i++)
        list_tensors(net, i);
    net->err = NULL;
    return 0;
}

void net_release(struct net *net)
{
    mem_free(net->nodes);
    mem_free(net->names);
    mem_free(net->tensors);
    memset(net, 0, sizeof *net);
}
