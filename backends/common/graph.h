/* graph.h -- a backend's own copy of a graph, checked, with what its passes need to know of each
 * node. */
#ifndef COMMON_GRAPH_H
#define COMMON_GRAPH_H

#include "backend/backend.h"

/* What follows from a node's place in the graph. */
struct plugin_use {
    int64_t plane; /* height * width */
    int64_t size;  /* elements per row of dst */
    int consumers;
    int live;       /* its dst leads to the loss, so backward computes it */
    int needs_diff; /* there are parameters below or in it */
    /* backward: this node is the first to write diff of src k, so it assigns */
    int diff_first[REPRO_SRC_MAX];
};

struct plugin_graph {
    struct repro_graph graph; /* graph.nodes is NULL: see nodes */
    struct repro_net_options options;
    struct repro_node *nodes; /* [count] */
    struct plugin_use *use;   /* [count] */
    int32_t count;
    /* the backend takes rows of a resident data set, and checks their crops itself */
    int keeps_data;
};

extern const char *const plugin_op_names[REPRO_OP_COUNT + 1];

/* Copies and checks.  A precision of 0 becomes f32.  On failure
 * there is nothing to release. */
int32_t plugin_graph_init(struct plugin_graph *graph, const struct repro_graph *given,
                          const struct repro_net_options *options, struct repro_error *err);
void plugin_graph_release(struct plugin_graph *graph);

/* The source that node i reads as its k-th. */
static inline const struct repro_node *plugin_source(const struct plugin_graph *graph,
                                                     const struct repro_node *node, int k)
{
    return &graph->nodes[node->src[k]];
}

/* Floats of a node's weights; 0 of any but CONV and DENSE. */
int64_t plugin_weight_count(const struct plugin_graph *graph, const struct repro_node *node);

/* The uniform part of the labels in a REPRO_MODE_*, 0 <= s < 1; 0: labels as they are. */
float plugin_smoothing(const struct plugin_graph *graph, int32_t mode);

/* Checks the rows of a forward call. */
int32_t plugin_check_rows(const struct plugin_graph *graph, const struct repro_rows *rows,
                          struct repro_error *err);

#endif
