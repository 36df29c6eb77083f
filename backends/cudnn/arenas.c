/* The arenas, read and written in their canonical layout. */
#include "net.h"

#include <inttypes.h>

/* An arena's place on the device; mapped: it is kept in the device's order and goes through
 * `canonical`. */
struct arena {
    float *values;
    int64_t count;
    int mapped;
};

static int32_t find_arena(const struct repro_net *net, int32_t arena, struct arena *out,
                          struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    float *const mapped[] = {[REPRO_ARENA_PARAM] = net->param,
                             [REPRO_ARENA_PARTIAL] = net->partial,
                             [REPRO_ARENA_MOMENT1] = net->moment1,
                             [REPRO_ARENA_MOMENT2] = net->moment2};
    if (arena >= REPRO_ARENA_PARAM && arena <= REPRO_ARENA_MOMENT2)
        *out = (struct arena){mapped[arena], graph->param_count, 1};
    else if (arena == REPRO_ARENA_RUNNING)
        *out = (struct arena){net->running, graph->running_count, 0};
    else if (arena == REPRO_ARENA_OUTPUT)
        *out = (struct arena){net->logits, net->rows * graph->classes, 0};
    else
        return fail(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    return 0;
}

static int32_t check_range(const char *verb, int32_t arena, int64_t first, int64_t count,
                           int64_t size, struct repro_error *err)
{
    if (first >= 0 && count >= 0 && first <= size && count <= size - first)
        return 0;
    return fail(err, REPRO_ARGUMENT,
                "%s arena %d: %" PRId64 " floats from %" PRId64 " on lie outside its %" PRId64,
                verb, (int)arena, count, first, size);
}

static int32_t copy(const struct repro_net *net, void *to, const void *from, int64_t floats,
                    enum cudaMemcpyKind kind, struct repro_error *err)
{
    if (floats == 0)
        return 0;
    return driver_check(cudaMemcpyAsync(to, from, (size_t)floats * 4, kind, net->device->stream),
                        "copying an arena", err);
}

/* The part of a range that is mapped, then the rest: PARTIAL's batch-norm sums lie behind its
 * mapped gradients. */
struct range {
    int64_t first, count; /* of the mapped part */
    int64_t rest_first, rest_count;
};

static struct range split(const struct repro_net *net, const struct arena *arena, int64_t first,
                          int64_t count)
{
    int64_t mapped = arena->mapped ? net->graph.graph.param_count : 0, end = first + count;
    struct range range = {first < mapped ? first : mapped, 0, first > mapped ? first - mapped : 0,
                          0};
    range.count = (end < mapped ? end : mapped) - range.first;
    range.rest_count = (end > mapped ? end - mapped : 0) - range.rest_first;
    return range;
}

static int64_t arena_size(const struct repro_net *net, int32_t arena, const struct arena *found)
{
    return found->count + (arena == REPRO_ARENA_PARTIAL ? net->graph.graph.running_count : 0);
}

/* Where what is not mapped begins. */
static float *unmapped(const struct repro_net *net, const struct arena *arena)
{
    return arena->values + (arena->mapped ? net->layout.device_count : 0);
}

/* Finds the arena of an access, checks its range, and has everything queued before it. */
static int32_t open_arena(struct repro_net *net, const char *verb, int32_t arena, int64_t first,
                          int64_t count, struct arena *out, struct repro_error *err)
{
    int32_t code = find_arena(net, arena, out, err);
    if (code == 0)
        code = check_range(verb, arena, first, count, arena_size(net, arena, out), err);
    if (code == 0)
        code = device_enter(net->device, err);
    return code == 0 ? flush_queue(net, err) : code;
}

int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                  const float *values, struct repro_error *err)
{
    struct arena to;
    cudaStream_t stream = net->device->stream;
    int64_t params = net->graph.graph.param_count;
    if (arena == REPRO_ARENA_OUTPUT)
        return fail(err, REPRO_ARGUMENT, "OUTPUT can be read only");
    int32_t code = open_arena(net, "writing", arena, first, count, &to, err);
    if (code != 0 || count == 0)
        return code;
    struct range range = split(net, &to, first, count);
    if (range.count > 0) {
        code = driver_check(kernel_gather(params, net->map, to.values, net->canonical, stream),
                            "reading an arena", err);
        if (code == 0)
            code = copy(net, net->canonical + range.first, values, range.count,
                        cudaMemcpyHostToDevice, err);
        if (code == 0) /* what only fills up channels is 0 again, whatever it became */
            code = driver_check(cudaMemsetAsync(to.values, 0,
                                                (size_t)net->layout.device_count * sizeof(float),
                                                stream),
                                "writing an arena", err);
        if (code == 0)
            code = driver_check(kernel_scatter(params, net->map, net->canonical, to.values, stream),
                                "writing an arena", err);
        if (code == 0 && arena == REPRO_ARENA_PARAM && net->type == KERNEL_BF16)
            code = driver_check(
                kernel_to_bf16(net->layout.conv_count, net->param, net->weights, stream),
                "rounding weights", err);
        if (code == 0 && arena == REPRO_ARENA_PARAM) /* updates go on */
            code = driver_check(
                cudaMemsetAsync(&net->metrics->halted, 0, sizeof net->metrics->halted, stream),
                "clearing metrics", err);
    }
    if (code == 0)
        code = copy(net, unmapped(net, &to) + range.rest_first, values + range.count,
                    range.rest_count, cudaMemcpyHostToDevice, err);
    return code == 0 ? net_sync(net, err) : code;
}

int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err)
{
    struct arena from;
    const struct net_layer *logits = &net->layers[net->layers[net->count - 1].node->src[0]];
    cudaStream_t stream = net->device->stream;
    int32_t code = open_arena(net, "reading", arena, first, count, &from, err);
    if (code != 0 || count == 0)
        return code;
    struct range range = split(net, &from, first, count);
    if (arena == REPRO_ARENA_OUTPUT)
        code = driver_check(
            kernel_to_float(logits->type, from.count, logits->dst, net->logits, stream),
            "reading logits", err);
    if (code == 0 && range.count > 0) {
        code = driver_check(kernel_gather(net->graph.graph.param_count, net->map, from.values,
                                          net->canonical, stream),
                            "reading an arena", err);
        if (code == 0)
            code = copy(net, values, net->canonical + range.first, range.count,
                        cudaMemcpyDeviceToHost, err);
    }
    if (code == 0)
        code = copy(net, values + range.count, unmapped(net, &from) + range.rest_first,
                    range.rest_count, cudaMemcpyDeviceToHost, err);
    return code == 0 ? net_sync(net, err) : code;
}
