/* Convolutions.  Forward chooses the layout of its weights and dst; backward takes the activations as they lie and chooses only its
 * own layout of the weights.  An add behind a convolution is done by it, as a post-op. */
#include "net.h"

#include <math.h>
#include <stdio.h>

/* Winograd pays where the library has it: 3x3, stride 1, and enough channels to hide its transforms. */
#define WINOGRAD_CHANNELS 64

static dnnl_alg_kind_t algorithm_of(const struct repro_net *net, const struct repro_node *node, const struct repro_node *src)
{
    int small = src->channels < WINOGRAD_CHANNELS || node->channels < WINOGRAD_CHANNELS;
    int square = node->kernel_h == 3 && node->kernel_w == 3 && node->stride_h == 1 && node->stride_w == 1;
    return net->device->winograd && square && !small ? dnnl_convolution_winograd : dnnl_convolution_direct;
}

/* The rows and columns behind are those that the last window reads, which may be fewer than the node's padding. */
static void window_of(const struct repro_node *node, const struct repro_node *src, struct window *w)
{
    memset(w, 0, sizeof *w);
    w->kernel[0] = node->kernel_h;
    w->kernel[1] = node->kernel_w;
    w->stride[0] = node->stride_h;
    w->stride[1] = node->stride_w;
    w->before[0] = node->pad_top;
    w->before[1] = node->pad_left;
    w->behind[0] = (int64_t)(node->height - 1) * node->stride_h + node->kernel_h - src->height - node->pad_top;
    w->behind[1] = (int64_t)(node->width - 1) * node->stride_w + node->kernel_w - src->width - node->pad_left;
}

/* Weights OIHW of PARAM, or in whatever layout the library likes. */
static int32_t weights_md(const struct repro_node *node, const struct repro_node *src, dnnl_data_type_t type,
                          dnnl_format_tag_t tag, struct md *md, struct repro_error *err)
{
    dnnl_dims_t dims = {node->channels, src->channels, node->kernel_h, node->kernel_w};
    return library_check(md_tagged(md, 4, dims, type, tag), "a memory descriptor of weights", err);
}

static int32_t any_md(const struct repro_net *net, const struct repro_node *node, dnnl_data_type_t type, struct md *md,
                      struct repro_error *err)
{
    dnnl_dims_t dims = {net->micro, node->channels, node->height, node->width};
    return library_check(md_tagged(md, 4, dims, type, dnnl_format_tag_any), "a memory descriptor", err);
}

static int32_t bias_md(const struct repro_node *node, struct md *md, struct repro_error *err)
{
    dnnl_dims_t dims = {node->channels};
    return library_check(md_tagged(md, 1, dims, dnnl_f32, dnnl_x), "a memory descriptor of a bias", err);
}

static void name_choice(char choice[48], const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) != dnnl_success || name == NULL)
        name = "?";
    snprintf(choice, 48, "%s", name);
}

/* Forward for a source that lies as src says and a dst that lies as dst says, either may be `any`; Winograd falls back to direct.
 * other: the tensor that an add behind adds, or NULL. */
static int32_t forward_pd(struct repro_net *net, const struct layer *layer, const struct md *src, const struct md *dst,
                          const struct tensor *other, int in_place, dnnl_primitive_desc_t *pd, struct repro_error *err)
{
    const struct repro_node *node = layer->node, *from = cpu_source(&net->graph, node, 0);
    int has_bias = (node->flags & REPRO_NODE_BIAS) != 0;
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, from);
    struct md weights = {0}, bias = {0};
    dnnl_primitive_attr_t attr = NULL;
    struct window w;
    window_of(node, from, &w);
    int32_t code = weights_md(node, from, layer->tensor.type, dnnl_format_tag_any, &weights, err);
    if (code == 0)
        code = bias_md(node, &bias, err);
    if (code == 0)
        code = library_attributes(&attr, other == NULL ? NULL : &other->md, other != NULL && in_place, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_forward(pd, net->device->engine, algorithm, src, &weights, has_bias ? &bias : NULL,
                                                dst, &w, attr);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_forward(pd, net->device->engine, dnnl_convolution_direct, src, &weights,
                                      has_bias ? &bias : NULL, dst, &w, attr);
        code = library_check(status, "a convolution forward", err);
    }
    if (attr != NULL)
        dnnl_primitive_attr_destroy(attr);
    md_release(&weights);
    md_release(&bias);
    return code;
}

/* The source takes the layout that this convolution likes when it is free (the input), else it stays. */
int32_t conv_layout(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    struct md any_src = {0}, any_dst = {0};
    dnnl_primitive_desc_t pd = NULL;
    int is_free = src->node->op == REPRO_OP_INPUT && src->tensor.block == 0;
    layer->tensor.type = src->tensor.type;
    int32_t code = any_md(net, src->node, src->tensor.type, &any_src, err);
    if (code == 0)
        code = any_md(net, node, src->tensor.type, &any_dst, err);
    if (code == 0 && is_free) {
        code = forward_pd(net, layer, &any_src, &any_dst, NULL, 0, &pd, err);
        if (code == 0) {
            dnnl_format_tag_t tag = tensor_tag(net, src->node, src->tensor.type,
                                               dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0));
            dnnl_primitive_desc_destroy(pd);
            code = tensor_init(&src->tensor, net, src->node, tag == dnnl_format_tag_undef ? dnnl_nchw : tag,
                               src->tensor.type, err);
        }
    }
    if (code == 0)
        code = forward_pd(net, layer, &src->tensor.md, &any_dst, NULL, 0, &pd, err);
    if (code == 0) {
        dnnl_format_tag_t tag = tensor_tag(net, node, layer->tensor.type,
                                           dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0));
        name_choice(layer->choice[0], pd);
        dnnl_primitive_desc_destroy(pd);
        code = tensor_init(&layer->tensor, net, node, tag == dnnl_format_tag_undef ? dnnl_nchw : tag, layer->tensor.type,
                           err);
    }
    md_release(&any_src);
    md_release(&any_dst);
    return code;
}

int conv_can_add(struct repro_net *net, const struct layer *layer, const struct layer *other, int in_place)
{
    struct repro_error ignored;
    dnnl_primitive_desc_t pd;
    char choice[48];
    const struct layer *src = &net->layers[layer->node->src[0]];
    if (other->tensor.tag != layer->tensor.tag || other->tensor.type != layer->tensor.type ||
        (!own_can(net, layer) &&
         forward_pd(net, layer, &src->tensor.md, &layer->tensor.md, &other->tensor, in_place, &pd, &ignored) != 0))
        return 0;
    if (own_can(net, layer))
        return 1;
    name_choice(choice, pd);
    dnnl_primitive_desc_destroy(pd);
    return strcmp(choice, layer->choice[0]) == 0;
}

/* A reorder between PARAM's or PARTIAL's OIHW and the library's layout at *blocked, unless the two are one. */
static int32_t compile_pack(struct repro_net *net, struct layer *layer, struct call *call, const_dnnl_primitive_desc_t pd,
                            dnnl_query_t what, float *canonical, void *blocked, int unpack, struct repro_error *err)
{
    const struct repro_node *node = layer->node, *src = cpu_source(&net->graph, node, 0);
    struct md plain = {0}, wanted = {0};
    int32_t code = weights_md(node, src, dnnl_f32, dnnl_oihw, &plain, err);
    if (code == 0)
        code = library_check(md_copy(&wanted, dnnl_primitive_desc_query_md(pd, what, 0)), "a memory descriptor", err);
    if (code == 0 && unpack)
        code = library_reorder(net, call, &wanted, blocked, &plain, canonical, 1, err);
    else if (code == 0)
        code = library_reorder(net, call, &plain, canonical, &wanted, blocked, 0, err);
    md_release(&plain);
    md_release(&wanted);
    return code;
}

static int32_t compile_forward(struct repro_net *net, struct layer *layer, dnnl_primitive_desc_t *out,
                               struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]], *add = layer->fused_add < 0 ? NULL : &net->layers[layer->fused_add];
    const struct layer *other = NULL;
    dnnl_primitive_desc_t pd, copy;
    void *packed = NULL;
    if (add != NULL)
        other = &net->layers[add->node->src[add->node->src[0] == (int32_t)(layer - net->layers)]];
    int in_place = other != NULL && other->dst == layer->dst;
    int32_t code = forward_pd(net, layer, &src->tensor.md, &layer->tensor.md, other == NULL ? NULL : &other->tensor,
                              in_place, &pd, err);
    if (code != 0)
        return code;
    name_choice(layer->choice[0], pd);
    code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    if (code != 0) {
        dnnl_primitive_desc_destroy(pd);
        return code;
    }
    *out = pd;
    code = library_call(net, &layer->forward, copy, err);
    if (code == 0)
        code = library_argument(net, &layer->forward, DNNL_ARG_SRC, &src->tensor.md, src->dst, err);
    if (code == 0)
        code = library_wanted(net, &layer->forward, DNNL_ARG_WEIGHTS, pd, dnnl_query_weights_md, &packed, err);
    if (code == 0)
        code = library_argument(net, &layer->forward, DNNL_ARG_DST, &layer->tensor.md, layer->dst, err);
    if (code == 0 && other != NULL && !in_place)
        code = library_argument(net, &layer->forward, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                                &other->tensor.md, other->dst, err);
    if (code == 0 && (node->flags & REPRO_NODE_BIAS)) {
        struct md bias = {0};
        code = bias_md(node, &bias, err);
        if (code == 0)
            code = library_argument(net, &layer->forward, DNNL_ARG_BIAS, &bias, net->arenas.param + node->bias, err);
        md_release(&bias);
    }
    return code != 0 ? code : compile_pack(net, layer, &layer->pack_forward, pd, dnnl_query_weights_md,
                                           net->arenas.param + node->weights, packed, 0, err);
}

static int32_t compile_data(struct repro_net *net, struct layer *layer, dnnl_primitive_desc_t hint, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, src->node);
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd = NULL, copy;
    struct md weights = {0};
    struct window w;
    void *packed = NULL;
    window_of(node, src->node, &w);
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = weights_md(node, src->node, layer->tensor.type, dnnl_format_tag_any, &weights, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_data(&pd, net->device->engine, algorithm, &src->tensor.md, &weights,
                                             &layer->tensor.md, &w, attr, hint);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_data(&pd, net->device->engine, dnnl_convolution_direct, &src->tensor.md, &weights,
                                   &layer->tensor.md, &w, attr, hint);
        code = library_check(status, "a convolution backward by data", err);
    }
    dnnl_primitive_attr_destroy(attr);
    md_release(&weights);
    if (code != 0)
        return code;
    name_choice(layer->choice[1], pd);
    code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    if (code == 0)
        code = library_call(net, &layer->data, copy, err);
    if (code == 0)
        code = library_argument(net, &layer->data, DNNL_ARG_DIFF_DST, &layer->tensor.md, layer->diff, err);
    if (code == 0)
        code = library_wanted(net, &layer->data, DNNL_ARG_WEIGHTS, pd, dnnl_query_weights_md, &packed, err);
    if (code == 0)
        code = library_argument(net, &layer->data, DNNL_ARG_DIFF_SRC, &src->tensor.md,
                                layer->data_apart ? net->spare : src->diff, err);
    if (code == 0)
        code = compile_pack(net, layer, &layer->pack_data, pd, dnnl_query_weights_md, net->arenas.param + node->weights,
                            packed, 0, err);
    dnnl_primitive_desc_destroy(pd);
    return code;
}

static int32_t compile_weights(struct repro_net *net, struct layer *layer, dnnl_primitive_desc_t hint,
                               struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]];
    int has_bias = (node->flags & REPRO_NODE_BIAS) != 0;
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, src->node);
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd = NULL, copy;
    struct md weights = {0}, bias = {0};
    struct window w;
    void *grad = NULL;
    window_of(node, src->node, &w);
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = weights_md(node, src->node, dnnl_f32, dnnl_format_tag_any, &weights, err);
    if (code == 0)
        code = bias_md(node, &bias, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_weights(&pd, net->device->engine, algorithm, &src->tensor.md, &weights,
                                                has_bias ? &bias : NULL, &layer->tensor.md, &w, attr, hint);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_weights(&pd, net->device->engine, dnnl_convolution_direct, &src->tensor.md, &weights,
                                      has_bias ? &bias : NULL, &layer->tensor.md, &w, attr, hint);
        code = library_check(status, "a convolution backward by weights", err);
    }
    dnnl_primitive_attr_destroy(attr);
    if (code == 0) {
        name_choice(layer->choice[2], pd);
        code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    }
    if (code == 0)
        code = library_call(net, &layer->weights, copy, err);
    if (code == 0)
        code = library_argument(net, &layer->weights, DNNL_ARG_SRC, &src->tensor.md, src->dst, err);
    if (code == 0)
        code = library_argument(net, &layer->weights, DNNL_ARG_DIFF_DST, &layer->tensor.md, layer->diff, err);
    if (code == 0)
        code = library_wanted(net, &layer->weights, DNNL_ARG_DIFF_WEIGHTS, pd, dnnl_query_diff_weights_md, &grad, err);
    if (code == 0 && has_bias) {
        layer->bias_grad = library_buffer(net, node->channels, sizeof(float), err);
        code = layer->bias_grad == NULL ? REPRO_MEMORY
                                        : library_argument(net, &layer->weights, DNNL_ARG_DIFF_BIAS, &bias,
                                                           layer->bias_grad, err);
    }
    if (code == 0)
        code = compile_pack(net, layer, &layer->unpack, pd, dnnl_query_diff_weights_md,
                            net->arenas.partial + node->weights, grad, 1, err);
    if (pd != NULL)
        dnnl_primitive_desc_destroy(pd);
    md_release(&weights);
    md_release(&bias);
    return code;
}

int32_t conv_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct layer *src = &net->layers[layer->node->src[0]];
    dnnl_primitive_desc_t forward = NULL;
    if (own_can(net, layer))
        return own_compile(net, layer, err);
    int32_t code = compile_forward(net, layer, &forward, err);
    if (code == 0 && layer->use->live && src->diff != NULL)
        code = compile_data(net, layer, forward, err);
    if (code == 0 && layer->use->live)
        code = compile_weights(net, layer, forward, err);
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    return code;
}

int32_t conv_pack(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    if (layer->packed[0] != NULL) {
        own_pack(net, layer);
        return 0;
    }
    int32_t code = library_run(net, &layer->pack_forward, err);
    return code != 0 || layer->pack_data.primitive == NULL ? code : library_run(net, &layer->pack_data, err);
}

int32_t conv_forward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    if (layer->packed[0] == NULL)
        return library_run(net, &layer->forward, err);
    own_forward(net, layer);
    return 0;
}

int32_t conv_backward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    if (layer->packed[0] != NULL) {
        own_weights(net, layer);
        if (net->layers[node->src[0]].diff != NULL)
            own_data(net, layer);
        return 0;
    }
    int32_t code = library_run(net, &layer->weights, err);
    if (code == 0)
        code = library_run(net, &layer->unpack, err);
    for (int64_t o = 0; code == 0 && layer->bias_grad != NULL && o < node->channels; o++)
        net->arenas.partial[node->bias + o] += layer->bias_grad[o];
    if (code == 0 && layer->data.primitive != NULL) {
        code = library_run(net, &layer->data, err);
        if (code == 0 && layer->data_apart)
            spare_add(net, &net->layers[node->src[0]]);
    }
    return code;
}

int32_t conv_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds, struct repro_error *err)
{
    const struct call *calls[] = {&layer->forward, &layer->data, &layer->weights};
    if (layer->packed[0] != NULL) {
        own_bare(net, layer, repeats, seconds);
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        double best = INFINITY;
        for (int32_t r = 0; calls[i]->primitive != NULL && r < repeats; r++) {
            double start = cpu_seconds();
            int32_t code = library_run(net, calls[i], err);
            if (code != 0)
                return code;
            best = fmin(best, cpu_seconds() - start);
        }
        if (calls[i]->primitive != NULL)
            *seconds += best;
    }
    return 0;
}
