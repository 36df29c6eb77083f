#include "net/net.h"

#include "base/random.h"

#include <math.h>

static void fill(float *values, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = value;
}

/* Element i of PARAM always draws the same normal, whatever else the network holds.  left_out:
 * gammas in front of it that PARAM would have. */
static void fill_normal(float *param, int64_t first, int64_t count, int64_t left_out,
                        double deviation, uint64_t seed)
{
    for (int64_t k = 0; k < count; k++) {
        int64_t i = first + left_out + k;
        struct random_words words = random_at(seed, RANDOM_INIT, 0, (uint64_t)i / 2, 0);
        double normal[2];
        random_normal(words.word[0], words.word[1], normal);
        param[first + k] = (float)(deviation * normal[i % 2]);
    }
}

void net_initial(const struct net *net, uint64_t seed, float *param, float *running)
{
    int64_t left_out = 0;
    fill(param, net->graph.param_count, 0.0f);
    for (int i = 0; i < net->graph.node_count; i++) {
        const struct repro_node *node = &net->nodes[i], *src = &net->nodes[node->src[0]];
        if (node->op == REPRO_OP_CONV) {
            int64_t fan_in = (int64_t)src->channels * node->kernel_h * node->kernel_w;
            fill_normal(param, node->weights, node->channels * fan_in, left_out,
                        sqrt(2.0 / (double)fan_in), seed);
        } else if (node->op == REPRO_OP_DENSE) {
            int64_t fan_in = (int64_t)src->channels * src->height * src->width;
            fill_normal(param, node->weights, node->channels * fan_in, left_out,
                        sqrt(1.0 / (double)fan_in), seed);
        } else if (node->op == REPRO_OP_BATCH_NORM) {
            if (node->weights >= 0)
                fill(param + node->weights, node->channels, 1.0f);
            else
                left_out += node->channels;
            fill(running + node->running, node->channels, 0.0f);
            fill(running + node->running + node->channels, node->channels, 1.0f);
        }
    }
}
