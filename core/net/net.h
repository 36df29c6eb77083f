/* net.h -- network graphs: the builder, shape inference, the named networks, and initial weights.
 *
 * A struct net is built once and then read only.  Nodes, shapes and arena offsets are those of
 * backend.h; names are for people and checkpoints. */
#ifndef NET_NET_H
#define NET_NET_H

#include "backend/backend.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define NET_NAME 48

/* One parameter or running-statistics tensor. */
struct net_tensor {
    char name[NET_NAME + 16]; /* "group1.block1.conv1.weights" */
    int arena;                /* REPRO_ARENA_PARAM or REPRO_ARENA_RUNNING */
    int64_t first, count;
    int rank;
    int64_t dims[4];
};

struct net {
    struct repro_graph graph;
    struct repro_node *nodes;
    char (*names)[NET_NAME];
    struct net_tensor *tensors;
    size_t tensor_count;
    int capacity;    /* nodes allocated */
    int failed;      /* the first error of a builder call is kept in err */
    struct err *err; /* during building only */
};

/* ---- Building.  Start, nodes in topological order, finish.  Each returns the new node's index, or
 * -1 after a failure; later calls then do nothing, so that only net_finish() needs a check. */

/* An empty net with its INPUT; *net is caller-owned, released by net_release(). */
void net_start(struct net *net, int channels, int height, int width, int classes, const float *mean,
               const float *deviation, struct err *err);
int net_conv(struct net *net, const char *name, int src, int channels, int kernel, int stride,
             int pad);
int net_batch_norm(struct net *net, const char *name, int src);
int net_relu(struct net *net, const char *name, int src);
int net_add(struct net *net, const char *name, int src0, int src1, float scale);
int net_global_avg_pool(struct net *net, const char *name, int src);
int net_dense(struct net *net, const char *name, int src, int channels);
int net_loss(struct net *net, const char *name, int src);
/* Any other node: op, srcs and attributes are taken from *node; shape and offsets are inferred. */
int net_node(struct net *net, const char *name, const struct repro_node *node);
/* 0, or the first failure. */
int net_finish(struct net *net, struct err *err);
void net_release(struct net *net);

/* ---- Named networks: "wrn-D-K" (wide residual network of depth D = 6n + 4 and width K; Zagoruyko
 * & Komodakis, 2016) and "tiny" (a few thousand parameters, every op of a WRN; for tests). */
int net_named(struct net *net, const char *name, int channels, int height, int width, int classes,
              const float *mean, const float *deviation, struct err *err);

/* ---- Initial weights (He et al., 2015): CONV weights normal with variance 2 / fan_in, DENSE 1 /
 * fan_in, gamma 1, beta and biases 0; running mean 0, variance 1.  Element i of PARAM draws from
 * random_at(seed, RANDOM_INIT, 0, i/2). */
void net_initial(const struct net *net, uint64_t seed, float *param, float *running);

/* Multiply-adds of one row's forward pass, convolutions and dense layers. */
int64_t net_macs(const struct net *net);

#endif
