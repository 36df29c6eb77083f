#include "queue.h"

#include "net.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_ALIGN 256 /* bytes */

/* ---- Noting ---- */

static int64_t aligned(int64_t bytes, int64_t align)
{
    return (bytes + align - 1) / align * align;
}

static int64_t crops_at(void)
{
    return aligned((int64_t)sizeof(struct kernel_call), 16);
}

static int64_t image_at(int64_t rows)
{
    return crops_at() + aligned(rows * (int64_t)sizeof(struct repro_crop), 16);
}

int64_t queue_chunk(int64_t rows, int numbered)
{
    return aligned(image_at(rows) + (numbered ? rows * (int64_t)sizeof(int64_t) : 0), CHUNK_ALIGN);
}

int32_t queue_init(struct queue *queue, struct repro_error *err)
{
    int32_t code = 0;
    const char *graphs = getenv("REPRO_CUDNN_GRAPHS");
    queue->captures = graphs == NULL || strcmp(graphs, "0") != 0;
    queue->graphs = plugin_allocate(QUEUE_GRAPHS, sizeof *queue->graphs);
    if (queue->graphs == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for a queue");
    for (int k = 0; k < QUEUE_STAGES && code == 0; k++) {
        struct queue_stage *stage = &queue->stages[k];
        code = driver_check(
            cudaMallocHost((void **)&stage->block, (size_t)(QUEUE_CALLS * queue->chunk)),
            "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaEventCreateWithFlags(&stage->copied, cudaEventDisableTiming),
                                "an event", err);
    }
    return code;
}

void queue_release(struct queue *queue)
{
    for (int k = 0; k < queue->graph_count; k++)
        if (queue->graphs[k].exec != NULL)
            cudaGraphExecDestroy(queue->graphs[k].exec);
    free(queue->graphs);
    for (int k = 0; k < QUEUE_STAGES; k++) {
        cudaFreeHost(queue->stages[k].block);
        if (queue->stages[k].copied != NULL)
            cudaEventDestroy(queue->stages[k].copied);
    }
    memset(queue, 0, sizeof *queue);
}

int32_t queue_room(struct repro_net *net, int calls, struct repro_error *err)
{
    const struct queue *queue = &net->queue;
    int full = queue->count == QUEUE_COMMANDS || queue->calls + calls > QUEUE_CALLS;
    return full ? queue_flush(net, err) : 0;
}

void queue_add(struct queue *queue, const struct queue_command *command)
{
    queue->commands[queue->count++] = *command;
}

int32_t queue_call(struct repro_net *net, struct kernel_call **out, struct repro_error *err)
{
    struct queue *queue = &net->queue;
    struct queue_stage *stage = &queue->stages[queue->stage];
    if (queue->calls == 0) {
        int32_t code = driver_check(cudaEventSynchronize(stage->copied), "waiting for a step", err);
        if (code != 0)
            return code;
    }
    *out = (struct kernel_call *)(stage->block + queue->calls++ * queue->chunk);
    memset(*out, 0, sizeof **out);
    return 0;
}

struct repro_crop *queue_crops(struct kernel_call *call)
{
    return (struct repro_crop *)((char *)call + crops_at());
}

int64_t *queue_image(const struct repro_net *net, struct kernel_call *call)
{
    return (int64_t *)((char *)call + image_at(net->graph.options.micro));
}

/* ---- Running ---- */

/* Where a backward pass comes before anybody reads PARTIAL it assigns the convolutions' gradients,
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

static void point(struct repro_net *net, const struct queue_command *command)
{
    char *call = net->queue.block + command->call * net->queue.chunk;
    net->run = (struct queue_run){
        .pass = &net->passes[command->pass],
        .rows = command->rows,
        .call = (const struct kernel_call *)call,
        .crops = (const struct repro_crop *)(call + crops_at()),
        .image = (const int64_t *)(call + image_at(net->graph.options.micro))};
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
    default:
        return step_update(net, err);
    }
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
    net->fork.on = net->fork.stream != NULL;
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

int32_t queue_flush(struct repro_net *net, struct repro_error *err)
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
