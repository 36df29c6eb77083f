/* Backward walks the nodes from last to first; the diff of a node is first written by its last
 * reader and last read by the node itself.  That walk is played through and hands out slots, each
 * used again when its tensor is dead, so that the few buffers of a backward stay in cache. */
#include "diffs.h"

#include "own.h"

#include <stdlib.h>

struct slots {
    int64_t *bytes;   /* [count] */
    int32_t *readers; /* tensors alive in it */
    int32_t count;
};

/* The free slot that fits best, else the largest free one, grown, else a new one. */
static int32_t take_slot(struct slots *slots, int64_t bytes)
{
    int32_t best = -1;
    for (int32_t s = 0; s < slots->count; s++) {
        if (slots->readers[s] != 0)
            continue;
        if (best < 0 || (slots->bytes[best] < bytes
                             ? slots->bytes[s] > slots->bytes[best]
                             : slots->bytes[s] >= bytes && slots->bytes[s] < slots->bytes[best]))
            best = s;
    }
    if (best < 0) {
        best = slots->count++;
        slots->bytes[best] = 0;
    }
    if (slots->bytes[best] < bytes)
        slots->bytes[best] = bytes;
    slots->readers[best] = 1;
    return best;
}

/* Whether a node before `end` that reads `written` adds to its diff while `read` still wants what
 * was there: backward comes to nodes from last to first, and a diff is last wanted at its own
 * node. */
static int spoils(const struct repro_net *net, int32_t written, int32_t read, int32_t end)
{
    for (int32_t i = read; i < end; i++)
        for (int k = 0; i > written && k < net->layers[i].node->src_count; k++)
            if (net->layers[i].node->src[k] == written)
                return 1;
    return 0;
}

/* Whether source k of an add may keep its diff where the add's is: the add is first to write it, by
 * 1, and none of those that share the buffer by then is in another's way. */
static int can_alias(const struct repro_net *net, int32_t add, int k)
{
    const struct repro_node *node = net->layers[add].node;
    int32_t src = node->src[k];
    if (src == node->src[1 - k] || !net->layers[add].use->diff_first[k] ||
        (k == 1 && node->scale != 1.0f) ||
        net->layers[src].tensor.tag != net->layers[add].tensor.tag)
        return 0;
    for (int32_t i = 1; i < add; i++)
        if (i != src && net->layers[i].diff_slot == net->layers[add].diff_slot &&
            (spoils(net, src, i, add) || spoils(net, i, src, add)))
            return 0;
    return 1;
}

static int writes_in_place(const struct layer *layer)
{
    int op = layer->node->op;
    return op == REPRO_OP_BATCH_NORM || op == REPRO_OP_DROPOUT ||
           (op == REPRO_OP_RELU && !layer->fused_relu);
}

static void place_sources(struct repro_net *net, struct slots *slots, int32_t i)
{
    struct layer *layer = &net->layers[i];
    for (int k = 0; k < layer->node->src_count; k++) {
        struct layer *src = &net->layers[layer->node->src[k]];
        if (!src->use->needs_diff || !layer->use->live)
            continue;
        if (layer->node->op == REPRO_OP_CONV || layer->node->op == REPRO_OP_MAX_POOL ||
            layer->node->op == REPRO_OP_AVG_POOL)
            layer->data_apart = !layer->use->diff_first[k] && !own_can(net, layer);
        if (layer->data_apart && layer_bytes(net, src) > net->spare_bytes)
            net->spare_bytes = layer_bytes(net, src);
        if (src->diff_slot >= 0)
            continue;
        int relu = layer->node->op == REPRO_OP_RELU && layer->fused_relu;
        if (relu || (layer->node->op == REPRO_OP_ADD && can_alias(net, i, k))) {
            layer->diff_alias[k] = 1;
            src->diff_slot = layer->diff_slot;
            slots->readers[src->diff_slot]++;
        } else if (writes_in_place(layer) && slots->readers[layer->diff_slot] == 1) {
            src->diff_slot = layer->diff_slot;
            slots->readers[src->diff_slot]++;
        } else {
            src->diff_slot = take_slot(slots, layer_bytes(net, src));
        }
    }
    if (layer->diff_slot >= 0)
        slots->readers[layer->diff_slot]--;
}

int32_t diffs_place(struct repro_net *net, struct repro_error *err)
{
    struct slots slots = {.bytes = plugin_allocate(net->count, sizeof *slots.bytes),
                          .readers = plugin_allocate(net->count, sizeof *slots.readers)};
    void **memory = plugin_allocate(net->count, sizeof *memory);
    int32_t code = 0;
    if (slots.bytes == NULL || slots.readers == NULL || memory == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    for (int32_t i = 0; i < net->count; i++)
        net->layers[i].diff_slot = -1;
    for (int32_t i = net->count - 1; code == 0 && i > 0; i--)
        place_sources(net, &slots, i);
    for (int32_t s = 0; code == 0 && s < slots.count; s++)
        if ((memory[s] = library_buffer(&net->library, slots.bytes[s], 1, err)) == NULL)
            code = REPRO_MEMORY;
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        if (net->layers[i].diff_slot >= 0)
            net->layers[i].diff = memory[net->layers[i].diff_slot];
    if (code == 0 && (net->spare = library_buffer(&net->library, net->spare_bytes, 1, err)) == NULL)
        code = REPRO_MEMORY;
    free(slots.bytes);
    free(slots.readers);
    free(memory);
    return code;
}
