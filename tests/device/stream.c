/* Streams are queues; events are marks in them.  Work is queued in any case and, unless the device
 * is lazy, done at once, so that both ways differ in nothing but when. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct CUstream_st *streams;

struct CUstream_st *stream_all(void)
{
    return streams;
}

struct CUstream_st *stream_of(cudaStream_t stream)
{
    static struct CUstream_st *none;
    if (stream != NULL)
        return stream;
    if (none == NULL) {
        none = emulator_allocate(sizeof *none);
        none->last = &none->first;
        none->next = streams;
        streams = none;
    }
    return none;
}

static void record_forget(struct record *record)
{
    if (record != NULL && --record->references == 0)
        free(record);
}

void stream_step(struct CUstream_st *stream)
{
    struct operation *one = stream->first;
    struct record *record = one->record;
    if (one->waits && !record->done) {
        stream_step(record->stream);
        return;
    }
    stream->first = one->next;
    if (stream->first == NULL)
        stream->last = &stream->first;
    if (one->work.run != NULL) {
        one->work.run(one->work.context, &stream->ahead);
        one->work.forget(one->work.context);
    } else if (one->waits) {
        stream->ahead = record->ahead > stream->ahead ? record->ahead : stream->ahead;
    } else {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        record->ahead = stream->ahead;
        record->seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
        record->done = 1;
    }
    record_forget(record);
    free(one);
}

void stream_drain(struct CUstream_st *stream)
{
    while (stream->first != NULL)
        stream_step(stream);
}

void stream_drain_all(void)
{
    for (struct CUstream_st *stream = streams; stream != NULL; stream = stream->next)
        stream_drain(stream);
}

static void queue(struct CUstream_st *stream, struct operation given)
{
    struct operation *one = emulator_allocate(sizeof *one);
    *one = given;
    one->next = NULL;
    if (one->record != NULL)
        one->record->references++;
    *stream->last = one;
    stream->last = &one->next;
    if (emulator_setting("lazy", 0) == 0)
        stream_drain(stream);
}

cudaError_t emulator_submit(cudaStream_t stream, struct emulator_work work)
{
    stream = stream_of(stream);
    if (stream->capture != NULL)
        return capture_work(stream, work);
    queue(stream, (struct operation){.work = work});
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    EMULATOR_LOCKED;
    (void)flags;
    MAY_FAIL("cudaStreamCreateWithFlags");
    struct CUstream_st *one = emulator_allocate(sizeof *one);
    one->last = &one->first;
    one->next = streams;
    *stream = streams = one;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaStreamSynchronize");
    cudaError_t status = capture_forbids(stream_of(stream));
    if (status == cudaSuccess)
        stream_drain(stream_of(stream));
    return status;
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaStreamQuery");
    cudaError_t status = capture_forbids(stream_of(stream));
    if (status != cudaSuccess || stream_of(stream)->first == NULL)
        return status;
    stream_step(stream_of(stream));
    return cudaErrorNotReady;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    EMULATOR_LOCKED;
    if (stream == NULL)
        return cudaErrorInvalidResourceHandle;
    stream_drain(stream);
    capture_forget_stream(stream);
    for (struct CUstream_st **at = &streams; *at != NULL; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            break;
        }
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaStreamWaitEvent");
    stream = stream_of(stream);
    if (flags != 0)
        return cudaErrorInvalidValue;
    if (event->capture != NULL || (stream->capture != NULL && event->record != NULL))
        return capture_wait(stream, event);
    if (event->record != NULL)
        queue(stream, (struct operation){.record = event->record, .waits = 1});
    return cudaSuccess;
}

/* ---- Events ---- */

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaEventCreate");
    *event = emulator_allocate(sizeof **event);
    (*event)->flags = flags;
    return cudaSuccess;
}

static void forget_recording(cudaEvent_t event)
{
    record_forget(event->record);
    event->record = NULL;
    capture_forget_event(event);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaEventRecord");
    stream = stream_of(stream);
    forget_recording(event);
    if (stream->capture != NULL)
        return capture_record(stream, event);
    event->record = emulator_allocate(sizeof *event->record);
    event->record->references = 1;
    event->record->stream = stream;
    queue(stream, (struct operation){.record = event->record});
    return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaEventQuery");
    cudaError_t status = capture_forbids_event(event);
    if (status != cudaSuccess || event->record == NULL || event->record->done)
        return status;
    stream_step(event->record->stream);
    return cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaEventSynchronize");
    cudaError_t status = capture_forbids_event(event);
    while (status == cudaSuccess && event->record != NULL && !event->record->done)
        stream_step(event->record->stream);
    return status;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaEventElapsedTime");
    const struct record *a = from->record, *b = to->record;
    if (from->capture != NULL || to->capture != NULL)
        return cudaErrorCapturedEvent;
    if (a == NULL || b == NULL || ((from->flags | to->flags) & cudaEventDisableTiming) != 0)
        return cudaErrorInvalidResourceHandle;
    if (!a->done || !b->done)
        return cudaErrorNotReady;
    *milliseconds = (float)(1e3 * (b->seconds - a->seconds + (b->ahead - a->ahead)));
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    EMULATOR_LOCKED;
    forget_recording(event);
    free(event);
    return cudaSuccess;
}
