/* The queue's commands, run: one by one, or as the graph that they were recorded into. */
#include "net.h"

#include <string.h>

/* Where a backward comes before anybody reads PARTIAL it assigns the convolutions' gradients,
 * and they need not be cleared. */
static void spare_clearing(struct queue *queue)
{
    for (int i = 0; i < queue->count; i++) {
        int j = i + 1;
        while (j < queue->count &&
               (queue->commands[j].kind == QUEUE_TRAIN || queue->commands[j].kind == QUEUE_EVAL))
            j++;
        if (queue->commands[i].kind == QUEUE_ZERO && j < queue->count &&
            queue->commands[j].kind == QUEUE_BACKWARD)
            queue->commands[i].which = queue->commands[j].which = 1;
    }
}

/* What the command works with lies in the block on the device. */
static void point(struct repro_net *net, const struct queue_command *command)
{
    struct queue *queue = &net->queue;
    struct kernel_call *call = (struct kernel_call *)(queue->block + command->call * queue->chunk);
    net->run = (struct net_run){.size = &net->sizes[command->size],
                                .rows = command->rows,
                                .call = call,
                                .crops = queue_crops(call),
                                .image = queue_image(queue, call)};
}

static int32_t run_command(struct repro_net *net, const struct queue_command *command,
                           struct repro_error *err)
{
    point(net, command);
    switch (command->kind) {
    case QUEUE_ZERO:
        return step_zero(net, command->which, err);
    case QUEUE_TRAIN:
        return step_forward(net, REPRO_MODE_TRAIN, err);
    case QUEUE_EVAL:
        return step_forward(net, REPRO_MODE_EVAL, err);
    case QUEUE_BACKWARD:
        return step_backward(net, command->which, err);
    case QUEUE_KEEP:
        return step_keep(net, command->which, err);
    case QUEUE_JOIN:
        return step_join(net, command->which, err);
    case QUEUE_UPDATE:
        return step_update(net, err);
    }
    return fail(err, REPRO_ARGUMENT, "unknown command %d", (int)command->kind);
}

static int32_t run_commands(struct repro_net *net, struct repro_error *err)
{
    int32_t code = 0;
    for (int i = 0; i < net->queue.count && code == 0; i++)
        code = run_command(net, &net->queue.commands[i], err);
    return code;
}

/* Records the commands; 0 and no graph when they, or something in a library, do not let themselves
 * be recorded. */
static cudaGraphExec_t capture(struct repro_net *net, int64_t *nodes)
{
    cudaGraph_t graph = NULL;
    cudaGraphExec_t exec = NULL;
    size_t count = 0;
    struct repro_error ignored = {0};
    if (cudaStreamBeginCapture(net->device->stream, cudaStreamCaptureModeThreadLocal) !=
        cudaSuccess)
        return NULL;
    net->fork.on = net->fork.side != NULL;
    int32_t code = run_commands(net, &ignored);
    net->fork.on = net->fork.count = 0;
    cudnnSetStream(net->device->handle, net->device->stream); /* where a failure left it */
    cudaError_t status = cudaStreamEndCapture(net->device->stream, &graph);
    if (code == 0 && status == cudaSuccess && graph != NULL &&
        cudaGraphGetNodes(graph, NULL, &count) == cudaSuccess &&
        cudaGraphInstantiate(&exec, graph, 0) != cudaSuccess)
        exec = NULL;
    if (graph != NULL)
        cudaGraphDestroy(graph);
    cudaGetLastError();
    *nodes = (int64_t)count;
    return exec;
}

/* The entry of the queue's commands; *seen: it was there before. */
static struct queue_graph *find_graph(struct queue *queue, int *seen)
{
    size_t bytes = (size_t)queue->count * sizeof *queue->commands;
    for (int k = 0; k < queue->graph_count; k++)
        if (queue->graphs[k].count == queue->count &&
            memcmp(queue->graphs[k].commands, queue->commands, bytes) == 0) {
            *seen = 1;
            return &queue->graphs[k];
        }
    int place = queue->graph_count < QUEUE_GRAPHS ? queue->graph_count++
                                                  : queue->oldest++ % QUEUE_GRAPHS;
    struct queue_graph *graph = &queue->graphs[place];
    if (graph->exec != NULL)
        cudaGraphExecDestroy(graph->exec); /* one that runs is kept until it has run */
    memset(graph, 0, sizeof *graph);
    memcpy(graph->commands, queue->commands, bytes);
    graph->count = queue->count;
    *seen = 0;
    return graph;
}

static int32_t run_or_launch(struct repro_net *net, struct repro_error *err)
{
    int seen;
    if (net->timer.on || !net->queue.captures)
        return run_commands(net, err);
    struct queue_graph *graph = find_graph(&net->queue, &seen);
    if (seen && graph->exec == NULL && !graph->refused) {
        graph->exec = capture(net, &graph->nodes);
        graph->refused = graph->exec == NULL;
    }
    return graph->exec == NULL
               ? run_commands(net, err)
               : driver_check(cudaGraphLaunch(graph->exec, net->device->stream), "a step", err);
}

int32_t flush_queue(struct repro_net *net, struct repro_error *err)
{
    struct queue *queue = &net->queue;
    struct queue_stage *stage = &queue->stages[queue->stage];
    int32_t code = 0;
    if (queue->calls > 0) {
        code = driver_check(cudaMemcpyAsync(queue->block, stage->block,
                                            (size_t)(queue->calls * queue->chunk),
                                            cudaMemcpyHostToDevice, net->device->stream),
                            "copying a step", err);
        if (code == 0)
            code = driver_check(cudaEventRecord(stage->copied, net->device->stream),
                                "copying a step", err);
        queue->stage = (queue->stage + 1) % QUEUE_STAGES;
    }
    if (code == 0 && queue->count > 0) {
        spare_clearing(queue);
        code = run_or_launch(net, err);
    }
    queue->count = queue->calls = queue->host_rows = 0;
    queue->flushes++;
    return code;
}

int32_t flush_room(struct repro_net *net, int calls, struct repro_error *err)
{
    return queue_full(&net->queue, calls) ? flush_queue(net, err) : 0;
}
