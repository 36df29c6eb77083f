/* The dense layer and the loss: small, so each is one call or one loop in row order. */
#include "net.h"

#include <cblas.h>
#include <math.h>

void dense_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = &layer->node;
    const struct layer *src = &net->layers[node->src[0]];
    for (int64_t row = 0; row < rows; row++)
        for (int64_t o = 0; o < node->channels; o++)
            layer->dst[row * node->channels + o] = net->param[node->bias + o];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, node->channels, (int)src->size, 1.0f, src->dst,
                (int)src->size, net->param + node->weights, (int)src->size, 1.0f, layer->dst, node->channels);
}

void dense_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = &net->layers[node->src[0]];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, node->channels, (int)src->size, (int)rows, 1.0f, layer->diff,
                node->channels, src->dst, (int)src->size, 1.0f, net->partial + node->weights, (int)src->size);
    for (int64_t o = 0; o < node->channels; o++) {
        double sum = 0.0;
        for (int64_t row = 0; row < rows; row++)
            sum += (double)layer->diff[row * node->channels + o];
        net->partial[node->bias + o] += (float)sum;
    }
    if (src->diff != NULL)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)src->size, node->channels, 1.0f,
                    layer->diff, node->channels, net->param + node->weights, (int)src->size,
                    layer->diff_first[0] ? 0.0f : 1.0f, src->diff, (int)src->size);
}

static double largest(const float *logits, int64_t classes, int64_t *index)
{
    *index = 0;
    for (int64_t j = 1; j < classes; j++)
        if (logits[j] > logits[*index])
            *index = j;
    return (double)logits[*index];
}

static double log_sum(const float *logits, int64_t classes, double top)
{
    double sum = 0.0;
    for (int64_t j = 0; j < classes; j++)
        sum += exp((double)logits[j] - top);
    return top + log(sum);
}

void loss_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct layer *src = &net->layers[layer->node.src[0]];
    for (int64_t row = 0; row < rows; row++) {
        const float *logits = src->dst + row * src->size;
        int64_t best;
        double top = largest(logits, src->size, &best);
        double loss = log_sum(logits, src->size, top) - (double)logits[net->labels[row]];
        layer->dst[row] = (float)loss;
        net->loss += loss;
        net->correct += best == net->labels[row] && isfinite(top);
    }
    net->seen += rows;
}

void loss_backward(struct repro_net *net, struct layer *layer, int64_t rows, double scale)
{
    struct layer *src = &net->layers[layer->node.src[0]];
    if (src->diff == NULL)
        return;
    for (int64_t row = 0; row < rows; row++) {
        const float *logits = src->dst + row * src->size;
        int64_t best;
        double all = log_sum(logits, src->size, largest(logits, src->size, &best));
        for (int64_t j = 0; j < src->size; j++)
            src->diff[row * src->size + j] =
                (float)(scale * (exp((double)logits[j] - all) - (j == net->labels[row] ? 1.0 : 0.0)));
    }
}
