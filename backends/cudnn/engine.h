/* engine.h -- cuDNN's engines for a convolution, as many of them as the rule allows, built.
 *
 * The rule: an engine is deterministic (unless others are allowed), keeps its inputs' and its sums'
 * precision, uses no tensor cores where strict f32 is wanted, no Winograd and no FFT, fits the
 * workspace limit, and can be built.
 *
 * An execution can be built without a GPU, for a described device; the tests do. */
#ifndef CUDNN_ENGINE_H
#define CUDNN_ENGINE_H

#include "dnn.h"

#define ENGINE_WORKSPACE_MAX ((int64_t)1 << 30) /* bytes */

/* What executions are built for: a device through its handle, or a described one (cuDNN 9.8 and
 * later). */
struct engine_target {
    cudnnHandle_t handle; /* NULL: see properties */
    cudnnBackendDescriptor_t properties;
    int nondeterministic; /* such engines are allowed */
};

/* Where engines are looked for: the graph of one convolution, under the notes that the rule
 * forbids. */
struct engine_search {
    const struct engine_target *target;
    cudnnBackendDescriptor_t graph;
    uint32_t forbidden;
    int knobs; /* executions say theirs */
};

/* Bit k: numerical note k. */
uint32_t engine_forbidden(const struct engine_target *target, const struct dnn_conv *conv);

/* Builds the first `most` different executions that the rule allows, in the order of cuDNN's
 * proposals; returns how many. */
int engine_collect(const struct engine_search *search, struct dnn_execution *executions, int most);

/* Builds the execution of an engine with its knobs, asking no heuristics.  Not SUCCESS when cuDNN
 * cannot; NULL in execution->descriptor when it can and the rule forbids it. */
cudnnStatus_t engine_rebuild(const struct engine_search *search, int64_t engine,
                             const struct knobs *knobs, struct dnn_execution *execution);

/* A described device for engine_target.properties from cuDNN's JSON; REPRO_UNSUPPORTED before cuDNN
 * 9.8. */
int32_t engine_describe_device(const char *json, cudnnBackendDescriptor_t *properties,
                               struct repro_error *err);

#endif
