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

/* What networks of one name can differ in; all 0: as the contract's ops are without flags. */
struct net_ways {
    int no_gamma;           /* batch norm without gamma */
    double label_smoothing; /* 0 <= s < 1: the uniform part of a training label */
};

/* 1 for the weights of a convolution or a dense layer; a bias, gamma or beta is none. */
int net_is_weights(const struct net_tensor *tensor);

struct net {
    struct repro_graph graph;
    struct net_ways ways; /* of what net_batch_norm() and net_loss() add; zero after net_start() */
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
int net_batch_norm(struct net *net, const char *name, int src, float epsilon);
int net_relu(struct net *net, const char *name, int src);
int net_add(struct net *net, const char *name, int src0, int src1, float scale);
/* Of at most REPRO_SRC_MAX sources. */
int net_concat(struct net *net, const char *name, const int *srcs, int count);
/* rate: the probability that an element is dropped. */
int net_dropout(struct net *net, const char *name, int src, float rate);
int net_global_avg_pool(struct net *net, const char *name, int src);
int net_dense(struct net *net, const char *name, int src, int channels);
int net_loss(struct net *net, const char *name, int src);
/* Any other node: op, srcs and attributes are taken from *node; shape and offsets are inferred. */
int net_node(struct net *net, const char *name, const struct repro_node *node);
/* 0, or the first failure; ERR_INPUT where gamma is to be left out and no batch norm is there. */
int net_finish(struct net *net, struct err *err);
void net_release(struct net *net);

/* ---- Named networks.  A new one is a row of the table in named.c and its build function. */

#define NETWORK_NUMBERS 4

struct network {
    const char *pattern; /* "wrn-D-K", "tiny": a capital letter stands for a whole number */
    const char *example; /* a name of the pattern: "wrn-16-4" */
    const char *title;   /* what it is, for lists */
    /* of its images, where no data set says otherwise */
    int channels, side, classes;
    int least_side; /* of an image, either way; 0: any is large enough */
    /* Refuses numbers that make no network; NULL: all do, or there are none. */
    int (*check)(const char *name, const int *numbers, struct err *err);
    /* The nodes behind the input of a started net, up to the loss over net->graph.classes. */
    void (*build)(struct net *net, const int *numbers);
};

/* All of them: "wrn-D-K" (wide residual network of depth D = 6n + 4 and width K; Zagoruyko &
 * Komodakis, 2016); "tiny" (a few thousand parameters, every op of a WRN; for tests);
 * "inception-resnet-v2" (Szegedy et al., 2017) and "inception-resnet-v2-W-D", the same with every
 * width divided by W, rounded to a multiple of 16, and the 10, 20 and 10 residual blocks by D. */
const struct network *net_table(size_t *count);
/* The row of a name; NULL and ERR_INPUT, with those there are, when it is of none. */
const struct network *net_find(const char *name, struct err *err);
/* The network of a name for images of any size and classes; released by net_release().
 * net_named(): with all ways 0. */
int net_named_with(struct net *net, const char *name, const struct net_ways *ways, int channels,
                   int height, int width, int classes, const float *mean, const float *deviation,
                   struct err *err);
int net_named(struct net *net, const char *name, int channels, int height, int width, int classes,
              const float *mean, const float *deviation, struct err *err);

/* ---- Initial weights (He et al., 2015): CONV weights normal with variance 2 / fan_in, DENSE 1 /
 * fan_in, gamma 1, beta and biases 0; running mean 0, variance 1.  Element i of PARAM draws from
 * random_at(seed, RANDOM_INIT, 0, i/2), where gammas that are left out are counted too: networks
 * begin with the same weights with and without them. */
void net_initial(const struct net *net, uint64_t seed, float *param, float *running);

#endif
