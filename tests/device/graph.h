/* graph.h -- what a capture makes and a replay runs. */
#ifndef DEVICE_GRAPH_H
#define DEVICE_GRAPH_H

#include "stream.h"

#include <pthread.h>

struct CUgraphNode_st {
    struct emulator_work work;
    struct node_set after;
    size_t number; /* as captured */
};

/* Also the capture that makes it. */
struct CUgraph_st {
    int references, invalid;
    enum cudaStreamCaptureMode mode;
    pthread_t thread;
    struct CUstream_st *origin; /* NULL: the capture has ended */
    size_t count, capacity;
    struct CUgraphNode_st **nodes;
};

struct CUgraphExec_st {
    int references;
    struct CUgraph_st *graph;
    size_t *order; /* numbers of nodes */
};

void graph_forget(struct CUgraph_st *graph);

#endif
