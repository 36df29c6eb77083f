/* networks.h -- the networks that the table of named.c is made of; for core/net alone. */
#ifndef NET_NETWORKS_H
#define NET_NETWORKS_H

#include "net/net.h"

struct err;

/* struct network's check and build of each. */
int wrn_check(const char *name, const int *numbers, struct err *err);
void wrn_build(struct net *net, const int *numbers);
void tiny_build(struct net *net, const int *numbers);
void inception_build(struct net *net, const int *numbers);
int inception_reduced_check(const char *name, const int *numbers, struct err *err);
void inception_reduced_build(struct net *net, const int *numbers);

#endif
