/* layers.h -- what a network comes to: parameters and multiply-adds, layer by layer and in sum.
 *
 * Everything is counted from the finished graph; nothing is known of a network by its name. */
#ifndef NET_LAYERS_H
#define NET_LAYERS_H

#include "net/net.h"

#include <stdint.h>

struct text;

/* Parameters of node `index`, of 0..node_count-1: weights and bias, or gamma and beta. */
int64_t net_layer_params(const struct net *net, int index);
/* Multiply-adds of one row through node `index`, forward: of a convolution or a dense layer; 0 for
 * all others.  Those with the padding's zeroes count too. */
int64_t net_layer_macs(const struct net *net, int index);
/* Multiply-adds of one row's forward pass, the sum of the above. */
int64_t net_macs(const struct net *net);

/* Appends a table, a line a node and one of the totals, no wider than 80 columns while a name has
 * at most 25 characters: name, operation with its kernel (height x width), stride s and padding p,
 * channels x height x width of what it gives, parameters, multiply-adds.  A stride of 1 and a
 * padding of 0 are left out; of two numbers the first is down, the second across; a padding with a
 * colon is another above than below, or left than right. */
void net_layers_text(const struct net *net, struct text *out);

#endif
