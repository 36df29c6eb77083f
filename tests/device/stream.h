/* stream.h -- queues of work, and the graphs that streams capture.  All of it under the emulator's
 * lock. */
#ifndef DEVICE_STREAM_H
#define DEVICE_STREAM_H

#include "emulator.h"

/* Nodes that something depends on.  The graph owns the nodes. */
struct node_set {
    size_t count;
    struct CUgraphNode_st **nodes;
};

/* One recording of an event: when the stream came to it. */
struct record {
    int references, done;
    double seconds, ahead; /* real, and what the stream was ahead by */
    struct CUstream_st *stream;
};

/* In a queue: work, or a record to be made, or one to be waited for. */
struct operation {
    struct operation *next;
    struct emulator_work work; /* run: NULL when it is a record */
    struct record *record;
    int waits;
};

struct CUstream_st {
    struct CUstream_st *next; /* of all */
    struct operation *first, **last;
    double ahead;               /* seconds that its clock goes ahead of the real one */
    struct CUgraph_st *capture; /* the graph that it captures; NULL: none */
    struct node_set tails;      /* what the next captured node depends on */
};

/* Either recorded in a graph or in a queue; neither before the first time. */
struct CUevent_st {
    unsigned flags;
    struct record *record;
    struct CUgraph_st *capture;
    struct node_set tails;
};

/* Every stream, from the last that was made. */
struct CUstream_st *stream_all(void);
/* The stream of a handle: NULL is a stream too. */
struct CUstream_st *stream_of(cudaStream_t stream);
/* Does the first operation of the queue, or one of another stream's that it waits for. */
void stream_step(struct CUstream_st *stream);
/* Empties the queue of one stream, of all. */
void stream_drain(struct CUstream_st *stream);
void stream_drain_all(void);

/* Whether memory is from cudaMallocHost. */
int memory_is_pinned(const void *memory);

/* ---- Capture ---- */

/* Records the work behind the stream's tails, and becomes their one successor; takes the work
 * over. */
cudaError_t capture_work(struct CUstream_st *stream, struct emulator_work work);
cudaError_t capture_record(struct CUstream_st *stream, struct CUevent_st *event);
/* The event's nodes become tails of the stream too, which joins the capture if it is in none. */
cudaError_t capture_wait(struct CUstream_st *stream, const struct CUevent_st *event);
void capture_forget_event(struct CUevent_st *event);
/* A stream that goes away spoils its capture. */
void capture_forget_stream(struct CUstream_st *stream);

/* For a call that no capture may see: invalidates the captures that forbid it to this thread, and
 * the one of `stream`, which may be NULL. */
cudaError_t capture_forbids(struct CUstream_st *stream);
/* The same for a call about an event that was recorded in a capture. */
cudaError_t capture_forbids_event(const struct CUevent_st *event);

#endif
