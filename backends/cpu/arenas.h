/* arenas.h -- the canonical arenas of a CPU backend's network, and its metrics, with the table's
 * functions on them. */
#ifndef CPU_ARENAS_H
#define CPU_ARENAS_H

#include "backend/backend.h"
#include "common/graph.h"
#include "cpu/update.h"

struct cpu_arenas {
    int64_t param_count, running_count;
    float *param, *partial, *moment1, *moment2, *running;
    struct update_span *weights; /* [weight_count] of CONV and DENSE nodes, in PARAM's order */
    int64_t weight_count;
    /* [output_rows, classes], set by the owner: logits of the last forward */
    const float *output;
    int64_t output_rows, classes;
    double loss; /* sums since arenas_zero() */
    int64_t correct, rows;
};

/* Zeroed arenas for the graph; 0, or -1 when out of memory (release it all the same). */
int arenas_init(struct cpu_arenas *arenas, const struct plugin_graph *graph);
void arenas_release(struct cpu_arenas *arenas);

/* net_zero, net_update, net_metrics, net_write and net_read of backend.h. */
void arenas_zero(struct cpu_arenas *arenas);
int32_t arenas_update(struct cpu_arenas *arenas, const struct repro_step *step, int32_t threads,
                      struct repro_error *err);
void arenas_metrics(const struct cpu_arenas *arenas, struct repro_metrics *metrics);
int32_t arenas_write(struct cpu_arenas *arenas, int32_t arena, int64_t first, int64_t count,
                     const float *values, struct repro_error *err);
int32_t arenas_read(const struct cpu_arenas *arenas, int32_t arena, int64_t first, int64_t count,
                    float *values, struct repro_error *err);

#endif
