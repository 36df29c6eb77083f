/* anatomy.h -- what a profile's network comes to: its parameters, what a forward pass and training
 * cost, and its layers.  Counted from the graph, without data, backend or device. */
#ifndef LAB_ANATOMY_H
#define LAB_ANATOMY_H

#include "experiment/experiment.h"
#include "net/net.h"

struct err;

/* The network of the profile, of the images and classes that the whole data set of its experiment
 * has, be it here or not, as the first run's conventions have it; released by net_release().
 * ERR_INPUT where there is no such network, or not for such images; ERR_USAGE where the experiment
 * trains none. */
int anatomy_net(const struct experiment *experiment, const struct experiment_profile *profile,
                struct net *net, struct err *err);

/* Two lines on a network by its name: images, classes, parameters, GMAC of one image forward, and
 * GFLOP to train on one (bench_flop()).  *text is freed with mem_free(). */
int anatomy_text(const char *name, const struct net *net, char **text, struct err *err);
/* The same, and the table of net_layers_text() below it. */
int anatomy_layers(const char *name, const struct net *net, char **text, struct err *err);

#endif
