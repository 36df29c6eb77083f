#include "lower.h"

#include "common/plugin.h"

#include <stdlib.h>
#include <string.h>

/* ---- Fusion ---- */

static void fuse_relus(struct lower *lower, const struct plugin_graph *graph)
{
    for (int32_t i = 1; i < graph->count; i++) {
        const struct repro_node *node = &graph->nodes[i];
        int32_t src = node->src[0];
        if (node->op == REPRO_OP_RELU && graph->nodes[src].op == REPRO_OP_BATCH_NORM &&
            graph->use[src].consumers == 1)
            lower->nodes[i].fused_relu = lower->nodes[src].fused_relu = 1;
    }
}

static int is_lone_conv(const struct plugin_graph *graph, int32_t i)
{
    return graph->nodes[i].op == REPRO_OP_CONV && !(graph->nodes[i].flags & REPRO_NODE_BIAS) &&
           graph->use[i].consumers == 1;
}

static int32_t first_reader(const struct plugin_graph *graph, int32_t i)
{
    for (int32_t c = i + 1; c < graph->count; c++)
        for (int k = 0; k < graph->nodes[c].src_count; k++)
            if (graph->nodes[c].src[k] == i)
                return c;
    return LOWER_NONE;
}

static void fuse_adds(struct lower *lower, const struct plugin_graph *graph)
{
    for (int32_t i = 0; i < graph->count; i++)
        lower->nodes[i].onto = lower->nodes[i].sum_with = LOWER_NONE;
    for (int32_t i = 1; i < graph->count; i++) {
        const struct repro_node *node = &graph->nodes[i];
        int32_t a = node->src[0], b = node->src[1], reader = first_reader(graph, i);
        if (node->op != REPRO_OP_ADD)
            continue;
        if (a != b && node->scale == 1.0f && is_lone_conv(graph, a) && is_lone_conv(graph, b))
            lower->nodes[i].onto = lower->nodes[a > b ? a : b].onto = a < b ? a : b;
        else if (reader != LOWER_NONE && graph->nodes[reader].op == REPRO_OP_BATCH_NORM) {
            lower->nodes[i].sum_with = reader;
            lower->nodes[reader].sum_with = i;
        }
    }
}

int64_t lower_input_channels(const struct plugin_graph *graph, int type_bytes)
{
    int64_t channels = graph->nodes[0].channels, whole = 16 / type_bytes;
    for (int32_t i = 1; i < graph->count; i++)
        for (int k = 0; k < graph->nodes[i].src_count; k++)
            if (graph->nodes[i].src[k] == 0 && graph->nodes[i].op != REPRO_OP_CONV)
                return channels;
    return (channels + whole - 1) / whole * whole;
}

/* Whether a consumer of node i other than `except` lies at or above node `from`: its backward,
 * which adds to i's diff, would then run before that of `from`, or be it. */
static int written_before(const struct plugin_graph *graph, int32_t i, int32_t except, int32_t from)
{
    for (int32_t c = from; c < graph->count; c++)
        for (int k = 0; c != except && k < graph->nodes[c].src_count; k++)
            if (graph->nodes[c].src[k] == i && graph->use[c].live)
                return 1;
    return 0;
}

/* group[i]: the add at the head of the diffs that are one, or i itself.  via[i]: the add through
 * which i joined. */
struct diffs {
    int32_t *group, *via;
};

/* The node whose backward reads the diff of node i. */
static int32_t reader(const struct lower *lower, const struct plugin_graph *graph, int32_t i)
{
    return graph->nodes[i].op == REPRO_OP_RELU && lower->nodes[i].fused_relu
               ? graph->nodes[i].src[0]
               : i;
}

/* Whether i may join the group: no member is read after a foreign writer has added to the
 * buffer. */
static int may_join(const struct lower *lower, const struct plugin_graph *graph,
                    const struct diffs *diffs, int32_t i, int32_t add, int32_t group)
{
    for (int32_t member = 0; member < graph->count; member++) {
        if (diffs->group[member] != group || member == i || member >= add)
            continue; /* members from the add on have been read by then */
        if (written_before(graph, i, add, reader(lower, graph, member)) ||
            written_before(graph, member, diffs->via[member], reader(lower, graph, i)))
            return 0;
    }
    return 1;
}

static void share_diffs(struct lower *lower, const struct plugin_graph *graph,
                        const struct diffs *diffs)
{
    for (int32_t i = 0; i < graph->count; i++)
        diffs->group[i] = diffs->via[i] = i;
    for (int32_t add = graph->count - 1; add > 0; add--) {
        const struct repro_node *node = &graph->nodes[add];
        if (node->op != REPRO_OP_ADD || !graph->use[add].live || node->src[0] == node->src[1])
            continue;
        for (int k = 0; k < 2; k++) {
            int32_t src = node->src[k], group = diffs->group[add];
            if ((k == 1 && node->scale != 1.0f) || !graph->use[src].needs_diff ||
                !graph->use[add].diff_first[k] || diffs->group[src] != src ||
                !may_join(lower, graph, diffs, src, add, group))
                continue;
            diffs->group[src] = group;
            diffs->via[src] = add;
            lower->nodes[add].same_diff[k] = 1;
        }
    }
}

/* ---- Buffers and their lives ---- */

static int32_t new_buffer(struct lower *lower, int64_t bytes, int32_t first, int32_t last)
{
    lower->buffers[lower->buffer_count] = (struct lower_buffer){
        .bytes = bytes, .first = first, .last = last};
    return lower->buffer_count++;
}

/* The gradient of a convolution's weights may run beside the next moments, so what it reads lives
 * on for these. */
static int32_t read_until(const struct plugin_graph *graph, int32_t i)
{
    int32_t end = 2 * graph->count - 1, moment = end - i;
    if (graph->nodes[i].op == REPRO_OP_CONV)
        moment = moment + LOWER_BESIDE < end ? moment + LOWER_BESIDE : end;
    return moment;
}

static void live_until(struct lower *lower, int32_t buffer, int32_t moment)
{
    if (buffer != LOWER_NONE && lower->buffers[buffer].last < moment)
        lower->buffers[buffer].last = moment;
}

/* Whether node i's backward reads its own dst, or the dst of its sources. */
static int reads_dst(const struct lower *lower, const struct plugin_graph *graph, int32_t i)
{
    return graph->nodes[i].op == REPRO_OP_RELU && !lower->nodes[i].fused_relu;
}

static int reads_src(const struct plugin_graph *graph, int32_t i)
{
    int32_t op = graph->nodes[i].op;
    return op == REPRO_OP_CONV || op == REPRO_OP_DENSE || op == REPRO_OP_BATCH_NORM ||
           op == REPRO_OP_SOFTMAX_CROSS_ENTROPY;
}

static void make_dst(struct lower *lower, const struct plugin_graph *graph, int type_bytes)
{
    int32_t end = 2 * graph->count - 1;
    int64_t micro = graph->options.micro;
    for (int32_t i = 0; i < graph->count; i++) {
        struct lower_node *node = &lower->nodes[i];
        const struct repro_node *given = &graph->nodes[i];
        int64_t size = micro * graph->use[i].size;
        int is_logits = i == graph->nodes[graph->count - 1].src[0];
        node->dst = node->diff = node->winner = LOWER_NONE;
        node->single = is_logits && given->op == REPRO_OP_DENSE;
        if (given->op == REPRO_OP_SOFTMAX_CROSS_ENTROPY)
            continue;
        if (i == 0)
            size = micro * graph->use[i].plane * lower_input_channels(graph, type_bytes);
        if (given->op == REPRO_OP_RELU && node->fused_relu)
            node->dst = lower->nodes[given->src[0]].dst;
        else if (node->onto != LOWER_NONE)
            node->dst = lower->nodes[node->onto].dst;
        else
            node->dst = new_buffer(lower, size * (node->single ? 4 : type_bytes), i, i);
        if (is_logits)
            live_until(lower, node->dst, end); /* OUTPUT is read whenever the caller likes */
        if (given->op == REPRO_OP_MAX_POOL)
            node->winner = new_buffer(lower, size * 2, i, end - i);
    }
    for (int32_t i = 1; i < graph->count; i++) {
        if (reads_dst(lower, graph, i) && graph->use[i].needs_diff)
            live_until(lower, lower->nodes[i].dst, end - i);
        int32_t done = graph->nodes[i].op == REPRO_OP_ADD && lower->nodes[i].sum_with != LOWER_NONE
                           ? lower->nodes[i].sum_with
                           : i;
        for (int k = 0; k < graph->nodes[i].src_count; k++)
            live_until(lower, lower->nodes[graph->nodes[i].src[k]].dst,
                       reads_src(graph, i) ? read_until(graph, i) : done);
    }
}

static void make_diff(struct lower *lower, const struct plugin_graph *graph,
                      const struct diffs *diffs, int type_bytes)
{
    int32_t end = 2 * graph->count - 1;
    for (int32_t i = graph->count - 1; i >= 0; i--) {
        struct lower_node *node = &lower->nodes[i];
        const struct repro_node *given = &graph->nodes[i];
        if (!graph->use[i].needs_diff || !graph->use[i].live ||
            given->op == REPRO_OP_SOFTMAX_CROSS_ENTROPY)
            continue;
        if (given->op == REPRO_OP_BATCH_NORM && node->fused_relu)
            continue; /* it reads its relu's */
        if (diffs->group[i] != i)
            node->diff = lower->nodes[diffs->group[i]].diff;
        else {
            int32_t writer = i;
            for (int32_t c = i + 1; c < graph->count; c++)
                for (int k = 0; k < graph->nodes[c].src_count; k++)
                    if (graph->nodes[c].src[k] == i && graph->use[c].live)
                        writer = c;
            node->diff = new_buffer(
                lower, graph->options.micro * graph->use[i].size * (node->single ? 4 : type_bytes),
                end - writer, end - i);
        }
        /* A fused relu's diff is read when its batch norm runs backward. */
        live_until(lower, node->diff, read_until(graph, reader(lower, graph, i)));
    }
    for (int32_t i = 0; i < graph->count; i++) /* the batch norm's own name for it */
        if (graph->nodes[i].op == REPRO_OP_RELU && lower->nodes[i].fused_relu)
            lower->nodes[graph->nodes[i].src[0]].diff = lower->nodes[i].diff;
}

/* ---- Placing ---- */

static int64_t room(int64_t bytes)
{
    return (bytes + LOWER_ALIGN - 1) / LOWER_ALIGN * LOWER_ALIGN;
}

/* The largest first, each at the lowest offset where no placed tensor of an overlapping life
 * lies. */
static void place_buffers(struct lower *lower, int32_t *order)
{
    for (int32_t i = 0; i < lower->buffer_count; i++) {
        int32_t at = i;
        for (; at > 0 && lower->buffers[order[at - 1]].bytes < lower->buffers[i].bytes; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int32_t n = 0; n < lower->buffer_count; n++) {
        struct lower_buffer *one = &lower->buffers[order[n]];
        int moved = 1;
        one->offset = 0;
        while (moved) {
            moved = 0;
            for (int32_t m = 0; m < n; m++) {
                const struct lower_buffer *other = &lower->buffers[order[m]];
                int together = one->first <= other->last && other->first <= one->last;
                if (together && one->offset < other->offset + room(other->bytes) &&
                    other->offset < one->offset + room(one->bytes)) {
                    one->offset = other->offset + room(other->bytes);
                    moved = 1;
                }
            }
        }
        if (lower->bytes < one->offset + room(one->bytes))
            lower->bytes = one->offset + room(one->bytes);
    }
}

int32_t lower_init(struct lower *lower, const struct plugin_graph *graph, int type_bytes,
                   struct repro_error *err)
{
    memset(lower, 0, sizeof *lower);
    lower->count = graph->count;
    lower->nodes = plugin_allocate(graph->count, sizeof *lower->nodes);
    lower->buffers = plugin_allocate(3 * (int64_t)graph->count, sizeof *lower->buffers);
    int32_t *numbers = plugin_allocate(5 * (int64_t)graph->count, sizeof *numbers);
    if (lower->nodes == NULL || lower->buffers == NULL || numbers == NULL) {
        free(numbers);
        lower_release(lower);
        return fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)graph->count);
    }
    struct diffs diffs = {numbers, numbers + graph->count};
    fuse_relus(lower, graph);
    fuse_adds(lower, graph);
    share_diffs(lower, graph, &diffs);
    make_dst(lower, graph, type_bytes);
    make_diff(lower, graph, &diffs, type_bytes);
    place_buffers(lower, numbers + 2 * graph->count);
    free(numbers);
    return 0;
}

void lower_release(struct lower *lower)
{
    free(lower->nodes);
    free(lower->buffers);
    memset(lower, 0, sizeof *lower);
}
