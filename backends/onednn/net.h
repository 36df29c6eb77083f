/* net.h -- a network as this plugin keeps it: oneDNN's convolutions, pools and dense layers in
 * layouts that the library chooses, and our own kernels between them.  The table's functions on it;
 * see backend.h. */
#ifndef ONEDNN_NET_H
#define ONEDNN_NET_H

#include "backend/backend.h"

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err);
void net_free(struct repro_net *net);
int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                  const float *values, struct repro_error *err);
int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err);
int32_t net_zero(struct repro_net *net, struct repro_error *err);
int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err);
int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err);
int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err);
int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err);
int32_t net_sync(struct repro_net *net, struct repro_error *err);
int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err);
int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err);
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err);

#endif
