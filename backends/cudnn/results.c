/* The table's functions that hand out results. */
#include "net.h"

int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err)
{
    struct kernel_metrics sums;
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_queue(net, err);
    if (code == 0)
        code = driver_check(cudaMemcpyAsync(&sums, net->metrics, sizeof sums,
                                            cudaMemcpyDeviceToHost, net->device->stream),
                            "reading metrics", err);
    if (code == 0)
        code = net_sync(net, err);
    if (code != 0)
        return code;
    struct repro_metrics own = {
        .loss = sums.loss, .correct = sums.correct, .rows = net->counted_rows};
    fill_sized(metrics, &own, sizeof own);
    return 0;
}

int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_queue(net, err);
    return code == 0 ? driver_check(cudaStreamSynchronize(net->device->stream),
                                    "waiting for the GPU", err)
                     : code;
}

int32_t net_history(struct repro_net *net, int64_t least, struct repro_history *history,
                    struct repro_error *err)
{
    int32_t code = device_enter(net->device, err);
    return code == 0 ? history_read(&net->history, least, history, err) : code;
}
