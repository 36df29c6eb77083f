#include "history.h"

#include "net.h"

#include <inttypes.h>
#include <string.h>

int32_t history_init(struct history *history, struct repro_error *err)
{
    int32_t code = driver_check(
        cudaMallocHost((void **)&history->records, REPRO_HISTORY * sizeof *history->records),
        "pinned host memory", err);
    for (int k = 0; k < REPRO_HISTORY && code == 0; k++)
        code = driver_check(cudaEventCreateWithFlags(&history->done[k], cudaEventDisableTiming),
                            "an event", err);
    return code;
}

void history_release(struct history *history)
{
    for (int k = 0; k < REPRO_HISTORY; k++)
        if (history->done[k] != NULL)
            cudaEventDestroy(history->done[k]);
    cudaFreeHost(history->records);
    memset(history, 0, sizeof *history);
}

int32_t history_add(struct repro_net *net, struct repro_error *err)
{
    struct history *history = &net->history;
    int64_t at = history->recorded % REPRO_HISTORY;
    int32_t code = driver_check(cudaEventRecord(history->done[at], net->device->stream),
                                "recording an update", err);
    if (code != 0)
        return code;
    history->rows[at] = net->counted_rows;
    history->recorded++;
    return 0;
}

int32_t net_history(struct repro_net *net, int64_t least, struct repro_history *out,
                    struct repro_error *err)
{
    struct history *history = &net->history;
    struct repro_history own = {.count = 0};
    int64_t unread = history->recorded - history->read;
    if (least < 0 || least > unread)
        return fail(err, REPRO_ARGUMENT,
                    "%" PRId64 " records are wanted where %" PRId64 " are to come", least, unread);
    int32_t code = device_enter(net->device, err);
    while (code == 0 && own.count < unread) {
        int64_t at = (history->read + own.count) % REPRO_HISTORY;
        cudaError_t status = own.count < least ? cudaEventSynchronize(history->done[at])
                                               : cudaEventQuery(history->done[at]);
        if (status == cudaErrorNotReady)
            break;
        code = driver_check(status, "waiting for an update", err);
        own.loss[own.count] = history->records[at].loss;
        own.correct[own.count] = history->records[at].correct;
        own.rows[own.count++] = history->rows[at];
    }
    if (code != 0)
        return code;
    history->read += own.count;
    fill_sized(out, &own, sizeof own);
    return 0;
}
