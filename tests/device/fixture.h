/* fixture.h -- what the tests of the emulated GPU begin with. */
#ifndef DEVICE_FIXTURE_H
#define DEVICE_FIXTURE_H

#include "test_kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BYTES (TEST_COUNT * sizeof(float))
#define DO(call) assert_int_equal(call, cudaSuccess)
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Device vectors, where a[i] = i, b[i] = i + 1, c[i] = i + 2; pinned memory, streams, events. */
struct fixture {
    float *a, *b, *c, *pinned;
    cudaStream_t stream, other;
    cudaEvent_t event, second;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Of the emulated GPU, until the test ends. */
void fixture_set(const char *settings);
/* y = by x + shift; its arguments are gone when it returns. */
cudaError_t fixture_scale(const float *x, float *y, float by, float shift, cudaStream_t stream);

#endif
