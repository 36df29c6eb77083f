/* The parts of a training step, each queued on the stream as the queue runs it. */
#include "account.h"
#include "net.h"

int32_t step_zero(struct repro_net *net, int spared, struct repro_error *err)
{
    int64_t first = spared ? net->layout.conv_count * (int64_t)sizeof(float) : 0;
    int64_t end = net->metrics_at + (int64_t)KERNEL_METRICS_SUMS;
    return driver_check(cudaMemsetAsync((char *)net->partial + first, 0, (size_t)(end - first),
                                        net->device->stream),
                        "clearing gradients", err);
}

int32_t step_forward(struct repro_net *net, int mode, struct repro_error *err)
{
    int32_t code = 0;
    for (int32_t i = 0; i < net->count && code == 0; i++)
        code = layer_forward(net, &net->layers[i], mode, err);
    return code;
}

int32_t step_backward(struct repro_net *net, int assign, struct repro_error *err)
{
    int32_t code = 0;
    for (int32_t i = net->count - 1; i >= 0 && code == 0; i--)
        code = layer_backward(net, &net->layers[i], err);
    if (code == 0)
        code = fork_join(&net->fork, err);
    if (code == 0)
        code = timer_start(&net->timer, &net->timer.totals.reorder, err);
    timer_bytes(&net->timer, &net->timer.totals.reorder_bytes,
                account_accumulate(net->layout.conv_count, net->type, !assign));
    if (code == 0)
        code = driver_check(kernel_accumulate(net->type, net->layout.conv_count, net->grads,
                                              net->partial, !assign, net->device->stream),
                            "adding gradients", err);
    return code == 0 ? timer_stop(&net->timer, err) : code;
}

static int64_t partial_count(const struct repro_net *net)
{
    return net->layout.device_count + net->graph.graph.running_count;
}

int32_t step_keep(struct repro_net *net, int32_t slot, struct repro_error *err)
{
    cudaStream_t stream = net->device->stream;
    int64_t count = partial_count(net);
    int32_t code = driver_check(cudaMemcpyAsync(net->slots + slot * count, net->partial,
                                                (size_t)count * sizeof(float),
                                                cudaMemcpyDeviceToDevice, stream),
                                "keeping a group's sums", err);
    if (code == 0)
        code = driver_check(cudaMemcpyAsync(net->slot_metrics + slot, net->metrics,
                                            KERNEL_METRICS_SUMS, cudaMemcpyDeviceToDevice, stream),
                            "keeping a group's metrics", err);
    return code;
}

int32_t step_join(struct repro_net *net, int32_t slot, struct repro_error *err)
{
    int64_t count = partial_count(net);
    return driver_check(kernel_join(count, net->slots + slot * count, net->partial,
                                    net->slot_metrics + slot, net->metrics, net->device->stream),
                        "adding a group's sums", err);
}

int32_t step_update(struct repro_net *net, struct repro_error *err)
{
    struct kernel_update work = {.call = net->run.call,
                                 .metrics = net->metrics,
                                 .records = net->history.records,
                                 .count = net->layout.device_count,
                                 .weight_count = net->layout.weight_count,
                                 .grad = net->partial,
                                 .param = net->param,
                                 .moment1 = net->moment1,
                                 .moment2 = net->moment2,
                                 .copy_count = net->type == KERNEL_BF16 ? net->layout.conv_count
                                                                        : 0,
                                 .copy = net->weights,
                                 .running_count = net->graph.graph.running_count,
                                 .sums = net->partial + net->layout.device_count,
                                 .running = net->running};
    int32_t code = timer_start(&net->timer, &net->timer.totals.update, err);
    timer_bytes(&net->timer, &net->timer.totals.update_bytes,
                account_update(&work, net->optimizer));
    if (code == 0)
        code = driver_check(kernel_update(&work, net->device->stream), "the optimizer's step", err);
    return code == 0 ? timer_stop(&net->timer, err) : code;
}
