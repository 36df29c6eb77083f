#include "timer.h"

#include "common/plugin.h"
#include "driver.h"
#include "launch.h"

#include <stdlib.h>
#include <string.h>

int32_t timer_init(struct timer *timer, cudaStream_t stream, int capacity, struct repro_error *err)
{
    timer->stream = stream;
    timer->events = plugin_allocate(2 * (int64_t)capacity, sizeof *timer->events);
    timer->sums = plugin_allocate(capacity, sizeof *timer->sums);
    if (timer->events == NULL || timer->sums == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for %d timers", capacity);
    timer->capacity = capacity;
    for (int k = 0; k < 2 * capacity; k++) {
        int32_t code = driver_check(cudaEventCreate(&timer->events[k]), "an event", err);
        if (code != 0)
            return code;
    }
    return 0;
}

void timer_release(struct timer *timer)
{
    for (int k = 0; timer->events != NULL && k < 2 * timer->capacity; k++)
        if (timer->events[k] != NULL)
            cudaEventDestroy(timer->events[k]);
    free(timer->events);
    free(timer->sums);
    memset(timer, 0, sizeof *timer);
}

int32_t timer_start(struct timer *timer, double *sum, struct repro_error *err)
{
    if (!timer->on)
        return 0;
    if (timer->used == timer->capacity) {
        int32_t code = timer_collect(timer, err);
        if (code != 0)
            return code;
    }
    timer->sums[timer->used] = sum;
    timer->launched = launch_count;
    return driver_check(cudaEventRecord(timer->events[2 * timer->used], timer->stream), "a timer",
                        err);
}

int32_t timer_stop(struct timer *timer, struct repro_error *err)
{
    if (!timer->on)
        return 0;
    timer->used++;
    timer->totals.launches += launch_count - timer->launched;
    return driver_check(cudaEventRecord(timer->events[2 * timer->used - 1], timer->stream),
                        "a timer", err);
}

void timer_bytes(struct timer *timer, double *sum, double bytes)
{
    if (timer->on)
        *sum += bytes;
}

int32_t timer_collect(struct timer *timer, struct repro_error *err)
{
    int32_t code = driver_check(cudaStreamSynchronize(timer->stream), "waiting for the GPU", err);
    for (int k = 0; code == 0 && k < timer->used; k++) {
        float milliseconds = 0.0f;
        code = driver_check(
            cudaEventElapsedTime(&milliseconds, timer->events[2 * k], timer->events[2 * k + 1]),
            "a timer", err);
        *timer->sums[k] += 1e-3 * (double)milliseconds;
    }
    timer->used = 0;
    return code;
}
