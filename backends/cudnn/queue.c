#include "queue.h"

#include "common/plugin.h"
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_ALIGN 256 /* bytes */

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

void queue_measure(struct queue *queue, int64_t rows, int numbered)
{
    queue->rows = rows;
    queue->chunk = aligned(image_at(rows) + (numbered ? rows * (int64_t)sizeof(int64_t) : 0),
                           CHUNK_ALIGN);
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

int queue_full(const struct queue *queue, int calls)
{
    return queue->count == QUEUE_COMMANDS || queue->calls + calls > QUEUE_CALLS;
}

void queue_add(struct queue *queue, const struct queue_command *command)
{
    queue->commands[queue->count++] = *command;
}

int32_t queue_call(struct queue *queue, struct kernel_call **out, struct repro_error *err)
{
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

int64_t *queue_image(const struct queue *queue, struct kernel_call *call)
{
    return (int64_t *)((char *)call + image_at(queue->rows));
}
