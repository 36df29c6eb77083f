#include "history.h"

#include "common/plugin.h"
#include "driver.h"

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

int32_t history_add(struct history *history, cudaStream_t stream, int64_t rows,
                    struct repro_error *err)
{
    int64_t at = history->recorded % REPRO_HISTORY;
    int32_t code = driver_check(cudaEventRecord(history->done[at], stream), "recording an update",
                                err);
    if (code != 0)
        return code;
    history->rows[at] = rows;
    history->recorded++;
    return 0;
}

int32_t history_read(struct history *history, int64_t least, struct repro_history *out,
                     struct repro_error *err)
{
    struct repro_history own = {.count = 0};
    int64_t unread = history->recorded - history->read;
    if (least < 0 || least > unread)
        return fail(err, REPRO_ARGUMENT,
                    "%" PRId64 " records are wanted where %" PRId64 " are to come", least, unread);
    int32_t code = 0;
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
