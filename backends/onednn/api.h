/* api.h -- oneDNN 2.6 and 3.x behind one set of names; every difference between the two stands here
 * and nowhere else.
 *
 * 2.x keeps a memory descriptor by value and makes a primitive descriptor from an operation
 * descriptor; 3.x hands out opaque descriptors and makes the primitive descriptor in one call.  A
 * `struct md` owns what it holds; md_release() is legal on a zeroed one. */
#ifndef ONEDNN_API_H
#define ONEDNN_API_H

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#define API_CAN_WINOGRAD (DNNL_VERSION_MAJOR < 3)

/* A window over height and width: strides, then the rows and columns that padding adds before and
 * behind. */
struct window {
    dnnl_dims_t kernel, stride, before, behind;
};

#if DNNL_VERSION_MAJOR < 3

struct md {
    dnnl_memory_desc_t own;
};

typedef const dnnl_memory_desc_t *md_pointer;

static inline md_pointer md_of(const struct md *md)
{
    return md == NULL ? NULL : &md->own;
}

static inline void md_release(struct md *md)
{
    memset(md, 0, sizeof *md);
}

static inline dnnl_status_t md_tagged(struct md *md, int count, const dnnl_dims_t dims,
                                      dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(&md->own, count, dims, type, tag);
}

static inline dnnl_status_t md_copy(struct md *md, md_pointer from)
{
    if (from == NULL)
        return dnnl_invalid_arguments;
    md->own = *from;
    return dnnl_success;
}

static inline dnnl_status_t api_post_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}

static inline dnnl_status_t api_conv_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *weights, const struct md *bias,
                                             const struct md *dst, const struct window *w,
                                             dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op;
    dnnl_status_t status = dnnl_convolution_forward_desc_init(
        &op, dnnl_forward_training, algorithm, md_of(src), md_of(weights), md_of(bias), md_of(dst),
        w->stride, w->before, w->behind);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, NULL)
                                  : status;
}

static inline dnnl_status_t api_conv_data(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                          dnnl_alg_kind_t algorithm, const struct md *diff_src,
                                          const struct md *weights, const struct md *diff_dst,
                                          const struct window *w, dnnl_primitive_attr_t attr,
                                          dnnl_primitive_desc_t hint)
{
    dnnl_convolution_desc_t op;
    dnnl_status_t status = dnnl_convolution_backward_data_desc_init(
        &op, algorithm, md_of(diff_src), md_of(weights), md_of(diff_dst), w->stride, w->before,
        w->behind);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint)
                                  : status;
}

static inline dnnl_status_t api_conv_weights(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *diff_weights,
                                             const struct md *diff_bias, const struct md *diff_dst,
                                             const struct window *w, dnnl_primitive_attr_t attr,
                                             dnnl_primitive_desc_t hint)
{
    dnnl_convolution_desc_t op;
    dnnl_status_t status = dnnl_convolution_backward_weights_desc_init(
        &op, algorithm, md_of(src), md_of(diff_weights), md_of(diff_bias), md_of(diff_dst),
        w->stride, w->before, w->behind);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint)
                                  : status;
}

static inline dnnl_status_t api_pool_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *dst, const struct window *w,
                                             dnnl_primitive_attr_t attr)
{
    dnnl_pooling_desc_t op;
    dnnl_status_t status = dnnl_pooling_forward_desc_init(&op, dnnl_forward_training, algorithm,
                                                          md_of(src), md_of(dst), w->stride,
                                                          w->kernel, w->before, w->behind);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, NULL)
                                  : status;
}

static inline dnnl_status_t api_pool_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              dnnl_alg_kind_t algorithm, const struct md *diff_src,
                                              const struct md *diff_dst, const struct window *w,
                                              dnnl_primitive_attr_t attr,
                                              dnnl_primitive_desc_t hint)
{
    dnnl_pooling_desc_t op;
    dnnl_status_t status = dnnl_pooling_backward_desc_init(&op, algorithm, md_of(diff_src),
                                                           md_of(diff_dst), w->stride, w->kernel,
                                                           w->before, w->behind);
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint)
                                  : status;
}

static inline dnnl_status_t api_dense_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              const struct md *src, const struct md *weights,
                                              const struct md *bias, const struct md *dst,
                                              dnnl_primitive_attr_t attr)
{
    dnnl_inner_product_desc_t op;
    dnnl_status_t status = dnnl_inner_product_forward_desc_init(
        &op, dnnl_forward_training, md_of(src), md_of(weights), md_of(bias), md_of(dst));
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, NULL)
                                  : status;
}

static inline dnnl_status_t api_dense_data(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           const struct md *diff_src, const struct md *weights,
                                           const struct md *diff_dst, dnnl_primitive_attr_t attr,
                                           dnnl_primitive_desc_t hint)
{
    dnnl_inner_product_desc_t op;
    dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(
        &op, md_of(diff_src), md_of(weights), md_of(diff_dst));
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint)
                                  : status;
}

static inline dnnl_status_t api_dense_weights(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              const struct md *src, const struct md *diff_weights,
                                              const struct md *diff_bias, const struct md *diff_dst,
                                              dnnl_primitive_attr_t attr,
                                              dnnl_primitive_desc_t hint)
{
    dnnl_inner_product_desc_t op;
    dnnl_status_t status = dnnl_inner_product_backward_weights_desc_init(
        &op, md_of(src), md_of(diff_weights), md_of(diff_bias), md_of(diff_dst));
    return status == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint)
                                  : status;
}

#else

struct md {
    dnnl_memory_desc_t own;
};

typedef const_dnnl_memory_desc_t md_pointer;

static inline md_pointer md_of(const struct md *md)
{
    return md == NULL ? NULL : md->own;
}

static inline void md_release(struct md *md)
{
    if (md->own != NULL)
        dnnl_memory_desc_destroy(md->own);
    md->own = NULL;
}

static inline dnnl_status_t md_tagged(struct md *md, int count, const dnnl_dims_t dims,
                                      dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(&md->own, count, dims, type, tag);
}

static inline dnnl_status_t md_copy(struct md *md, md_pointer from)
{
    return from == NULL ? dnnl_invalid_arguments : dnnl_memory_desc_clone(&md->own, from);
}

static inline dnnl_status_t api_post_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

/* Windows here are dense: no dilation. */
static const dnnl_dims_t api_dense_window = {0};

static inline dnnl_status_t api_conv_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *weights, const struct md *bias,
                                             const struct md *dst, const struct window *w,
                                             dnnl_primitive_attr_t attr)
{
    return dnnl_convolution_forward_primitive_desc_create(
        pd, engine, dnnl_forward_training, algorithm, md_of(src), md_of(weights), md_of(bias),
        md_of(dst), w->stride, api_dense_window, w->before, w->behind, attr);
}

static inline dnnl_status_t api_conv_data(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                          dnnl_alg_kind_t algorithm, const struct md *diff_src,
                                          const struct md *weights, const struct md *diff_dst,
                                          const struct window *w, dnnl_primitive_attr_t attr,
                                          dnnl_primitive_desc_t hint)
{
    return dnnl_convolution_backward_data_primitive_desc_create(
        pd, engine, algorithm, md_of(diff_src), md_of(weights), md_of(diff_dst), w->stride,
        api_dense_window, w->before, w->behind, hint, attr);
}

static inline dnnl_status_t api_conv_weights(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *diff_weights,
                                             const struct md *diff_bias, const struct md *diff_dst,
                                             const struct window *w, dnnl_primitive_attr_t attr,
                                             dnnl_primitive_desc_t hint)
{
    return dnnl_convolution_backward_weights_primitive_desc_create(
        pd, engine, algorithm, md_of(src), md_of(diff_weights), md_of(diff_bias), md_of(diff_dst),
        w->stride, api_dense_window, w->before, w->behind, hint, attr);
}

static inline dnnl_status_t api_pool_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                             dnnl_alg_kind_t algorithm, const struct md *src,
                                             const struct md *dst, const struct window *w,
                                             dnnl_primitive_attr_t attr)
{
    return dnnl_pooling_forward_primitive_desc_create(pd, engine, dnnl_forward_training, algorithm,
                                                      md_of(src), md_of(dst), w->stride, w->kernel,
                                                      api_dense_window, w->before, w->behind, attr);
}

static inline dnnl_status_t api_pool_backward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              dnnl_alg_kind_t algorithm, const struct md *diff_src,
                                              const struct md *diff_dst, const struct window *w,
                                              dnnl_primitive_attr_t attr,
                                              dnnl_primitive_desc_t hint)
{
    return dnnl_pooling_backward_primitive_desc_create(
        pd, engine, algorithm, md_of(diff_src), md_of(diff_dst), w->stride, w->kernel,
        api_dense_window, w->before, w->behind, hint, attr);
}

static inline dnnl_status_t api_dense_forward(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              const struct md *src, const struct md *weights,
                                              const struct md *bias, const struct md *dst,
                                              dnnl_primitive_attr_t attr)
{
    return dnnl_inner_product_forward_primitive_desc_create(pd, engine, dnnl_forward_training,
                                                            md_of(src), md_of(weights), md_of(bias),
                                                            md_of(dst), attr);
}

static inline dnnl_status_t api_dense_data(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                           const struct md *diff_src, const struct md *weights,
                                           const struct md *diff_dst, dnnl_primitive_attr_t attr,
                                           dnnl_primitive_desc_t hint)
{
    return dnnl_inner_product_backward_data_primitive_desc_create(
        pd, engine, md_of(diff_src), md_of(weights), md_of(diff_dst), hint, attr);
}

static inline dnnl_status_t api_dense_weights(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                              const struct md *src, const struct md *diff_weights,
                                              const struct md *diff_bias, const struct md *diff_dst,
                                              dnnl_primitive_attr_t attr,
                                              dnnl_primitive_desc_t hint)
{
    return dnnl_inner_product_backward_weights_primitive_desc_create(
        pd, engine, md_of(src), md_of(diff_weights), md_of(diff_bias), md_of(diff_dst), hint, attr);
}

#endif
#endif
