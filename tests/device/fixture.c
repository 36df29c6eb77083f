#include "fixture.h"

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    unsetenv("REPRO_EMULATED_GPU");
    float **vectors[3] = {&f->a, &f->b, &f->c};
    for (int k = 0; k < 3; k++) {
        DO(cudaMalloc((void **)vectors[k], BYTES));
        for (int i = 0; i < TEST_COUNT; i++)
            (*vectors[k])[i] = (float)(i + k);
    }
    DO(cudaMallocHost((void **)&f->pinned, BYTES));
    DO(cudaStreamCreateWithFlags(&f->stream, cudaStreamNonBlocking));
    DO(cudaStreamCreateWithFlags(&f->other, cudaStreamNonBlocking));
    DO(cudaEventCreateWithFlags(&f->event, cudaEventDisableTiming));
    DO(cudaEventCreate(&f->second));
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    cudaEventDestroy(f->event);
    cudaEventDestroy(f->second);
    cudaStreamDestroy(f->other);
    cudaStreamDestroy(f->stream);
    cudaFreeHost(f->pinned);
    cudaFree(f->a);
    cudaFree(f->b);
    cudaFree(f->c);
    free(f);
    return unsetenv("REPRO_EMULATED_GPU");
}

void fixture_set(const char *settings)
{
    assert_int_equal(setenv("REPRO_EMULATED_GPU", settings, 1), 0);
}

cudaError_t fixture_scale(const float *x, float *y, float by, float shift, cudaStream_t stream)
{
    struct test_scale work = {by, shift, x, y};
    cudaError_t status = test_scale(&work, stream);
    memset(&work, 0xff, sizeof work); /* a late look at the arguments would see this */
    return status;
}
