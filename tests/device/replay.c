/* Graphs that are ready to run.  A replay takes the nodes in any order that their edges allow, so
 * that an edge which is missing shows. */
#include "graph.h"

#include <stdlib.h>

/* Whether a node may be next. */
static int ready(const struct CUgraphNode_st *node, const unsigned char *taken)
{
    for (size_t k = 0; k < node->after.count; k++)
        if (!taken[node->after.nodes[k]->number])
            return 0;
    return !taken[node->number];
}

static void choose_order(struct CUgraphExec_st *exec)
{
    const struct CUgraph_st *graph = exec->graph;
    long long order = emulator_setting("order", 0);
    unsigned char *taken = emulator_allocate(graph->count + 1);
    for (size_t k = 0; k < graph->count; k++) {
        int from_last = order == 1 || (order == 2 && k % 2 == 1);
        size_t at = from_last ? graph->count - 1 : 0;
        while (!ready(graph->nodes[at], taken))
            from_last ? at-- : at++;
        taken[at] = 1;
        exec->order[k] = at;
    }
    free(taken);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    EMULATOR_LOCKED;
    for (size_t k = 0; nodes != NULL && k < *count; k++)
        nodes[k] = k < graph->count ? graph->nodes[k] : NULL;
    if (nodes == NULL || *count > graph->count)
        *count = graph->count;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaGraphInstantiate");
    if (flags != 0)
        return cudaErrorInvalidValue;
    struct CUgraphExec_st *one = emulator_allocate(sizeof *one);
    one->references = 1;
    one->graph = graph;
    one->graph->references++;
    one->order = emulator_allocate((graph->count + 1) * sizeof *one->order);
    choose_order(one);
    *exec = one;
    return cudaSuccess;
}

static void exec_forget(void *context)
{
    struct CUgraphExec_st *exec = context;
    if (exec == NULL || --exec->references > 0)
        return;
    graph_forget(exec->graph);
    free(exec->order);
    free(exec);
}

static void exec_run(void *context, double *ahead)
{
    const struct CUgraphExec_st *exec = context;
    for (size_t k = 0; k < exec->graph->count; k++) {
        const struct emulator_work *work = &exec->graph->nodes[exec->order[k]]->work;
        work->run(work->context, ahead);
    }
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream)
{
    EMULATOR_LOCKED;
    (void)exec;
    MAY_FAIL("cudaGraphUpload");
    return stream_of(stream)->capture != NULL ? capture_forbids(stream) : cudaSuccess;
}

/* CUDA can capture a launch as a node; this emulator cannot. */
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaGraphLaunch");
    if (stream_of(stream)->capture != NULL)
        return capture_forbids(stream);
    exec->references++;
    return emulator_submit(stream, (struct emulator_work){exec_run, exec_forget, exec});
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    EMULATOR_LOCKED;
    exec_forget(exec);
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    EMULATOR_LOCKED;
    graph_forget(graph);
    return cudaSuccess;
}
