/* Max and average pooling over windows: the library's primitives in the layout of the source. */
#include "pool.h"

#include "sums.h"

static dnnl_alg_kind_t algorithm_of(const struct repro_node *node)
{
    return node->op == REPRO_OP_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
}

int32_t pool_layout(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct layer *src = &net->layers[layer->node->src[0]];
    return tensor_init(&layer->tensor, net->micro, layer->node, src->tensor.tag, src->tensor.type,
                       err);
}

int32_t pool_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    dnnl_primitive_desc_t forward = NULL, backward = NULL, copy;
    dnnl_primitive_attr_t attr;
    struct window w;
    void *workspace = NULL;
    window_of(node, src->node, &w);
    int32_t code = library_attributes(&attr, NULL, 0, err);
    if (code != 0)
        return code;
    code = library_check(api_pool_forward(&forward, net->device->engine, algorithm_of(node),
                                          &src->tensor.md, &layer->tensor.md, &w, attr),
                         "a pooling forward", err);
    if (code == 0 && layer->use->live && src->diff != NULL)
        code = library_check(api_pool_backward(&backward, net->device->engine, algorithm_of(node),
                                               &src->tensor.md, &layer->tensor.md, &w, attr,
                                               forward),
                             "a pooling backward", err);
    dnnl_primitive_attr_destroy(attr);
    if (code == 0)
        code = library_check(dnnl_primitive_desc_clone(&copy, forward), "a primitive descriptor",
                             err);
    if (code == 0)
        code = library_call(&net->library, &layer->forward, copy, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->forward, DNNL_ARG_SRC, &src->tensor.md,
                                src->dst, err);
    if (code == 0)
        code = library_argument(&net->library, &layer->forward, DNNL_ARG_DST, &layer->tensor.md,
                                layer->dst, err);
    if (code == 0)
        code = library_wanted(&net->library, &layer->forward, DNNL_ARG_WORKSPACE, forward,
                              dnnl_query_workspace_md, &workspace, err);
    if (code == 0 && backward != NULL) {
        code = library_argument(&net->library, &layer->data, DNNL_ARG_DIFF_DST, &layer->tensor.md,
                                layer->diff, err);
        if (code == 0)
            code = library_argument(&net->library, &layer->data, DNNL_ARG_DIFF_SRC, &src->tensor.md,
                                    layer->data_apart ? net->spare : src->diff, err);
        if (code == 0 && workspace != NULL)
            code = library_wanted(&net->library, &layer->data, DNNL_ARG_WORKSPACE, forward,
                                  dnnl_query_workspace_md, &workspace, err);
        if (code == 0) {
            dnnl_primitive_desc_t own = backward;
            backward = NULL;
            code = library_call(&net->library, &layer->data, own, err);
        }
    }
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    if (backward != NULL)
        dnnl_primitive_desc_destroy(backward);
    return code;
}

int32_t pool_forward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    return library_run(&net->library, &layer->forward, err);
}

int32_t pool_backward(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    int32_t code = 0;
    if (layer->data.primitive != NULL)
        code = library_run(&net->library, &layer->data, err);
    if (code == 0 && layer->data.primitive != NULL && layer->data_apart)
        spare_add(net, &net->layers[layer->node->src[0]]);
    return code;
}
