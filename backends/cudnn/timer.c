#include "net.h"

#include <stdlib.h>
#include <string.h>

int32_t timer_init(struct net_timer *timer, int capacity, struct repro_error *err)
{
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

void timer_release(struct net_timer *timer)
{
    for (int k = 0; timer->events != NULL && k < 2 * timer->capacity; k++)
        if (timer->events[k] != NULL)
            cudaEventDestroy(timer->events[k]);
    for (int k = 0; timer->marks != NULL && k < REPRO_MARKS; k++)
        if (timer->marks[k] != NULL)
            cudaEventDestroy(timer->marks[k]);
    free(timer->events);
    free(timer->sums);
    free(timer->marks);
    memset(timer, 0, sizeof *timer);
}

int32_t timer_start(struct repro_net *net, double *sum, struct repro_error *err)
{
    struct net_timer *timer = &net->timer;
    if (!timer->on)
        return 0;
    if (timer->used == timer->capacity) {
        int32_t code = timer_collect(net, err);
        if (code != 0)
            return code;
    }
    timer->sums[timer->used] = sum;
    timer->launched = launch_count;
    return driver_check(cudaEventRecord(timer->events[2 * timer->used], net->device->stream),
                        "a timer", err);
}

int32_t timer_stop(struct repro_net *net, struct repro_error *err)
{
    struct net_timer *timer = &net->timer;
    if (!timer->on)
        return 0;
    timer->used++;
    timer->totals.launches += launch_count - timer->launched;
    return driver_check(cudaEventRecord(timer->events[2 * timer->used - 1], net->device->stream),
                        "a timer", err);
}

void timer_bytes(struct repro_net *net, double *sum, double bytes)
{
    if (net->timer.on)
        *sum += bytes;
}

int32_t timer_collect(struct repro_net *net, struct repro_error *err)
{
    struct net_timer *timer = &net->timer;
    int32_t code = driver_check(cudaStreamSynchronize(net->device->stream), "waiting for the GPU",
                                err);
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

/* ---- The device's clock ---- */

/* All at once, so that no mark costs more than another. */
static int32_t make_marks(struct net_timer *timer, struct repro_error *err)
{
    int32_t code = 0;
    if (timer->marks == NULL)
        timer->marks = plugin_allocate(REPRO_MARKS, sizeof *timer->marks);
    if (timer->marks == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for %d marks", REPRO_MARKS);
    for (int k = 0; k < REPRO_MARKS && code == 0; k++)
        if (timer->marks[k] == NULL)
            code = driver_check(cudaEventCreate(&timer->marks[k]), "an event", err);
    return code;
}

int32_t net_mark(struct repro_net *net, struct repro_error *err)
{
    struct net_timer *timer = &net->timer;
    if (timer->marked == REPRO_MARKS)
        return fail(err, REPRO_ARGUMENT,
                    "%d marks are not read yet, which is all there are; read them first",
                    REPRO_MARKS);
    int32_t code = device_enter(net->device, err);
    if (code == 0 && (timer->marks == NULL || timer->marks[REPRO_MARKS - 1] == NULL))
        code = make_marks(timer, err);
    if (code == 0)
        code = queue_flush(net, err);
    if (code == 0)
        code = driver_check(cudaEventRecord(timer->marks[timer->marked], net->device->stream),
                            "a mark", err);
    timer->marked += code == 0;
    return code;
}

int32_t net_marks(struct repro_net *net, double *seconds, int64_t capacity, int64_t *count,
                  struct repro_error *err)
{
    struct net_timer *timer = &net->timer;
    int64_t found = timer->marked < capacity ? timer->marked : capacity;
    double moment = 0.0;
    int32_t code = net_sync(net, err);
    for (int64_t k = 0; k < found && code == 0; k++) {
        /* from the mark before: a difference of long times would lose digits */
        float milliseconds = 0.0f;
        if (k > 0)
            code = driver_check(
                cudaEventElapsedTime(&milliseconds, timer->marks[k - 1], timer->marks[k]), "a mark",
                err);
        moment += 1e-3 * (double)milliseconds;
        seconds[k] = moment;
    }
    if (code != 0)
        return code;
    timer->marked = 0;
    *count = found;
    return 0;
}
