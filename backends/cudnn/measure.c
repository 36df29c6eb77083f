/* net_profile, net_mark and net_marks: where the time goes, and the device's clock. */
#include "net.h"

#include <string.h>

int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err)
{
    int32_t code = flush_queue(net, err);
    if (code == 0)
        code = timer_collect(&net->timer, err);
    if (code != 0)
        return code;
    fill_sized(profile, &net->timer.totals, sizeof net->timer.totals);
    memset(&net->timer.totals, 0, sizeof net->timer.totals);
    net->timer.on = 1;
    return 0;
}

int32_t net_mark(struct repro_net *net, struct repro_error *err)
{
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_queue(net, err);
    return code == 0 ? marks_add(&net->marks, net->device->stream, err) : code;
}

int32_t net_marks(struct repro_net *net, double *seconds, int64_t capacity, int64_t *count,
                  struct repro_error *err)
{
    int32_t code = net_sync(net, err);
    return code == 0 ? marks_take(&net->marks, seconds, capacity, count, err) : code;
}
