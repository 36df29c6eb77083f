#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "snapshot.h"

#include "guard.h"
#include "subject.h"

#include <inttypes.h>
#include <string.h>

static const char *const names[] = {NULL,      "PARAM",   "PARTIAL", "MOMENT1",
                                    "MOMENT2", "RUNNING", "OUTPUT"};

int64_t snapshot_count(const struct snapshot *snapshot, int arena)
{
    const struct repro_graph *graph = snapshot->graph;
    switch (arena) {
    case REPRO_ARENA_PARTIAL:
        return graph->param_count + graph->running_count;
    case REPRO_ARENA_RUNNING:
        return graph->running_count;
    case REPRO_ARENA_OUTPUT:
        return snapshot->rows * graph->classes;
    default:
        return graph->param_count;
    }
}

void snapshot_take(struct snapshot *snapshot, const struct repro_graph *graph,
                   struct repro_net *compiled, int64_t rows)
{
    *snapshot = (struct snapshot){.graph = graph, .rows = rows};
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_OUTPUT; arena++)
        snapshot->arenas[arena] = subject_read(compiled, arena, 0, snapshot_count(snapshot, arena));
    snapshot->metrics = subject_metrics(compiled);
}

void snapshot_free(struct snapshot *snapshot)
{
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_OUTPUT; arena++)
        guard_free(snapshot->arenas[arena]);
}

int snapshot_differs(const struct snapshot *a, const struct snapshot *b, int arena)
{
    return memcmp(a->arenas[arena], b->arenas[arena],
                  (size_t)snapshot_count(a, arena) * sizeof(float)) != 0;
}

void snapshot_same_arenas(const struct snapshot *a, const struct snapshot *b, uint32_t arenas,
                          const char *words)
{
    assert_int_equal(a->rows, b->rows);
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_OUTPUT; arena++) {
        const float *left = a->arenas[arena], *right = b->arenas[arena];
        if ((arenas >> arena & 1) == 0)
            continue;
        for (int64_t i = 0; i < snapshot_count(a, arena); i++)
            if (memcmp(&left[i], &right[i], sizeof *left) != 0)
                fail_msg("%s: %s differs at %" PRId64 ": %.9g and %.9g", words, names[arena], i,
                         (double)left[i], (double)right[i]);
    }
}

void snapshot_same(const struct snapshot *a, const struct snapshot *b, const char *words)
{
    const struct repro_metrics *left = &a->metrics, *right = &b->metrics;
    if (memcmp(&left->loss, &right->loss, sizeof left->loss) != 0 ||
        left->correct != right->correct || left->rows != right->rows)
        fail_msg("%s: the metrics differ: loss %.17g and %.17g, %" PRId64 " and %" PRId64
                 " correct of %" PRId64 " and %" PRId64,
                 words, left->loss, right->loss, left->correct, right->correct, left->rows,
                 right->rows);
    snapshot_same_arenas(a, b, ~0u, words);
}

void snapshots_same(const struct repro_graph *graph, struct repro_net *a, struct repro_net *b,
                    int64_t rows, const char *words)
{
    struct snapshot left, right;
    snapshot_take(&left, graph, a, rows);
    snapshot_take(&right, graph, b, rows);
    snapshot_same(&left, &right, words);
    snapshot_free(&left);
    snapshot_free(&right);
}
