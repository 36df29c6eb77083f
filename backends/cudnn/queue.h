/* queue.h -- the calls of a training step, kept until the step is whole, then run as one CUDA
 * graph.
 *
 * net_zero, net_forward, net_backward, net_keep, net_join and net_update only note what is to be
 * done; what they were told that differs from step to step (which images, which factors: struct
 * kernel_call, then the rows' crops, then their numbers) goes to a block of pinned memory.  The
 * queue is flushed (flush.c) by an update, by whoever wants a result, and when it is full.  A flush
 * copies the block to the device and runs the commands: the first time one by one, the second time
 * recorded into a graph, from then on as that graph.  Steps with the same commands share a graph,
 * so a phase of a schedule has one, or two where a batch is longer than the queue.
 *
 * $REPRO_CUDNN_GRAPHS=0 runs them one by one always, to measure what a graph is worth or to look
 * for a fault.
 *
 * Nothing waits: while one flush's block is copied and its graph runs, the next ones are filled,
 * QUEUE_STAGES at most.
 * */
#ifndef CUDNN_QUEUE_H
#define CUDNN_QUEUE_H

#include "backend/backend.h"
#include "kernels.h"

#include <cuda_runtime_api.h>

#define QUEUE_COMMANDS 192
#define QUEUE_CALLS 32 /* forwards and updates of one flush */
#define QUEUE_STAGES 4
#define QUEUE_GRAPHS 16

enum queue_kind {
    QUEUE_ZERO = 1,
    QUEUE_TRAIN,
    QUEUE_EVAL,
    QUEUE_BACKWARD,
    QUEUE_KEEP,
    QUEUE_JOIN,
    QUEUE_UPDATE
};

/* Everything by which two runs of a command can differ but for its call's contents. */
struct queue_command {
    int32_t kind;
    int32_t size, rows; /* forward, backward: the net's size, and the caller's rows */
    int32_t call;       /* forward, backward, update: place in the block */
    /* keep, join: the slot; zero, backward: whether an assignment spares the clearing */
    int32_t which;
};

struct queue_graph {
    struct queue_command commands[QUEUE_COMMANDS];
    int count;
    int refused;          /* it cannot be captured; run one by one */
    cudaGraphExec_t exec; /* NULL until it was seen twice */
    int64_t nodes;
};

struct queue_stage {
    char *block; /* pinned */
    cudaEvent_t copied;
};

struct queue {
    struct queue_command commands[QUEUE_COMMANDS];
    int count, calls;
    uint64_t flushes;
    int host_rows; /* a forward waits whose rows lie in net->pixels */
    int64_t rows;  /* that a call has room for */
    int64_t chunk; /* bytes of a call in the block */
    char *block;   /* on the device, QUEUE_CALLS chunks */
    struct queue_stage stages[QUEUE_STAGES];
    int stage;
    struct queue_graph *graphs; /* [QUEUE_GRAPHS] */
    int graph_count, oldest;
    int captures; /* not switched off */
};

/* Says how many rows a call has room for, with or without their numbers; before queue_init(). */
void queue_measure(struct queue *queue, int64_t rows, int numbered);
int32_t queue_init(struct queue *queue, struct repro_error *err);
void queue_release(struct queue *queue);

/* Whether there is no room for one more command, and for a call where `calls`. */
int queue_full(const struct queue *queue, int calls);
/* Both need room. */
void queue_add(struct queue *queue, const struct queue_command *command);
/* The next call's place in the pinned block, zeroed up to its crops.  Waits until the block's last
 * copy is done. */
int32_t queue_call(struct queue *queue, struct kernel_call **out, struct repro_error *err);
/* The crops and numbers behind a call, in the pinned block or on the device. */
struct repro_crop *queue_crops(struct kernel_call *call);
int64_t *queue_image(const struct queue *queue, struct kernel_call *call);

#endif
