#include "fork.h"

#include "driver.h"

#include <stdlib.h>
#include <string.h>

int32_t fork_init(struct fork *fork, cudnnHandle_t handle, cudaStream_t main,
                  struct repro_error *err)
{
    const char *streams = getenv("REPRO_CUDNN_STREAMS");
    fork->handle = handle;
    fork->main = main;
    if (streams != NULL && strcmp(streams, "1") == 0)
        return 0;
    int32_t code = driver_check(cudaStreamCreateWithFlags(&fork->side, cudaStreamNonBlocking),
                                "a second stream", err);
    for (int k = 0; k < FORK_MAX && code == 0; k++) {
        code = driver_check(cudaEventCreateWithFlags(&fork->works[k].begun, cudaEventDisableTiming),
                            "an event", err);
        if (code == 0)
            code = driver_check(
                cudaEventCreateWithFlags(&fork->works[k].done, cudaEventDisableTiming), "an event",
                err);
    }
    return code;
}

void fork_release(struct fork *fork)
{
    for (int k = 0; k < FORK_MAX; k++) {
        if (fork->works[k].begun != NULL)
            cudaEventDestroy(fork->works[k].begun);
        if (fork->works[k].done != NULL)
            cudaEventDestroy(fork->works[k].done);
    }
    if (fork->side != NULL)
        cudaStreamDestroy(fork->side);
    memset(fork, 0, sizeof *fork);
}

/* The first stream waits for the oldest `works`; the second does them in their order, so the last
 * of them is all there is to wait for. */
static int32_t wait_for(struct fork *fork, int works, struct repro_error *err)
{
    if (works == 0)
        return 0;
    const struct fork_work *last = &fork->works[(fork->first + works - 1) % FORK_MAX];
    fork->first = (fork->first + works) % FORK_MAX;
    fork->count -= works;
    return driver_check(cudaStreamWaitEvent(fork->main, last->done, 0), "joining streams", err);
}

int32_t fork_begin(struct fork *fork, struct repro_error *err)
{
    if (!fork->on)
        return 0;
    int32_t code = fork->count == FORK_MAX ? wait_for(fork, 1, err) : 0;
    const struct fork_work *work = &fork->works[(fork->first + fork->count) % FORK_MAX];
    if (code == 0)
        code = driver_check(cudaEventRecord(work->begun, fork->main), "forking a stream", err);
    if (code == 0)
        code = driver_check(cudaStreamWaitEvent(fork->side, work->begun, 0), "forking a stream",
                            err);
    return code == 0
               ? driver_check_dnn(cudnnSetStream(fork->handle, fork->side), "cuDNN's stream", err)
               : code;
}

int32_t fork_end(struct fork *fork, const void *a, int64_t a_bytes, const void *b, int64_t b_bytes,
                 struct repro_error *err)
{
    if (!fork->on)
        return 0;
    struct fork_work *work = &fork->works[(fork->first + fork->count) % FORK_MAX];
    int32_t code = driver_check_dnn(cudnnSetStream(fork->handle, fork->main), "cuDNN's stream",
                                    err);
    if (code == 0)
        code = driver_check(cudaEventRecord(work->done, fork->side), "forking a stream", err);
    if (code != 0)
        return code;
    work->begin[0] = a;
    work->bytes[0] = a_bytes;
    work->begin[1] = b;
    work->bytes[1] = b_bytes;
    fork->count++;
    return 0;
}

static int reads(const struct fork_work *work, const char *begin, int64_t bytes)
{
    for (int k = 0; k < 2; k++)
        if (begin < work->begin[k] + work->bytes[k] && work->begin[k] < begin + bytes)
            return 1;
    return 0;
}

int32_t fork_guard(struct fork *fork, const void *begin, int64_t bytes, struct repro_error *err)
{
    int works = 0;
    for (int k = 0; k < fork->count; k++)
        if (reads(&fork->works[(fork->first + k) % FORK_MAX], begin, bytes))
            works = k + 1;
    return wait_for(fork, works, err);
}

int32_t fork_join(struct fork *fork, struct repro_error *err)
{
    return wait_for(fork, fork->count, err);
}
