/* The emulated GPU by itself: that it does what CUDA promises of launches, streams and events, and
 * no more. */
#include "fixture.h"

#include <pthread.h>

static void arguments_are_taken_at_the_call(void **state)
{
    struct fixture *f = *state;
    fixture_set("lazy=1");
    DO(fixture_scale(f->a, f->b, 3.0f, 0.0f, f->stream));
    assert_true(f->b[2] == 3.0f); /* as set up */
    DO(cudaStreamSynchronize(f->stream));
    assert_true(f->b[2] == 6.0f);
}

static void lazy_copies(void **state)
{
    struct fixture *f = *state;
    static float pageable[TEST_COUNT];
    fixture_set("lazy=1");
    f->pinned[0] = pageable[0] = 10.0f;
    DO(cudaMemcpyAsync(f->a, f->pinned, BYTES, cudaMemcpyHostToDevice, f->stream));
    DO(cudaMemcpyAsync(f->b, pageable, BYTES, cudaMemcpyHostToDevice, f->stream));
    f->pinned[0] = pageable[0] = 20.0f;
    assert_true(f->a[0] == 0.0f && f->b[0] == 1.0f); /* as set up */
    DO(cudaStreamSynchronize(f->stream));
    assert_true(f->a[0] == 20.0f && f->b[0] == 10.0f);
    DO(fixture_scale(f->a, f->a, 2.0f, 0.0f, f->stream));
    DO(cudaMemcpyAsync(f->pinned, f->a, BYTES, cudaMemcpyDeviceToHost, f->stream));
    assert_true(f->pinned[0] == 20.0f);
    DO(cudaMemcpyAsync(pageable, f->a, BYTES, cudaMemcpyDeviceToHost, f->stream));
    assert_true(f->pinned[0] == 40.0f && pageable[0] == 40.0f);
}

static void polls_make_progress(void **state)
{
    struct fixture *f = *state;
    float milliseconds;
    fixture_set("lazy=1");
    DO(cudaEventQuery(f->event)); /* never recorded */
    for (int k = 0; k < 3; k++)
        DO(fixture_scale(f->a, f->a, 2.0f, 0.0f, f->stream));
    DO(cudaEventRecord(f->second, f->stream));
    assert_int_equal(cudaEventElapsedTime(&milliseconds, f->second, f->second), cudaErrorNotReady);
    assert_int_equal(cudaEventQuery(f->second), cudaErrorNotReady);
    assert_true(f->a[1] == 2.0f);
    assert_int_equal(cudaStreamQuery(f->stream), cudaErrorNotReady);
    assert_true(f->a[1] == 4.0f);
    DO(fixture_scale(f->a, f->a, 0.0f, 0.0f, f->stream));
    DO(cudaEventSynchronize(f->second));
    DO(cudaEventQuery(f->second));
    assert_true(f->a[1] == 8.0f); /* what comes behind the event waits on */
    DO(cudaFree(NULL));
    assert_true(f->a[1] == 8.0f);
    assert_int_equal(cudaStreamQuery(f->stream), cudaErrorNotReady);
    DO(cudaStreamQuery(f->stream));
    assert_true(f->a[1] == 0.0f);
}

static void events_order_streams(void **state)
{
    struct fixture *f = *state;
    fixture_set("lazy=1");
    for (int waits = 0; waits < 2; waits++) {
        f->a[1] = 1.0f;
        DO(fixture_scale(f->a, f->a, 2.0f, 0.0f, f->other));
        DO(cudaEventRecord(f->event, f->other));
        DO(fixture_scale(f->a, f->a, 0.0f, 5.0f, f->other));
        if (waits)
            DO(cudaStreamWaitEvent(f->stream, f->event, 0));
        DO(fixture_scale(f->a, f->b, 1.0f, 0.0f, f->stream));
        DO(cudaStreamSynchronize(f->stream));
        assert_true(f->b[1] == (waits ? 2.0f : 1.0f));
        DO(cudaStreamSynchronize(f->other));
        assert_true(f->a[1] == 5.0f);
    }
}

/* Sums by launches whose threads meet, as both streams' threads make them at the same time. */
struct caller {
    const float *x;
    float *y;
    cudaStream_t stream;
    int wrong;
};

static void *call_often(void *context)
{
    struct caller *caller = context;
    const float expected = TEST_COUNT * (TEST_COUNT - 1) / 2.0f;
    for (int k = 0; k < 50; k++) {
        float sums[TEST_COUNT];
        int failed = test_sum(caller->x, caller->y, caller->stream) != cudaSuccess ||
                     cudaMemcpyAsync(sums, caller->y, BYTES, cudaMemcpyDeviceToHost,
                                     caller->stream) != cudaSuccess ||
                     cudaStreamSynchronize(caller->stream) != cudaSuccess;
        for (int i = 0; i < TEST_COUNT; i++)
            failed |= sums[i] != expected;
        caller->wrong += failed;
    }
    return NULL;
}

static void threads_do_not_meet(void **state)
{
    struct fixture *f = *state;
    struct caller callers[2] = {{f->a, f->b, f->stream, 0}, {f->a, f->c, f->other, 0}};
    for (int lazy = 0; lazy < 2; lazy++) {
        pthread_t threads[2];
        fixture_set(lazy ? "lazy=1" : "lazy=0");
        for (int k = 0; k < 2; k++)
            assert_int_equal(pthread_create(&threads[k], NULL, call_often, &callers[k]), 0);
        for (int k = 0; k < 2; k++)
            pthread_join(threads[k], NULL);
        assert_int_equal(callers[0].wrong + callers[1].wrong, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_taken_at_the_call),
        TEST(lazy_copies),
        TEST(polls_make_progress),
        TEST(events_order_streams),
        TEST(threads_do_not_meet),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
