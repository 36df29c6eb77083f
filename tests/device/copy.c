/* Copies and fills.  What CUDA does with a copy depends on the host memory: it takes bytes from
 * pageable memory before the call returns, and from pinned memory when the copy has its turn. */
#include "stream.h"

#include <stdlib.h>
#include <string.h>

struct copy {
    void *to;
    const void *from;
    size_t bytes;
    int value; /* of a fill: from is NULL */
    unsigned char taken[];
};

static void run_copy(void *context, double *ahead)
{
    const struct copy *copy = context;
    (void)ahead;
    if (copy->from != NULL)
        memcpy(copy->to, copy->from, copy->bytes);
    else
        memset(copy->to, copy->value, copy->bytes);
}

static cudaError_t submit(cudaStream_t stream, struct copy *copy)
{
    return emulator_submit(stream, (struct emulator_work){run_copy, free, copy});
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaMemcpyAsync");
    if (bytes == 0)
        return cudaSuccess;
    int take = kind == cudaMemcpyHostToDevice && !memory_is_pinned(from);
    int wait = kind == cudaMemcpyDeviceToHost && !memory_is_pinned(to);
    if (stream != NULL && stream->capture != NULL && (take || wait))
        /* CUDA would read or write that memory at the replays, which nobody means */
        return capture_forbids(stream);
    struct copy *copy = emulator_allocate(sizeof *copy + (take ? bytes : 0));
    copy->to = to;
    copy->from = take ? memcpy(copy->taken, from, bytes) : from;
    copy->bytes = bytes;
    cudaError_t status = submit(stream, copy);
    if (status == cudaSuccess && wait)
        stream_drain(stream_of(stream));
    return status;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaMemsetAsync");
    struct copy *copy = emulator_allocate(sizeof *copy);
    copy->to = memory;
    copy->value = value;
    copy->bytes = bytes;
    return submit(stream, copy);
}
