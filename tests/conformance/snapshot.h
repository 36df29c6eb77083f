/* snapshot.h -- what a compiled network of the backend under test holds, to be compared bit for
 * bit. */
#ifndef CONFORMANCE_SNAPSHOT_H
#define CONFORMANCE_SNAPSHOT_H

#include "backend/backend.h"

#include <stdint.h>

struct snapshot {
    const struct repro_graph *graph;       /* borrowed */
    float *arenas[REPRO_ARENA_OUTPUT + 1]; /* by REPRO_ARENA_*; guarded */
    int64_t rows;                          /* whose logits OUTPUT holds */
    struct repro_metrics metrics;
};

/* Reads the metrics and every arena; of OUTPUT the last forward's `rows`, 0: none. */
void snapshot_take(struct snapshot *snapshot, const struct repro_graph *graph,
                   struct repro_net *compiled, int64_t rows);
void snapshot_free(struct snapshot *snapshot);

/* Floats in an arena. */
int64_t snapshot_count(const struct snapshot *snapshot, int arena);

/* Fails at the first bit that differs, with the words and the place. */
void snapshot_same(const struct snapshot *a, const struct snapshot *b, const char *words);
/* The same for the arenas of a mask alone, bit k for REPRO_ARENA_k. */
void snapshot_same_arenas(const struct snapshot *a, const struct snapshot *b, uint32_t arenas,
                          const char *words);
/* Whether some bit of the arena differs. */
int snapshot_differs(const struct snapshot *a, const struct snapshot *b, int arena);

/* Takes both, compares, frees both. */
void snapshots_same(const struct repro_graph *graph, struct repro_net *a, struct repro_net *b,
                    int64_t rows, const char *words);

#endif
