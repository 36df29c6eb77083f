/* Capture and replay.  A captured node depends on what was last in its stream and on the events
 * that the stream waited for, on nothing else, and a replay takes liberties within that. */
#include "graph.h"

#include <stdlib.h>
#include <string.h>

/* ---- Graphs ---- */

void graph_forget(struct CUgraph_st *graph)
{
    if (graph == NULL || --graph->references > 0)
        return;
    for (size_t k = 0; k < graph->count; k++) {
        graph->nodes[k]->work.forget(graph->nodes[k]->work.context);
        free(graph->nodes[k]->after.nodes);
        free(graph->nodes[k]);
    }
    free(graph->nodes);
    free(graph);
}

static struct CUgraphNode_st *graph_add(struct CUgraph_st *graph, struct emulator_work work)
{
    if (graph->count == graph->capacity) {
        size_t capacity = 2 * graph->capacity + 16;
        struct CUgraphNode_st **nodes = emulator_allocate(capacity * sizeof *nodes);
        for (size_t k = 0; k < graph->count; k++)
            nodes[k] = graph->nodes[k];
        free(graph->nodes);
        graph->nodes = nodes;
        graph->capacity = capacity;
    }
    struct CUgraphNode_st *node = emulator_allocate(sizeof *node);
    node->work = work;
    node->number = graph->count;
    return graph->nodes[graph->count++] = node;
}

static void node_set_add(struct node_set *set, struct CUgraphNode_st *node)
{
    for (size_t k = 0; k < set->count; k++)
        if (set->nodes[k] == node)
            return;
    struct CUgraphNode_st **nodes = emulator_allocate((set->count + 1) * sizeof *nodes);
    for (size_t k = 0; k < set->count; k++)
        nodes[k] = set->nodes[k];
    free(set->nodes);
    set->nodes = nodes;
    set->nodes[set->count++] = node;
}

static void node_set_clear(struct node_set *set)
{
    free(set->nodes);
    memset(set, 0, sizeof *set);
}

static void node_set_merge(struct node_set *to, const struct node_set *from)
{
    for (size_t k = 0; k < from->count; k++)
        node_set_add(to, from->nodes[k]);
}

/* ---- What streams and events do in a capture ---- */

cudaError_t capture_work(struct CUstream_st *stream, struct emulator_work work)
{
    if (stream->capture->invalid) {
        work.forget(work.context);
        return cudaErrorStreamCaptureInvalidated;
    }
    struct CUgraphNode_st *node = graph_add(stream->capture, work);
    node->after = stream->tails;
    memset(&stream->tails, 0, sizeof stream->tails);
    node_set_add(&stream->tails, node);
    return cudaSuccess;
}

cudaError_t capture_record(struct CUstream_st *stream, struct CUevent_st *event)
{
    if (stream->capture->invalid)
        return cudaErrorStreamCaptureInvalidated;
    event->capture = stream->capture;
    event->capture->references++;
    node_set_merge(&event->tails, &stream->tails);
    return cudaSuccess;
}

static cudaError_t invalidate(struct CUgraph_st *capture, cudaError_t status)
{
    if (capture != NULL)
        capture->invalid = 1;
    return status;
}

cudaError_t capture_wait(struct CUstream_st *stream, const struct CUevent_st *event)
{
    if (event->capture == NULL)
        return invalidate(stream->capture, cudaErrorStreamCaptureIsolation);
    if (event->capture->origin == NULL) /* ended */
        return invalidate(stream->capture, cudaErrorCapturedEvent);
    if (stream->capture != NULL && stream->capture != event->capture) {
        invalidate(event->capture, cudaSuccess);
        return invalidate(stream->capture, cudaErrorStreamCaptureMerge);
    }
    if (event->capture->invalid)
        return cudaErrorStreamCaptureInvalidated;
    stream->capture = event->capture;
    node_set_merge(&stream->tails, &event->tails);
    return cudaSuccess;
}

void capture_forget_event(struct CUevent_st *event)
{
    node_set_clear(&event->tails);
    graph_forget(event->capture);
    event->capture = NULL;
}

/* All its streams leave the capture. */
static void capture_end(struct CUgraph_st *capture)
{
    for (struct CUstream_st *stream = stream_all(); stream != NULL; stream = stream->next)
        if (stream->capture == capture) {
            stream->capture = NULL;
            node_set_clear(&stream->tails);
        }
    capture->origin = NULL;
}

void capture_forget_stream(struct CUstream_st *stream)
{
    struct CUgraph_st *capture = stream->capture;
    if (capture == NULL)
        return;
    capture->invalid = 1;
    if (capture->origin == stream) {
        capture_end(capture);
        graph_forget(capture);
    }
    node_set_clear(&stream->tails);
}

cudaError_t capture_forbids(struct CUstream_st *given)
{
    cudaError_t status = cudaSuccess;
    for (struct CUstream_st *stream = stream_all(); stream != NULL; stream = stream->next) {
        struct CUgraph_st *capture = stream->capture;
        if (capture == NULL || !(stream == given || capture->mode == cudaStreamCaptureModeGlobal ||
                                 (capture->mode == cudaStreamCaptureModeThreadLocal &&
                                  pthread_equal(capture->thread, pthread_self()))))
            continue;
        status = invalidate(capture, cudaErrorStreamCaptureUnsupported);
    }
    return status;
}

cudaError_t capture_forbids_event(const struct CUevent_st *event)
{
    if (event->capture != NULL)
        return invalidate(event->capture, cudaErrorCapturedEvent);
    return capture_forbids(NULL);
}

/* ---- The calls ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaStreamBeginCapture");
    if (stream == NULL)
        return cudaErrorStreamCaptureUnsupported;
    if (stream->capture != NULL)
        return cudaErrorIllegalState;
    struct CUgraph_st *graph = emulator_allocate(sizeof *graph);
    graph->references = 1;
    graph->mode = mode;
    graph->thread = pthread_self();
    graph->origin = stream;
    stream->capture = graph;
    return cudaSuccess;
}

/* Whether every node comes before the tails of the stream that the capture began in. */
static int joined(const struct CUgraph_st *graph, const struct node_set *tails)
{
    unsigned char *reached = emulator_allocate(graph->count + 1);
    size_t missing = 0;
    for (size_t k = 0; k < tails->count; k++)
        reached[tails->nodes[k]->number] = 1;
    for (size_t k = graph->count; k-- > 0;) {
        missing += !reached[k];
        for (size_t j = 0; reached[k] && j < graph->nodes[k]->after.count; j++)
            reached[graph->nodes[k]->after.nodes[j]->number] = 1;
    }
    free(reached);
    return missing == 0;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    EMULATOR_LOCKED;
    struct CUgraph_st *capture = stream == NULL ? NULL : stream->capture;
    cudaError_t status = cudaSuccess;
    *graph = NULL;
    if (capture == NULL)
        return cudaErrorIllegalState;
    if (capture->origin != stream)
        return invalidate(capture, cudaErrorStreamCaptureUnmatched);
    if (capture->mode != cudaStreamCaptureModeRelaxed &&
        !pthread_equal(capture->thread, pthread_self()))
        return invalidate(capture, cudaErrorStreamCaptureWrongThread);
    int injected = emulator_failure("cudaStreamEndCapture");
    if (injected != 0)
        status = (cudaError_t)injected;
    else if (capture->invalid)
        status = cudaErrorStreamCaptureInvalidated;
    else if (!joined(capture, &stream->tails))
        status = cudaErrorStreamCaptureUnjoined;
    capture_end(capture);
    if (status == cudaSuccess)
        *graph = capture;
    else
        graph_forget(capture);
    return status;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status)
{
    EMULATOR_LOCKED;
    const struct CUgraph_st *capture = stream_of(stream)->capture;
    *status = capture == NULL    ? cudaStreamCaptureStatusNone
              : capture->invalid ? cudaStreamCaptureStatusInvalidated
                                 : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}
