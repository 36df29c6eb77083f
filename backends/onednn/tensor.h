/* tensor.h -- how activations lie in memory.
 *
 * A tensor is [rows, padded / block, height, width, block]: block 1 is NCHW, 8 and 16 are nChw8c
 * and nChw16c, block = channels is NHWC.  Channels from `channels` to `padded` are zero.  Elements
 * are f32 or bf16. */
#ifndef ONEDNN_TENSOR_H
#define ONEDNN_TENSOR_H

#include "api.h"
#include "backend/backend.h"

struct tensor {
    int64_t block, padded;
    int64_t row; /* elements of one row, padding included */
    dnnl_data_type_t type;
    dnnl_format_tag_t tag;
    struct md md; /* of micro rows */
};

static inline size_t element_size(const struct tensor *tensor)
{
    return tensor->type == dnnl_bf16 ? 2 : sizeof(float);
}

/* Offset within a row, in elements, of channel c of pixel 0; the next pixel is tensor->block
 * further. */
static inline int64_t channel_at(const struct tensor *tensor, int64_t plane, int64_t c)
{
    return c / tensor->block * tensor->block * plane + c % tensor->block;
}

/* An element of a row, in the memory at data. */
static inline void *tensor_at(void *data, const struct tensor *tensor, int64_t row, int64_t element)
{
    return (char *)data + (size_t)(row * tensor->row + element) * element_size(tensor);
}

/* Makes the tensor of a node in one of the known layouts. */
int32_t tensor_init(struct tensor *tensor, int32_t micro, const struct repro_node *node,
                    dnnl_format_tag_t tag, dnnl_data_type_t type, struct repro_error *err);
/* The layout of a descriptor for the node's shape; dnnl_format_tag_undef when it is none of the
 * known ones. */
dnnl_format_tag_t tensor_tag(int32_t micro, const struct repro_node *node, dnnl_data_type_t type,
                             md_pointer md);
const char *tensor_layout(const struct tensor *tensor);
/* A node's window over its source.  The rows and columns behind are those that the last window
 * reads, which may be fewer than the node's padding. */
void window_of(const struct repro_node *node, const struct repro_node *src, struct window *w);

#endif
