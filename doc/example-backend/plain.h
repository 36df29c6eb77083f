/* plain.h -- a whole backend in plain loops, to begin one's own from: every operation, f32, one
 * thread.  It is built from the installed header alone.
 *
 *     plain.c   the table, the device, the arenas, the optimizers
 *     net.c     compiling: what is believed of a graph; the passes over it
 *     layers.c, weighted.c   one loop nest an operation; those with parameters apart
 *
 * What is optional (data sets on the device, sums that stay there, profiles) it leaves out. */
#ifndef PLAIN_H
#define PLAIN_H

#include <repro/backend.h>

struct repro_device {
    int64_t held; /* bytes of its networks */
};

/* A node and its tensors, [micro, channels, height, width]. */
struct layer {
    struct repro_node node;
    int64_t plane, size;     /* height * width; channels * plane: a row */
    float *dst, *diff;       /* diff: d(loss) / d(dst) */
    double *mean, *variance; /* BATCH_NORM: [ghosts, channels] of the last TRAIN forward */
};

struct repro_net {
    struct repro_device *device;
    struct repro_graph graph; /* its nodes are in layers */
    struct repro_net_options options;
    struct layer *layers;
    float *param, *partial, *moment1, *moment2, *running;
    unsigned char *decays; /* [param_count]: a weight of CONV or DENSE */
    struct repro_metrics metrics;
    struct repro_rows rows;        /* of the last forward, but for its pointers */
    int32_t *labels;               /* [micro], copied: rows are borrowed for the call */
    int64_t *image;                /* [micro] */
    int has_dropout, can_backward; /* after a TRAIN forward, once */
    int64_t bytes;                 /* of all the memory above */
};

/* Fills *err and returns code. */
int32_t refuse(struct repro_error *err, int32_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Copies a struct that begins with struct_size: min of both sizes, the rest zero. */
void take(void *to, size_t size, const void *from);

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err);
void net_free(struct repro_net *net);
int32_t net_forward(struct repro_net *net, const struct repro_rows *rows, struct repro_error *err);
int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err);

/* One node over the rows of net->rows.  Backward adds to PARTIAL and to its sources' diff. */
void layer_forward(struct repro_net *net, struct layer *layer, const uint8_t *pixels);
void layer_backward(struct repro_net *net, struct layer *layer, double scale);

/* Those of the operations with parameters. */
void conv(struct repro_net *net, struct layer *layer);
void conv_backward(struct repro_net *net, struct layer *layer);
void norm(struct repro_net *net, struct layer *layer);
void norm_backward(struct repro_net *net, struct layer *layer);
void dense(struct repro_net *net, struct layer *layer, int backward);

static inline struct layer *source(const struct repro_net *net, const struct layer *layer, int k)
{
    return &net->layers[layer->node.src[k]];
}

/* Channel c of row n. */
static inline float *plane_of(const struct layer *layer, float *tensor, int64_t n, int64_t c)
{
    return tensor + n * layer->size + c * layer->plane;
}

#endif
