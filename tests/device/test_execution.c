/* Convolutions on the emulated GPU, through the backend's own executions: they keep to the stream
 * of the handle. */
#include "fixture.h"

#include "cudnn/choice.h"

#define SIDE 8
#define ENGINE 5 /* the only one for strict f32 */

/* y = 3 x, a convolution of one pixel. */
struct triple {
    cudnnHandle_t handle;
    struct dnn_execution execution;
    float *weight, *workspace;
};

static void begin(struct triple *triple, struct fixture *f)
{
    const struct dnn_conv conv = {.rows = 1,
                                  .channels = 1,
                                  .height = SIDE,
                                  .width = SIDE,
                                  .dst_channels = 1,
                                  .dst_height = SIDE,
                                  .dst_width = SIDE,
                                  .kernel_h = 1,
                                  .kernel_w = 1,
                                  .stride_h = 1,
                                  .stride_w = 1};
    struct repro_error error;
    DO(cudaMalloc((void **)&triple->weight, sizeof(float)));
    DO(cudaMalloc((void **)&triple->workspace, 1024));
    triple->weight[0] = 3.0f;
    assert_int_equal(cudnnCreate(&triple->handle), CUDNN_STATUS_SUCCESS);
    assert_int_equal(cudnnSetStream(triple->handle, f->stream), CUDNN_STATUS_SUCCESS);
    const struct engine_target target = {.handle = triple->handle};
    assert_int_equal(choice_make(&triple->execution, &target, NULL, &conv, DNN_FORWARD, 0, &error),
                     0);
    assert_int_equal(triple->execution.engine, ENGINE);
    assert_int_equal(
        dnn_bind(&triple->execution, f->a, triple->weight, f->b, triple->workspace, &error), 0);
}

static void run(const struct triple *triple)
{
    struct repro_error error;
    assert_int_equal(dnn_run(&triple->execution, triple->handle, &error), 0);
}

static void end(struct triple *triple)
{
    dnn_release(&triple->execution);
    cudnnDestroy(triple->handle);
    DO(cudaFree(triple->weight));
    DO(cudaFree(triple->workspace));
}

static void a_convolution_is_a_node(void **state)
{
    struct fixture *f = *state;
    struct triple triple = {0};
    struct repro_error error;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    size_t count;
    begin(&triple, f);
    DO(cudaStreamBeginCapture(f->stream, cudaStreamCaptureModeThreadLocal));
    DO(fixture_scale(f->a, f->a, 2.0f, 0.0f, f->stream));
    run(&triple);
    DO(cudaStreamEndCapture(f->stream, &graph));
    assert_true(f->b[2] == 3.0f); /* as set up */
    DO(cudaGraphGetNodes(graph, NULL, &count));
    assert_int_equal(count, 2);
    DO(cudaGraphInstantiate(&exec, graph, 0));
    assert_int_equal(
        dnn_bind(&triple.execution, f->c, triple.weight, f->c, triple.workspace, &error), 0);
    DO(cudaGraphLaunch(exec, f->stream));
    assert_true(f->b[2] == 12.0f && f->c[2] == 4.0f); /* the pointers at the capture */
    DO(cudaGraphLaunch(exec, f->stream));
    assert_true(f->b[2] == 24.0f);
    DO(cudaGraphExecDestroy(exec));
    DO(cudaGraphDestroy(graph));
    end(&triple);
}

static void a_convolution_is_queued(void **state)
{
    struct fixture *f = *state;
    struct triple triple = {0};
    begin(&triple, f);
    fixture_set("lazy=1");
    run(&triple);
    DO(cudaStreamSynchronize(f->other));
    assert_true(f->b[2] == 3.0f);
    DO(cudaStreamSynchronize(f->stream));
    assert_true(f->b[2] == 6.0f);
    end(&triple);
}

static void a_slow_engine_takes_a_second(void **state)
{
    struct fixture *f = *state;
    struct triple triple = {0};
    cudaEvent_t first;
    float milliseconds;
    DO(cudaEventCreate(&first));
    begin(&triple, f);
    for (int slow = ENGINE; slow <= ENGINE + 1; slow++) {
        fixture_set(slow == ENGINE ? "slow=5 lazy=1" : "slow=6 lazy=1");
        DO(cudaEventRecord(first, f->stream));
        run(&triple);
        run(&triple);
        DO(cudaEventRecord(f->event, f->stream));
        DO(cudaStreamWaitEvent(f->other, f->event, 0)); /* which is that late too */
        DO(cudaEventRecord(f->second, f->other));
        DO(cudaEventSynchronize(f->second));
        DO(cudaEventElapsedTime(&milliseconds, first, f->second));
        if (slow == ENGINE)
            assert_true(milliseconds >= 2000.0f);
        else
            assert_true(milliseconds >= 0.0f && milliseconds < 2000.0f);
    }
    DO(cudaEventDestroy(first));
    end(&triple);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_convolution_is_a_node),
        TEST(a_convolution_is_queued),
        TEST(a_slow_engine_takes_a_second),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
