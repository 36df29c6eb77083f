/* Capture and replay on the emulated GPU: that graphs keep what CUDA promises of them, and no
 * more. */
#include "fixture.h"

static cudaGraphExec_t finish(cudaStream_t stream, size_t nodes)
{
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    size_t count = 0;
    DO(cudaStreamEndCapture(stream, &graph));
    DO(cudaGraphGetNodes(graph, NULL, &count));
    assert_int_equal(count, nodes);
    DO(cudaGraphInstantiate(&exec, graph, 0));
    DO(cudaGraphDestroy(graph));
    return exec;
}

static void replay(cudaGraphExec_t exec, cudaStream_t stream)
{
    DO(cudaGraphLaunch(exec, stream));
    DO(cudaStreamSynchronize(stream));
}

/* a = 2 a + 1, b = the sum of a, c = b */
static void chain(struct fixture *f)
{
    DO(fixture_scale(f->a, f->a, 2.0f, 1.0f, f->stream));
    DO(test_sum(f->a, f->b, f->stream));
    DO(cudaMemcpyAsync(f->c, f->b, BYTES, cudaMemcpyDeviceToDevice, f->stream));
}

static void replays_equal_calls(void **state)
{
    struct fixture *f = *state;
    float before[TEST_COUNT], called[TEST_COUNT];
    memcpy(before, f->a, BYTES);
    chain(f);
    chain(f);
    memcpy(called, f->c, BYTES);
    memcpy(f->a, before, BYTES);
    memset(f->c, 0, BYTES);
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    chain(f);
    assert_memory_equal(f->a, before, BYTES); /* nothing has run */
    cudaGraphExec_t exec = finish(f->stream, 3);
    assert_memory_equal(f->a, before, BYTES);
    replay(exec, f->stream);
    replay(exec, f->stream);
    assert_memory_equal(f->c, called, BYTES);
    DO(cudaGraphExecDestroy(exec));
}

static void copies_and_fills_are_nodes(void **state)
{
    struct fixture *f = *state;
    cudaGraphNode_t nodes[5];
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    size_t count = 5;
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeGlobal));
    DO(cudaMemcpyAsync(f->a, f->pinned, BYTES, cudaMemcpyHostToDevice, f->stream));
    DO(cudaMemsetAsync(f->b, 0, BYTES / 2, f->stream));
    DO(cudaMemcpyAsync(f->pinned, f->b, BYTES, cudaMemcpyDeviceToHost, f->stream));
    DO(cudaStreamEndCapture(f->stream, &graph));
    DO(cudaGraphGetNodes(graph, nodes, &count));
    assert_int_equal(count, 3);
    assert_true(nodes[2] != NULL && nodes[3] == NULL);
    DO(cudaGraphInstantiate(&exec, graph, 0));
    f->pinned[1] = 77.0f;
    replay(exec, f->stream);
    assert_true(f->a[1] == 77.0f && f->pinned[1] == 0.0f &&
                f->pinned[TEST_COUNT - 1] == (float)TEST_COUNT);
    DO(cudaGraphExecDestroy(exec));
    DO(cudaGraphDestroy(graph));
}

/* Two branches, a = a + 1 then b = 2 a, and c = 5 c elsewhere; then b = b + 0 and a = c, which need
 * the join. */
static cudaGraphExec_t fork_and_join(struct fixture *f, int joined)
{
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    DO(fixture_scale(f->a, f->a, 1.0f, 1.0f, f->stream));
    DO(cudaEventRecord(f->event, f->stream));
    DO(cudaStreamWaitEvent(f->other, f->event, 0));
    DO(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->stream));
    DO(fixture_scale(f->c, f->c, 5.0f, 0.0f, f->other));
    DO(fixture_scale(f->c, f->c, 1.0f, 2.0f, f->other));
    if (!joined) { /* reads c before its branch ends, then joins too late */
        DO(fixture_scale(f->c, f->a, 1.0f, 0.0f, f->stream));
    }
    DO(cudaEventRecord(f->event, f->other));
    DO(cudaStreamWaitEvent(f->stream, f->event, 0));
    if (joined) {
        DO(fixture_scale(f->c, f->a, 1.0f, 0.0f, f->stream));
    }
    return finish(f->stream, 5);
}

static void edges_hold_in_every_order(void **state)
{
    struct fixture *f = *state;
    for (int joined = 1; joined >= 0; joined--) {
        int right = 0;
        for (int order = 0; order < 3; order++) {
            const char *const settings[] = {"order=0", "order=1", "order=2"};
            fixture_set(settings[order]);
            f->a[1] = 1.0f;
            f->b[1] = 0.0f;
            f->c[1] = 3.0f;
            cudaGraphExec_t exec = fork_and_join(f, joined);
            replay(exec, f->stream);
            right += f->a[1] == 17.0f && f->b[1] == 4.0f && f->c[1] == 17.0f;
            DO(cudaGraphExecDestroy(exec));
        }
        if (joined)
            assert_int_equal(right, 3);
        else
            assert_in_range(right, 1, 2); /* an order that does not show it, and one that does */
    }
}

static void a_fork_must_join(void **state)
{
    struct fixture *f = *state;
    cudaGraph_t graph;
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    DO(cudaEventRecord(f->event, f->stream));
    DO(cudaStreamWaitEvent(f->other, f->event, 0));
    DO(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->other));
    assert_int_equal(cudaStreamEndCapture(f->other, &graph), cudaErrorStreamCaptureUnmatched);
    assert_int_equal(cudaStreamEndCapture(f->stream, &graph), cudaErrorStreamCaptureInvalidated);
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    DO(cudaEventRecord(f->event, f->stream));
    DO(cudaStreamWaitEvent(f->other, f->event, 0));
    DO(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->other));
    assert_int_equal(cudaStreamEndCapture(f->stream, &graph), cudaErrorStreamCaptureUnjoined);
    assert_null(graph);
    DO(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->other)); /* both streams are free again */
    assert_true(f->b[2] == 4.0f);
    assert_int_equal(cudaStreamEndCapture(f->stream, &graph), cudaErrorIllegalState);
}

static cudaError_t forbidden(struct fixture *f, int which)
{
    void *memory;
    switch (which) {
    case 0:
        return cudaMalloc(&memory, 16);
    case 1:
        return cudaFree(f->c);
    case 2:
        return cudaMallocHost(&memory, 16);
    case 3:
        return cudaStreamSynchronize(f->stream);
    case 4:
        return cudaStreamQuery(f->stream);
    case 5:
        return cudaEventSynchronize(f->second);
    default:
        return cudaMemcpyAsync(&memory, f->a, sizeof memory, cudaMemcpyDeviceToHost, f->stream);
    }
}

static void a_capture_is_spoilt(void **state)
{
    struct fixture *f = *state;
    enum cudaStreamCaptureStatus status;
    cudaGraph_t graph;
    for (int which = 0; which < 7; which++) {
        DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
        DO(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->stream));
        assert_int_equal(forbidden(f, which), cudaErrorStreamCaptureUnsupported);
        DO(cudaStreamIsCapturing(f->stream, &status));
        assert_int_equal(status, cudaStreamCaptureStatusInvalidated);
        assert_int_equal(fixture_scale(f->a, f->b, 2.0f, 0.0f, f->stream),
                         cudaErrorStreamCaptureInvalidated);
        assert_int_equal(cudaStreamEndCapture(f->stream, &graph),
                         cudaErrorStreamCaptureInvalidated);
        assert_null(graph);
    }
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeRelaxed)); /* which allows them */
    void *memory;
    DO(cudaMalloc(&memory, 16));
    DO(cudaFree(memory));
    DO(cudaEventRecord(f->event, f->stream));
    assert_int_equal(cudaEventQuery(f->event), cudaErrorCapturedEvent);
    assert_int_equal(cudaStreamEndCapture(f->stream, &graph), cudaErrorStreamCaptureInvalidated);
}

static void captured_and_outside_events_stay_apart(void **state)
{
    struct fixture *f = *state;
    cudaGraph_t graph;
    DO(cudaEventRecord(f->event, f->other));
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeRelaxed));
    assert_int_equal(cudaStreamWaitEvent(f->stream, f->event, 0), cudaErrorStreamCaptureIsolation);
    assert_int_equal(cudaStreamEndCapture(f->stream, &graph), cudaErrorStreamCaptureInvalidated);
}

static void lazy_graphs_wait_too(void **state)
{
    struct fixture *f = *state;
    fixture_set("lazy=1");
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    DO(fixture_scale(f->a, f->a, 2.0f, 0.0f, f->stream));
    cudaGraphExec_t exec = finish(f->stream, 1);
    DO(cudaGraphUpload(exec, f->stream));
    DO(cudaGraphLaunch(exec, f->stream));
    DO(cudaGraphLaunch(exec, f->stream));
    DO(cudaGraphExecDestroy(exec)); /* what is queued still runs */
    assert_true(f->a[1] == 1.0f);
    DO(cudaStreamSynchronize(f->stream));
    assert_true(f->a[1] == 4.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replays_equal_calls),       TEST(copies_and_fills_are_nodes),
        TEST(edges_hold_in_every_order), TEST(a_fork_must_join),
        TEST(a_capture_is_spoilt),       TEST(captured_and_outside_events_stay_apart),
        TEST(lazy_graphs_wait_too),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
