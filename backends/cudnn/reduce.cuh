/* reduce.cuh -- sums over the threads of a block, and how the last of several blocks is known,
 * which then sums over them. Blocks have LAUNCH_THREADS threads in x and y. */
#ifndef CUDNN_REDUCE_CUH
#define CUDNN_REDUCE_CUH

#include "device.cuh"

static __device__ __forceinline__ int thread_number()
{
    return (int)(threadIdx.y * blockDim.x + threadIdx.x);
}

/* Adds 1 and returns what was there.  Who gets a later number sees what the takers of earlier ones
 * had written, and what their blocks had written before a barrier. */
static __device__ __forceinline__ unsigned take_ticket(unsigned *ticket)
{
#ifdef __CUDA_ARCH__
    unsigned old;
    asm volatile("atom.acq_rel.gpu.global.add.u32 %0, [%1], 1;"
                 : "=r"(old)
                 : "l"(ticket)
                 : "memory");
    return old;
#else
    return atomicAdd(ticket, 1u);
#endif
}

/* Whether this block is the last of `count` to get here.  Then it sees what all of them wrote, its
 * own included. */
static __device__ bool is_last(unsigned *ticket, unsigned count, bool *shared)
{
    __syncthreads();
    if (count == 1)
        return true;
    if (thread_number() == 0) {
        *shared = take_ticket(ticket) == count - 1;
        if (*shared)
            *ticket = 0;
    }
    __syncthreads();
    return *shared;
}

/* Sums over the threads whose numbers are equal modulo `lanes`, a power of two up to WARP: thread t
 * < lanes * N gets that of v[t % N] over the threads of lane t / N.  In a warp, two threads that
 * meet each go on with half of the values. shared: WARPS * lanes * N, free for use behind the next
 * barrier. */
template <typename A, int N>
static __device__ __forceinline__ A sum_block(A *v, int lanes, A *shared)
{
    int me = thread_number(), first = 0, count = N, all = lanes * N;
    bool writes = true;
    for (int k = 0; k < 5; k++) {
        int offset = WARP / 2 >> k, half = N >> (k + 1);
        if (offset < lanes)
            continue;
        bool upper = (me & offset) != 0;
        if (half == 0) {
            v[0] += __shfl_xor_sync(0xffffffffu, v[0], offset);
            writes = writes && !upper;
            continue;
        }
        for (int i = 0; i < half; i++) {
            A kept = upper ? v[half + i] : v[i], sent = upper ? v[i] : v[half + i];
            v[i] = kept + __shfl_xor_sync(0xffffffffu, sent, offset);
        }
        first += upper ? half : 0;
        count = half;
    }
    A *to = shared + me / WARP * all + (me & (lanes - 1)) * N + first;
    for (int i = 0; i < N; i++)
        if (writes && i < count)
            to[i] = v[i];
    __syncthreads();
    A sum = 0;
    if (me < all)
        for (int w = 0; w < WARPS; w++)
            sum += shared[w * all + me];
    return sum;
}

#endif
