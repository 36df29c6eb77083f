/* The dense layer: small, so each pass is one call or one loop in row order. */
#include "net.h"

#include <cblas.h>

void dense_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]];
    for (int64_t row = 0; row < rows; row++)
        for (int64_t o = 0; o < node->channels; o++)
            layer->dst[row * node->channels + o] = net->arenas.param[node->bias + o];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, node->channels,
                (int)src->use->size, 1.0f, src->dst, (int)src->use->size,
                net->arenas.param + node->weights, (int)src->use->size, 1.0f, layer->dst,
                node->channels);
}

void dense_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = layer->node;
    struct layer *src = &net->layers[node->src[0]];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, node->channels, (int)src->use->size,
                (int)rows, 1.0f, layer->diff, node->channels, src->dst, (int)src->use->size, 1.0f,
                net->arenas.partial + node->weights, (int)src->use->size);
    for (int64_t o = 0; o < node->channels; o++) {
        double sum = 0.0;
        for (int64_t row = 0; row < rows; row++)
            sum += (double)layer->diff[row * node->channels + o];
        net->arenas.partial[node->bias + o] += (float)sum;
    }
    if (src->diff != NULL)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)src->use->size,
                    node->channels, 1.0f, layer->diff, node->channels,
                    net->arenas.param + node->weights, (int)src->use->size,
                    layer->use->diff_first[0] ? 0.0f : 1.0f, src->diff, (int)src->use->size);
}
