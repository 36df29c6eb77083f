/* A convolution's primitives and passes.  Forward chooses the layout of its weights, backward data
 * its own; backward weights adds to PARTIAL through a reorder.  An add behind a convolution is done
 * by it, as a post-op. */
#include "conv.h"

#include "conv_choice.h"
#include "own.h"
#include "sums.h"

#include <math.h>

/* A reorder between PARAM's or PARTIAL's OIHW and the library's layout at *blocked, unless the two
 * are one. */
static int32_t compile_pack(struct repro_net *net, struct layer *layer, struct call *call,
                            const_dnnl_primitive_desc_t pd, dnnl_query_t what, float *canonical,
                            void *blocked, int unpack, struct repro_error *err)
{
    const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
    struct md plain = {0}, wanted = {0};
    int32_t code = conv_weights_md(node, src, dnnl_f32, dnnl_oihw, &plain, err);
    if (code == 0)
        code = library_check(md_copy(&wanted, dnnl_primitive_desc_query_md(pd, what, 0)),
                             "a memory descriptor", err);
    if (code == 0 && unpack)
        code = library_reorder(&net->library, call, &wanted, blocked, &plain, canonical, 1, err);
    else if (code == 0)
        code = library_reorder(&net->library, call, &plain, canonical, &wanted, blocked, 0, err);
    md_release(&plain);
    md_release(&wanted);
    return code;
}

static int32_t compile_forward(struct repro_net *net, struct layer *layer,
                               dnnl_primitive_desc_t *out, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]],
                       *add = layer->fused_add < 0 ? NULL : &net->layers[layer->fused_add];
    const struct layer *other = NULL;
    dnnl_primitive_desc_t pd, copy;
    void *packed = NULL;
    if (add != NULL)
        other = &net->layers[add->node->src[add->node->src[0] == (int32_t)(layer - net->layers)]];
    int in_place = other != NULL && other->dst == layer->dst;
    int32_t code = conv_forward_pd(net, layer, &src->tensor.md, &layer->tensor.md,
                                   other == NULL ? NULL : &other->tensor, in_place, &pd, err);
    if (code != 0)
        return code;
    conv_name(layer->choice[0], pd);
    code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    if (code != 0) {
        dnnl_primitive_desc_destroy(pd);
        return code;
    }
    *out = pd;
    code = library_call(&net->library, &layer->forward, copy, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->forward, DNNL_ARG_SRC, &src->tensor.md,
                                src->dst, err);
    if (code == 0)
        code = library_wanted(&net->library, &layer->forward, DNNL_ARG_WEIGHTS, pd,
                              dnnl_query_weights_md, &packed, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->forward, DNNL_ARG_DST, &layer->tensor.md,
                                layer->dst, err);
    if (code == 0 && other != NULL && !in_place)
        code = library_argument(&net->library, &layer->forward,
                                DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
                                &other->tensor.md, other->dst, err);
    if (code == 0 && (node->flags & REPRO_NODE_BIAS)) {
        struct md bias = {0};
        code = conv_bias_md(node, &bias, err);
        if (code == 0)
            code = library_argument(&net->library, &layer->forward, DNNL_ARG_BIAS, &bias,
                                    net->arenas.param + node->bias, err);
        md_release(&bias);
    }
    return code != 0 ? code
                     : compile_pack(net, layer, &layer->pack_forward, pd, dnnl_query_weights_md,
                                    net->arenas.param + node->weights, packed, 0, err);
}

static int32_t compile_data(struct repro_net *net, struct layer *layer, dnnl_primitive_desc_t hint,
                            struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    dnnl_primitive_desc_t pd, copy;
    void *packed = NULL;
    int32_t code = conv_data_pd(net, layer, &src->tensor.md, &layer->tensor.md, hint, &pd, err);
    if (code != 0)
        return code;
    conv_name(layer->choice[1], pd);
    code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    if (code == 0)
        code = library_call(&net->library, &layer->data, copy, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->data, DNNL_ARG_DIFF_DST, &layer->tensor.md,
                                layer->diff, err);
    if (code == 0)
        code = library_wanted(&net->library, &layer->data, DNNL_ARG_WEIGHTS, pd,
                              dnnl_query_weights_md, &packed, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->data, DNNL_ARG_DIFF_SRC, &src->tensor.md,
                                layer->data_apart ? net->spare : src->diff, err);
    if (code == 0)
        code = compile_pack(net, layer, &layer->pack_data, pd, dnnl_query_weights_md,
                            net->arenas.param + node->weights, packed, 0, err);
    dnnl_primitive_desc_destroy(pd);
    return code;
}

static int32_t compile_bias_grad(struct repro_net *net, struct layer *layer,
                                 struct repro_error *err)
{
    struct md bias = {0};
    layer->bias_grad = library_buffer(&net->library, layer->node->channels, sizeof(float), err);
    if (layer->bias_grad == NULL)
        return REPRO_MEMORY;
    int32_t code = conv_bias_md(layer->node, &bias, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->weights, DNNL_ARG_DIFF_BIAS, &bias,
                                layer->bias_grad, err);
    md_release(&bias);
    return code;
}

static int32_t compile_weights(struct repro_net *net, struct layer *layer,
                               dnnl_primitive_desc_t hint, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]];
    dnnl_primitive_desc_t pd, copy;
    void *grad = NULL;
    int32_t code = conv_weights_pd(net, layer, &src->tensor.md, &layer->tensor.md, hint, &pd, err);
    if (code != 0)
        return code;
    conv_name(layer->choice[2], pd);
    code = library_check(dnnl_primitive_desc_clone(&copy, pd), "a primitive descriptor", err);
    if (code == 0)
        code = library_call(&net->library, &layer->weights, copy, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->weights, DNNL_ARG_SRC, &src->tensor.md,
                                src->dst, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->weights, DNNL_ARG_DIFF_DST,
                                &layer->tensor.md, layer->diff, err);
    if (code == 0)
        code = library_wanted(&net->library, &layer->weights, DNNL_ARG_DIFF_WEIGHTS, pd,
                              dnnl_query_diff_weights_md, &grad, err);
    if (code == 0 && (node->flags & REPRO_NODE_BIAS))
        code = compile_bias_grad(net, layer, err);
    if (code == 0)
        code = compile_pack(net, layer, &layer->unpack, pd, dnnl_query_diff_weights_md,
                            net->arenas.partial + node->weights, grad, 1, err);
    dnnl_primitive_desc_destroy(pd);
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
    int32_t code = library_run(&net->library, &layer->pack_forward, err);
    return code != 0 || layer->pack_data.primitive == NULL
               ? code
               : library_run(&net->library, &layer->pack_data, err);
}

int32_t conv_forward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    if (layer->packed[0] == NULL)
        return library_run(&net->library, &layer->forward, err);
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
    int32_t code = library_run(&net->library, &layer->weights, err);
    if (code == 0)
        code = library_run(&net->library, &layer->unpack, err);
    for (int64_t o = 0; code == 0 && layer->bias_grad != NULL && o < node->channels; o++)
        net->arenas.partial[node->bias + o] += layer->bias_grad[o];
    if (code == 0 && layer->data.primitive != NULL) {
        code = library_run(&net->library, &layer->data, err);
        if (code == 0 && layer->data_apart)
            spare_add(net, &net->layers[node->src[0]]);
    }
    return code;
}

int32_t conv_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds,
                  struct repro_error *err)
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
            int32_t code = library_run(&net->library, calls[i], err);
            if (code != 0)
                return code;
            best = fmin(best, cpu_seconds() - start);
        }
        if (calls[i]->primitive != NULL)
            *seconds += best;
    }
    return 0;
}
