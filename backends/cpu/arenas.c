#include "cpu/arenas.h"

#include "cpu/device.h"
#include "cpu/update.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_place(const void *a, const void *b)
{
    int64_t left = ((const struct update_span *)a)->first,
            right = ((const struct update_span *)b)->first;
    return (left > right) - (left < right);
}

static void find_weights(struct cpu_arenas *arenas, const struct plugin_graph *graph)
{
    for (int32_t i = 0; i < graph->count; i++) {
        const struct repro_node *node = &graph->nodes[i];
        int64_t count = plugin_weight_count(graph, node);
        if (count > 0)
            arenas->weights[arenas->weight_count++] = (struct update_span){node->weights, count};
    }
    qsort(arenas->weights, (size_t)arenas->weight_count, sizeof *arenas->weights, by_place);
}

int arenas_init(struct cpu_arenas *arenas, const struct plugin_graph *graph)
{
    int64_t params = graph->graph.param_count, running = graph->graph.running_count;
    memset(arenas, 0, sizeof *arenas);
    arenas->param_count = params;
    arenas->running_count = running;
    arenas->classes = graph->graph.classes;
    arenas->param = plugin_allocate(params, sizeof(float));
    arenas->partial = plugin_allocate(params + running, sizeof(float));
    arenas->moment1 = plugin_allocate(params, sizeof(float));
    arenas->moment2 = plugin_allocate(params, sizeof(float));
    arenas->running = plugin_allocate(running, sizeof(float));
    arenas->weights = plugin_allocate(graph->count, sizeof *arenas->weights);
    if (arenas->weights != NULL)
        find_weights(arenas, graph);
    int bad = arenas->weights == NULL || arenas->param == NULL || arenas->partial == NULL ||
              arenas->moment1 == NULL || arenas->moment2 == NULL || arenas->running == NULL;
    return bad ? -1 : 0;
}

void arenas_release(struct cpu_arenas *arenas)
{
    free(arenas->param);
    free(arenas->partial);
    free(arenas->moment1);
    free(arenas->moment2);
    free(arenas->running);
    free(arenas->weights);
    memset(arenas, 0, sizeof *arenas);
}

void arenas_zero(struct cpu_arenas *arenas)
{
    memset(arenas->partial, 0,
           (size_t)(arenas->param_count + arenas->running_count) * sizeof *arenas->partial);
    arenas->loss = 0.0;
    arenas->correct = arenas->rows = 0;
}

int32_t arenas_update(struct cpu_arenas *arenas, const struct repro_step *given, int32_t threads,
                      struct repro_error *err)
{
    struct repro_step step;
    copy_sized(&step, sizeof step, given);
    if (step.optimizer < REPRO_OPTIMIZER_SGD || step.optimizer > REPRO_OPTIMIZER_ADAM)
        return fail(err, REPRO_UNSUPPORTED, "unknown optimizer %d", (int)step.optimizer);
    if ((step.flags & ~REPRO_STEP_DECAY_WEIGHTS) != 0 || step.reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "a step's unknown flag 0x%x or reserved field %u",
                    (unsigned)(step.flags & ~REPRO_STEP_DECAY_WEIGHTS), (unsigned)step.reserved);
    if (step.update < 1 || step.ghosts < 1)
        return fail(err, REPRO_ARGUMENT, "a step needs an update number and ghosts of at least 1");
    struct update_params params = {.count = arenas->param_count,
                                   .grad = arenas->partial,
                                   .w = arenas->param,
                                   .moment1 = arenas->moment1,
                                   .moment2 = arenas->moment2,
                                   .weights = arenas->weights,
                                   .weight_count = arenas->weight_count};
    update_params(&step, &params, threads);
    update_running(&step, arenas->running_count, arenas->partial + arenas->param_count,
                   arenas->running);
    return 0;
}

void arenas_metrics(const struct cpu_arenas *arenas, struct repro_metrics *metrics)
{
    struct repro_metrics own = {
        .loss = arenas->loss, .correct = arenas->correct, .rows = arenas->rows};
    fill_sized(metrics, &own, sizeof own);
}

/* The arena and its length; NULL when there is no such arena. */
static float *arena_of(const struct cpu_arenas *arenas, int32_t arena, int64_t *count)
{
    *count = arenas->param_count;
    switch (arena) {
    case REPRO_ARENA_PARAM:
        return arenas->param;
    case REPRO_ARENA_PARTIAL:
        *count += arenas->running_count;
        return arenas->partial;
    case REPRO_ARENA_MOMENT1:
        return arenas->moment1;
    case REPRO_ARENA_MOMENT2:
        return arenas->moment2;
    case REPRO_ARENA_RUNNING:
        *count = arenas->running_count;
        return arenas->running;
    default:
        return NULL;
    }
}

static int32_t check_range(int32_t arena, int64_t first, int64_t count, int64_t length,
                           struct repro_error *err)
{
    if (first >= 0 && count >= 0 && first <= length && count <= length - first)
        return 0;
    return fail(err, REPRO_ARGUMENT,
                "%" PRId64 " floats from %" PRId64 " of arena %d, which has %" PRId64, count, first,
                (int)arena, length);
}

int32_t arenas_write(struct cpu_arenas *arenas, int32_t arena, int64_t first, int64_t count,
                     const float *values, struct repro_error *err)
{
    int64_t length;
    float *at = arena_of(arenas, arena, &length);
    if (arena == REPRO_ARENA_OUTPUT)
        return fail(err, REPRO_ARGUMENT, "OUTPUT cannot be written");
    if (at == NULL)
        return fail(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    int32_t code = check_range(arena, first, count, length, err);
    if (code == 0)
        memcpy(at + first, values, (size_t)count * sizeof *values);
    return code;
}

int32_t arenas_read(const struct cpu_arenas *arenas, int32_t arena, int64_t first, int64_t count,
                    float *values, struct repro_error *err)
{
    int64_t length;
    const float *at = arena_of(arenas, arena, &length);
    if (arena == REPRO_ARENA_OUTPUT) {
        at = arenas->output;
        length = arenas->output_rows * arenas->classes;
    }
    if (at == NULL)
        return fail(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    int32_t code = check_range(arena, first, count, length, err);
    if (code == 0)
        memcpy(values, at + first, (size_t)count * sizeof *values);
    return code;
}
