/* net_bare: the limit that the library's convolutions set, each run by itself. */
#include "work.h"

/* Seconds of the convolution's three executions, each the best of `repeats`. */
static int32_t bare(struct repro_net *net, struct net_layer *layer, int32_t repeats,
                    double *seconds, struct repro_error *err)
{
    cudaEvent_t *events = net->timer.events;
    for (int k = 0; k < DNN_DIRECTIONS; k++) {
        float best = -1.0f;
        const struct dnn_execution *execution = work_execution(net, layer, (enum dnn_direction)k);
        if (execution->descriptor == NULL)
            continue;
        for (int32_t r = 0; r < repeats; r++) {
            float milliseconds = 0.0f;
            int32_t code = driver_check(cudaEventRecord(events[0], net->device->stream), "a timer",
                                        err);
            if (code == 0)
                code = dnn_run(execution, net->device->handle, err);
            if (code == 0)
                code = driver_check(cudaEventRecord(events[1], net->device->stream), "a timer",
                                    err);
            if (code == 0)
                code = driver_check(cudaEventSynchronize(events[1]), "a convolution", err);
            if (code == 0)
                code = driver_check(cudaEventElapsedTime(&milliseconds, events[0], events[1]),
                                    "a timer", err);
            if (code != 0)
                return code;
            best = best < 0.0f || milliseconds < best ? milliseconds : best;
        }
        *seconds += 1e-3 * (double)best;
    }
    return 0;
}

int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err)
{
    double sum = 0.0;
    if (op != REPRO_OP_CONV)
        return fail(err, REPRO_UNSUPPORTED,
                    "cudnn knows the limit of convolutions only, not of operation %d", (int)op);
    if (repeats < 1)
        return fail(err, REPRO_ARGUMENT, "the best of %d repeats is none", (int)repeats);
    net->can_backward = 0; /* the activations are overwritten */
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = flush_queue(net, err);
    net->run.size = &net->sizes[net->size_count - 1];
    for (int32_t i = 0; i < net->count && code == 0; i++)
        if (net->layers[i].node->op == REPRO_OP_CONV)
            code = bare(net, &net->layers[i], repeats, &sum, err);
    if (code == 0)
        *seconds = sum;
    return code;
}
