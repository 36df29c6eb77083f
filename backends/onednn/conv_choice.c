/* What a convolution is made of: the layout of its dst, and the library's implementations of its
 * three passes. */
#include "conv_choice.h"

#include "own.h"

#include <stdio.h>

/* Winograd pays where the library has it: 3x3, stride 1, and enough channels to hide its
 * transforms. */
#define WINOGRAD_CHANNELS 64

static dnnl_alg_kind_t algorithm_of(const struct repro_net *net, const struct repro_node *node,
                                    const struct repro_node *src)
{
    int small = src->channels < WINOGRAD_CHANNELS || node->channels < WINOGRAD_CHANNELS;
    int square = node->kernel_h == 3 && node->kernel_w == 3 && node->stride_h == 1 &&
                 node->stride_w == 1;
    return net->device->winograd && square && !small ? dnnl_convolution_winograd
                                                     : dnnl_convolution_direct;
}

int32_t conv_weights_md(const struct repro_node *node, const struct repro_node *src,
                        dnnl_data_type_t type, dnnl_format_tag_t tag, struct md *md,
                        struct repro_error *err)
{
    dnnl_dims_t dims = {node->channels, src->channels, node->kernel_h, node->kernel_w};
    return library_check(md_tagged(md, 4, dims, type, tag), "a memory descriptor of weights", err);
}

static int32_t any_md(const struct repro_net *net, const struct repro_node *node,
                      dnnl_data_type_t type, struct md *md, struct repro_error *err)
{
    dnnl_dims_t dims = {net->micro, node->channels, node->height, node->width};
    return library_check(md_tagged(md, 4, dims, type, dnnl_format_tag_any), "a memory descriptor",
                         err);
}

int32_t conv_bias_md(const struct repro_node *node, struct md *md, struct repro_error *err)
{
    dnnl_dims_t dims = {node->channels};
    return library_check(md_tagged(md, 1, dims, dnnl_f32, dnnl_x), "a memory descriptor of a bias",
                         err);
}

void conv_name(char choice[48], const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) != dnnl_success ||
        name == NULL)
        name = "?";
    snprintf(choice, 48, "%s", name);
}

int32_t conv_forward_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                        const struct md *dst, const struct tensor *other, int in_place,
                        dnnl_primitive_desc_t *pd, struct repro_error *err)
{
    const struct repro_node *node = layer->node, *from = plugin_source(&net->graph, node, 0);
    int has_bias = (node->flags & REPRO_NODE_BIAS) != 0;
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, from);
    struct md weights = {0}, bias = {0};
    dnnl_primitive_attr_t attr = NULL;
    struct window w;
    window_of(node, from, &w);
    int32_t code = conv_weights_md(node, from, layer->tensor.type, dnnl_format_tag_any, &weights,
                                   err);
    if (code == 0)
        code = conv_bias_md(node, &bias, err);
    if (code == 0)
        code = library_attributes(&attr, other == NULL ? NULL : &other->md,
                                  other != NULL && in_place, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_forward(pd, net->device->engine, algorithm, src, &weights,
                                                has_bias ? &bias : NULL, dst, &w, attr);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_forward(pd, net->device->engine, dnnl_convolution_direct, src,
                                      &weights, has_bias ? &bias : NULL, dst, &w, attr);
        code = library_check(status, "a convolution forward", err);
    }
    if (attr != NULL)
        dnnl_primitive_attr_destroy(attr);
    md_release(&weights);
    md_release(&bias);
    return code;
}

int32_t conv_data_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                     const struct md *dst, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd,
                     struct repro_error *err)
{
    const struct repro_node *node = layer->node, *from = plugin_source(&net->graph, node, 0);
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, from);
    dnnl_primitive_attr_t attr;
    struct md weights = {0};
    struct window w;
    window_of(node, from, &w);
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = conv_weights_md(node, from, layer->tensor.type, dnnl_format_tag_any, &weights, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_data(pd, net->device->engine, algorithm, src, &weights, dst,
                                             &w, attr, hint);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_data(pd, net->device->engine, dnnl_convolution_direct, src, &weights,
                                   dst, &w, attr, hint);
        code = library_check(status, "a convolution backward by data", err);
    }
    dnnl_primitive_attr_destroy(attr);
    md_release(&weights);
    return code;
}

int32_t conv_weights_pd(struct repro_net *net, const struct layer *layer, const struct md *src,
                        const struct md *dst, dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *pd,
                        struct repro_error *err)
{
    const struct repro_node *node = layer->node, *from = plugin_source(&net->graph, node, 0);
    dnnl_alg_kind_t algorithm = algorithm_of(net, node, from);
    int has_bias = (node->flags & REPRO_NODE_BIAS) != 0;
    dnnl_primitive_attr_t attr;
    struct md weights = {0}, bias = {0};
    struct window w;
    window_of(node, from, &w);
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = conv_weights_md(node, from, dnnl_f32, dnnl_format_tag_any, &weights, err);
    if (code == 0)
        code = conv_bias_md(node, &bias, err);
    if (code == 0) {
        dnnl_status_t status = api_conv_weights(pd, net->device->engine, algorithm, src, &weights,
                                                has_bias ? &bias : NULL, dst, &w, attr, hint);
        if (status == dnnl_unimplemented && algorithm != dnnl_convolution_direct)
            status = api_conv_weights(pd, net->device->engine, dnnl_convolution_direct, src,
                                      &weights, has_bias ? &bias : NULL, dst, &w, attr, hint);
        code = library_check(status, "a convolution backward by weights", err);
    }
    dnnl_primitive_attr_destroy(attr);
    md_release(&weights);
    md_release(&bias);
    return code;
}

static int is_slow(const_dnnl_primitive_desc_t pd)
{
    char choice[48];
    conv_name(choice, pd);
    return strncmp(choice, "ref", 3) == 0;
}

/* How many of the passes that a step needs the library has only as plain loops, many times slower;
 * 3 where it has none. */
static int slow_passes(struct repro_net *net, const struct layer *layer, const struct md *src,
                       const struct md *dst)
{
    struct repro_error ignored;
    dnnl_primitive_desc_t forward, pd;
    if (conv_forward_pd(net, layer, src, dst, NULL, 0, &forward, &ignored) != 0)
        return 3;
    int slow = is_slow(forward);
    for (int i = net->layers[layer->node->src[0]].use->needs_diff ? 0 : 1; i < 2; i++) {
        if ((i == 0 ? conv_data_pd : conv_weights_pd)(net, layer, src, dst, forward, &pd,
                                                      &ignored) != 0) {
            slow++;
            continue;
        }
        slow += is_slow(pd);
        dnnl_primitive_desc_destroy(pd);
    }
    dnnl_primitive_desc_destroy(forward);
    return slow;
}

/* The layout of dst that the library chooses for a source as it lies. */
static dnnl_format_tag_t liked_tag(struct repro_net *net, const struct layer *layer,
                                   const struct md *src, struct repro_error *err)
{
    struct md any = {0};
    dnnl_primitive_desc_t pd;
    dnnl_format_tag_t tag = dnnl_format_tag_undef;
    if (any_md(net, layer->node, layer->tensor.type, &any, err) == 0 &&
        conv_forward_pd(net, layer, src, &any, NULL, 0, &pd, err) == 0) {
        tag = tensor_tag(net->micro, layer->node, layer->tensor.type,
                         dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0));
        dnnl_primitive_desc_destroy(pd);
    }
    md_release(&any);
    return tag;
}

/* The input has no layout until its first reader is a convolution: then it takes the one liked. */
static int32_t place_input(struct repro_net *net, const struct layer *layer, struct layer *src,
                           struct repro_error *err)
{
    struct md any_src = {0}, any_dst = {0};
    dnnl_primitive_desc_t pd;
    dnnl_format_tag_t tag = dnnl_format_tag_undef;
    int32_t code = any_md(net, src->node, src->tensor.type, &any_src, err);
    if (code == 0)
        code = any_md(net, layer->node, src->tensor.type, &any_dst, err);
    if (code == 0)
        code = conv_forward_pd(net, layer, &any_src, &any_dst, NULL, 0, &pd, err);
    if (code == 0) {
        tag = tensor_tag(net->micro, src->node, src->tensor.type,
                         dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0));
        dnnl_primitive_desc_destroy(pd);
    }
    md_release(&any_src);
    md_release(&any_dst);
    return code != 0
               ? code
               : tensor_init(&src->tensor, net->micro, src->node,
                             tag == dnnl_format_tag_undef ? dnnl_nchw : tag, src->tensor.type, err);
}

/* Blocks that channels do not fill: few implementations read them. */
static int is_padded(const struct repro_node *node, dnnl_format_tag_t tag)
{
    return (tag == dnnl_nChw8c && node->channels % 8 != 0) ||
           (tag == dnnl_nChw16c && node->channels % 16 != 0);
}

/* dst takes the layout that the library likes behind its source as it lies, unless that leaves it,
 * or the layer behind, with plain loops and another does not. */
int32_t conv_layout(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    struct layer *src = &net->layers[layer->node->src[0]];
    dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, src->tensor.tag, dnnl_nChw16c,
                                dnnl_nChw8c,           dnnl_nhwc,       dnnl_nchw};
    dnnl_format_tag_t best = dnnl_nchw;
    int least = 4;
    layer->tensor.type = src->tensor.type;
    int32_t code = src->tensor.block == 0 ? place_input(net, layer, src, err) : 0;
    tags[0] = code == 0 ? liked_tag(net, layer, &src->tensor.md, err) : dnnl_format_tag_undef;
    tags[1] = src->tensor.tag;
    for (int i = 0; code == 0 && least > 0 && i < 6; i++) {
        struct tensor candidate = {.type = layer->tensor.type};
        if (tags[i] == dnnl_format_tag_undef || is_padded(layer->node, tags[i]))
            continue;
        code = tensor_init(&candidate, net->micro, layer->node, tags[i], layer->tensor.type, err);
        int slow = code == 0 ? slow_passes(net, layer, &src->tensor.md, &candidate.md) : 4;
        if (slow < least) {
            least = slow;
            best = tags[i];
        }
        md_release(&candidate.md);
    }
    return code != 0 ? code
                     : tensor_init(&layer->tensor, net->micro, layer->node, best,
                                   layer->tensor.type, err);
}

int conv_can_add(struct repro_net *net, const struct layer *layer, const struct layer *other,
                 int in_place)
{
    struct repro_error ignored;
    dnnl_primitive_desc_t pd[2];
    char choice[2][48];
    const struct md *src = &net->layers[layer->node->src[0]].tensor.md, *dst = &layer->tensor.md;
    if (other->tensor.tag != layer->tensor.tag || other->tensor.type != layer->tensor.type)
        return 0;
    if (own_can(net, layer))
        return 1;
    for (int i = 0; i < 2; i++) {
        if (conv_forward_pd(net, layer, src, dst, i == 0 ? NULL : &other->tensor, in_place, &pd[i],
                            &ignored) != 0)
            return 0;
        conv_name(choice[i], pd[i]);
        dnnl_primitive_desc_destroy(pd[i]);
    }
    return strcmp(choice[0], choice[1]) == 0;
}
