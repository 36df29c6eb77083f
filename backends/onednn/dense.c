/* The dense layer, in f32 at any precision: its weights are few, and its sums are the logits. */
#include "dense.h"

#include "kernels.h"
#include "loop.h"

/* src as [micro, C*H*W] lies so already when it is f32 in NCHW, or f32 with one pixel and no
 * padding. */
static int is_flat(const struct layer *src)
{
    return src->tensor.type == dnnl_f32 && src->tensor.row == src->use->size &&
           (src->tensor.block == 1 || src->use->plane == 1);
}

static int32_t make_mds(const struct repro_net *net, const struct repro_node *node, int64_t inputs,
                        struct md md[4], struct repro_error *err)
{
    dnnl_dims_t src = {net->micro, inputs}, weights = {node->channels, inputs},
                bias = {node->channels};
    dnnl_dims_t dst = {net->micro, node->channels};
    int32_t code = library_check(md_tagged(&md[0], 2, src, dnnl_f32, dnnl_ab),
                                 "a memory descriptor", err);
    if (code == 0)
        code = library_check(md_tagged(&md[1], 2, weights, dnnl_f32, dnnl_ab),
                             "a memory descriptor", err);
    if (code == 0)
        code = library_check(md_tagged(&md[2], 1, bias, dnnl_f32, dnnl_x), "a memory descriptor",
                             err);
    return code != 0 ? code
                     : library_check(md_tagged(&md[3], 2, dst, dnnl_f32, dnnl_ab),
                                     "a memory descriptor", err);
}

/* The primitive of pd with these arguments, in order; pd is used up. */
static int32_t make_call(struct repro_net *net, struct call *call, dnnl_primitive_desc_t pd,
                         int count, const int *arguments, const struct md *const *mds,
                         void *const *data, struct repro_error *err)
{
    int32_t code = library_call(&net->library, call, pd, err);
    for (int i = 0; code == 0 && i < count; i++)
        code = library_argument(&net->library, call, arguments[i], mds[i], data[i], err);
    return code;
}

static int32_t compile_calls(struct repro_net *net, struct layer *layer, const struct md md[4],
                             dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *forward,
                             struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    dnnl_engine_t engine = net->device->engine;
    dnnl_primitive_desc_t pd, copy;
    int32_t code = library_check(
        api_dense_forward(forward, engine, &md[0], &md[1], &md[2], &md[3], attr),
        "a dense layer forward", err);
    if (code == 0)
        code = library_check(dnnl_primitive_desc_clone(&copy, *forward), "a primitive descriptor",
                             err);
    if (code == 0)
        code = make_call(net, &layer->forward, copy, 4,
                         (const int[]){DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST},
                         (const struct md *const[]){&md[0], &md[1], &md[2], &md[3]},
                         (void *const[]){layer->flat, net->arenas.param + node->weights,
                                         net->arenas.param + node->bias, layer->dst},
                         err);
    if (code == 0)
        code = library_check(
            api_dense_weights(&pd, engine, &md[0], &md[1], &md[2], &md[3], attr, *forward),
            "a dense layer backward by weights", err);
    if (code == 0)
        code = make_call(
            net, &layer->weights, pd, 4,
            (const int[]){DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS,
                          DNNL_ARG_DIFF_BIAS},
            (const struct md *const[]){&md[0], &md[3], &md[1], &md[2]},
            (void *const[]){layer->flat, layer->diff, layer->weights_grad, layer->bias_grad}, err);
    if (code != 0 || src->diff == NULL)
        return code;
    code = library_check(api_dense_data(&pd, engine, &md[0], &md[1], &md[3], attr, *forward),
                         "a dense layer backward by data", err);
    return code != 0
               ? code
               : make_call(net, &layer->data, pd, 3,
                           (const int[]){DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                           (const struct md *const[]){&md[3], &md[1], &md[0]},
                           (void *const[]){layer->diff, net->arenas.param + node->weights,
                                           layer->flat_diff},
                           err);
}

int32_t dense_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    int64_t inputs = src->use->size;
    struct md md[4];
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t forward = NULL;
    memset(md, 0, sizeof md);
    layer->weights_grad = library_buffer(&net->library, node->channels * inputs, sizeof(float),
                                         err);
    layer->bias_grad = library_buffer(&net->library, node->channels, sizeof(float), err);
    layer->flat = is_flat(src)
                      ? src->dst
                      : library_buffer(&net->library, net->micro * inputs, sizeof(float), err);
    if (src->diff != NULL)
        layer->flat_diff = is_flat(src) && layer->use->diff_first[0]
                               ? src->diff
                               : library_buffer(&net->library, net->micro * inputs, sizeof(float),
                                                err);
    if (layer->weights_grad == NULL || layer->bias_grad == NULL || layer->flat == NULL ||
        (src->diff != NULL && layer->flat_diff == NULL))
        return REPRO_MEMORY;
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = make_mds(net, node, inputs, md, err);
    if (code == 0)
        code = compile_calls(net, layer, md, attr, &forward, err);
    dnnl_primitive_attr_destroy(attr);
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    for (int i = 0; i < 4; i++)
        md_release(&md[i]);
    return code;
}

static void flatten_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *src = loop->src;
    int64_t plane = src->use->plane, first;
    (void)thread;
    for (int64_t c = 0; c < src->node->channels; c++) {
        first = row * src->tensor.row + channel_at(&src->tensor, plane, c);
        src->kernels->flatten((const char *)src->dst + (size_t)first * element_size(&src->tensor),
                              src->tensor.block, plane,
                              loop->layer->flat + row * src->use->size + c * plane);
    }
}

static void unflatten_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *src = loop->src;
    int64_t plane = src->use->plane, first;
    size_t bytes = (size_t)src->tensor.row * element_size(&src->tensor);
    (void)thread;
    if (loop->assign && src->tensor.padded != src->node->channels)
        memset((char *)src->diff + (size_t)row * bytes, 0, bytes);
    for (int64_t c = 0; c < src->node->channels; c++) {
        first = row * src->tensor.row + channel_at(&src->tensor, plane, c);
        src->kernels->unflatten(loop->layer->flat_diff + row * src->use->size + c * plane,
                                src->tensor.block, plane, loop->assign,
                                (char *)src->diff + (size_t)first * element_size(&src->tensor));
    }
}

int32_t dense_forward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (layer->flat != loop.src->dst)
        loop_run(&loop, net->micro * loop.src->use->size, net->micro, flatten_row);
    return library_run(&net->library, &layer->forward, err);
}

int32_t dense_backward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[node->src[0]],
                        .assign = layer->use->diff_first[0]};
    float *partial = net->arenas.partial;
    int32_t code = library_run(&net->library, &layer->weights, err);
    for (int64_t i = 0; code == 0 && i < node->channels * loop.src->use->size; i++)
        partial[node->weights + i] += layer->weights_grad[i];
    for (int64_t o = 0; code == 0 && o < node->channels; o++)
        partial[node->bias + o] += layer->bias_grad[o];
    if (code == 0 && loop.src->diff != NULL) {
        code = library_run(&net->library, &layer->data, err);
        if (code == 0 && layer->flat_diff != loop.src->diff)
            loop_run(&loop, net->micro * loop.src->use->size, net->micro, unflatten_row);
    }
    return code;
}
