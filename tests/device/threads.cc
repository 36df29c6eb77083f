/* The threads of a launch.  Where they work apart each is a call; where they meet, a block's threads are fibers that take turns. */
#include "cuda_runtime.h"
#include "emulator.h"

#include <cstdio>
#include <csetjmp>
#include <cstdlib>
#include <ucontext.h>
#include <vector>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace {

const size_t STACK_BYTES = 64 * 1024;
const unsigned WARP = 32;

/* A fiber begins through its context; later turns go through jumps, which need no system call. */
struct fiber {
    ucontext_t context;
    jmp_buf here;
    bool begun;
    std::vector<char> stack;
    dim3 index;
    bool done;
    unsigned long barriers; /* passed so far; those of a shuffle count too */
};

std::vector<fiber> fibers;
jmp_buf scheduler;
fiber *current;
size_t count;
void (*body)(void *);
void *body_context;
float slots[1024];

void run()
{
    body(body_context);
    current->done = true;
    _longjmp(scheduler, 1);
}

void step(fiber &one)
{
    current = &one;
    threadIdx = one.index;
    if (_setjmp(scheduler) != 0)
        return;
    if (one.begun)
        _longjmp(one.here, 1);
    one.begun = true;
    setcontext(&one.context);
}

/* Waits until every unfinished fiber of first..last has come as far. */
void meet(size_t first, size_t last)
{
    fiber *me = current;
    me->barriers++;
    for (;;) {
        bool all = true;
        for (size_t k = first; k < last; k++)
            all = all && (fibers[k].done || fibers[k].barriers >= me->barriers);
        if (all)
            return;
        if (_setjmp(me->here) == 0)
            _longjmp(scheduler, 1);
    }
}

void run_block(dim3 block)
{
    count = (size_t)block.x * block.y * block.z;
    if (fibers.size() < count)
        fibers.resize(count);
    for (size_t k = 0; k < count; k++) {
        fiber &one = fibers[k];
        one.stack.resize(STACK_BYTES);
        one.index = dim3((unsigned)(k % block.x), (unsigned)(k / block.x % block.y), (unsigned)(k / block.x / block.y));
        one.begun = one.done = false;
        one.barriers = 0;
        getcontext(&one.context);
        one.context.uc_stack.ss_sp = one.stack.data();
        one.context.uc_stack.ss_size = STACK_BYTES;
        one.context.uc_link = NULL;
        makecontext(&one.context, run, 0);
    }
    for (size_t left = count; left > 0;) {
        left = 0;
        for (size_t k = 0; k < count; k++)
            if (!fibers[k].done) {
                step(fibers[k]);
                left += !fibers[k].done;
            }
    }
}

void run_apart(dim3 block)
{
    for (threadIdx.z = 0; threadIdx.z < block.z; threadIdx.z++)
        for (threadIdx.y = 0; threadIdx.y < block.y; threadIdx.y++)
            for (threadIdx.x = 0; threadIdx.x < block.x; threadIdx.x++)
                body(body_context);
}

} // namespace

void __syncthreads()
{
    if (current == NULL) {
        fprintf(stderr, "emulator: a thread waits in a launch whose threads work apart\n");
        abort();
    }
    meet(0, count);
    threadIdx = current->index;
}

float __shfl_down_sync(unsigned, float value, unsigned offset)
{
    size_t me = (size_t)(current - fibers.data()), first = me / WARP * WARP, last = first + WARP < count ? first + WARP : count;
    slots[me] = value;
    meet(first, last);
    float other = me + offset < last ? slots[me + offset] : value;
    meet(first, last);
    threadIdx = current->index;
    return other;
}

cudaError_t emulate_launch(dim3 grid, dim3 block, int joint, void (*call)(void *context), void *context)
{
    int injected = emulator_failure("launch");
    if (injected != 0)
        return (cudaError_t)injected;
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535 || block.x * block.y * block.z > 1024 ||
        block.x * block.y * block.z == 0)
        return cudaErrorInvalidValue;
    body = call;
    body_context = context;
    gridDim = grid;
    blockDim = block;
    for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
                joint ? run_block(block) : run_apart(block);
    current = NULL;
    return cudaSuccess;
}
