/* graphs.h -- small networks of odd sizes, one for each way an op can be used.  Shared by
 * test_reference and test_ops. */
#ifndef CONFORMANCE_GRAPHS_H
#define CONFORMANCE_GRAPHS_H

#include "net/net.h"

struct graph_case {
    const char *name;
    int channels, height, width; /* of the image */
    int ghost, ghosts;           /* a micro is ghost * ghosts rows */
    /* builds from node 0; returns the node whose dst goes into the closing dense layer, or -1 - n
     * when node n already holds the logits */
    int (*body)(struct net *net);
};

#define GRAPH_CASE_MAX 96
#define GRAPH_CLASSES 5

extern const struct graph_case graph_cases[];
extern const int graph_case_count;

/* 0 or an ERR_ code; released by net_release(). */
int graph_build(const struct graph_case *graph_case, struct net *net, struct err *err);

#endif
