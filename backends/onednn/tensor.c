#include "tensor.h"

#include "library.h"

static void dims_of(int32_t micro, const struct repro_node *node, dnnl_dims_t dims)
{
    memset(dims, 0, sizeof(dnnl_dims_t));
    dims[0] = micro;
    dims[1] = node->channels;
    dims[2] = node->height;
    dims[3] = node->width;
}

int32_t tensor_init(struct tensor *tensor, int32_t micro, const struct repro_node *node,
                    dnnl_format_tag_t tag, dnnl_data_type_t type, struct repro_error *err)
{
    dnnl_dims_t dims;
    dims_of(micro, node, dims);
    md_release(&tensor->md);
    int32_t code = library_check(md_tagged(&tensor->md, 4, dims, type, tag), "a memory descriptor",
                                 err);
    if (code != 0)
        return code;
    int64_t block = tag == dnnl_nchw      ? 1
                    : tag == dnnl_nChw8c  ? 8
                    : tag == dnnl_nChw16c ? 16
                                          : node->channels;
    tensor->block = block;
    tensor->padded = (node->channels + block - 1) / block * block;
    tensor->row = tensor->padded * node->height * node->width;
    tensor->type = type;
    tensor->tag = tag;
    return 0;
}

dnnl_format_tag_t tensor_tag(int32_t micro, const struct repro_node *node, dnnl_data_type_t type,
                             md_pointer md)
{
    static const dnnl_format_tag_t known[] = {dnnl_nChw8c, dnnl_nChw16c, dnnl_nchw, dnnl_nhwc};
    dnnl_dims_t dims;
    dims_of(micro, node, dims);
    for (int i = 0; i < 4; i++) {
        struct md candidate = {0};
        int same = md_tagged(&candidate, 4, dims, type, known[i]) == dnnl_success &&
                   dnnl_memory_desc_equal(md_of(&candidate), md);
        md_release(&candidate);
        if (same)
            return known[i];
    }
    return dnnl_format_tag_undef;
}

const char *tensor_layout(const struct tensor *tensor)
{
    return tensor->tag == dnnl_nchw   ? "nchw"
           : tensor->tag == dnnl_nhwc ? "nhwc"
           : tensor->block == 8       ? "nChw8c"
                                      : "nChw16c";
}

void window_of(const struct repro_node *node, const struct repro_node *src, struct window *w)
{
    memset(w, 0, sizeof *w);
    w->kernel[0] = node->kernel_h;
    w->kernel[1] = node->kernel_w;
    w->stride[0] = node->stride_h;
    w->stride[1] = node->stride_w;
    w->before[0] = node->pad_top;
    w->before[1] = node->pad_left;
    w->behind[0] = (int64_t)(node->height - 1) * node->stride_h + node->kernel_h - src->height -
                   node->pad_top;
    w->behind[1] = (int64_t)(node->width - 1) * node->stride_w + node->kernel_w - src->width -
                   node->pad_left;
}
