/* The threads of a launch.  Where they work apart each is a call; where they meet, a block's
 * threads are fibers that take turns. */
#include "cuda_runtime.h"
#include "emulator.h"

#include <cstdio>
#include <csetjmp>
#include <cstdlib>
#include <ucontext.h>
#include <vector>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace
{

const size_t STACK_BYTES = 64 * 1024;
const unsigned WARP = 32;

/* Threads that wait for each other: a block's, or a warp's. */
struct meeting {
    size_t members, waiting, finished;
    unsigned long round;

    void release_if_complete()
    {
        if (waiting > 0 && waiting + finished == members) {
            waiting = 0;
            round++;
        }
    }
};

/* A fiber begins through its context and then runs one thread of a block after another; turns go
 * through jumps, which need no system call. */
struct fiber {
    ucontext_t context;
    jmp_buf here;
    bool begun, done;
    std::vector<char> stack;
    dim3 index;
    meeting *warp;
};

std::vector<fiber *> fibers;
std::vector<meeting> warps;
meeting whole;
jmp_buf scheduler;
fiber *current;
size_t current_number;
void (*body)(void *);
void *body_context;
double slots[1024];
long long order; /* of turns, in this launch */

struct launch {
    dim3 grid, block;
    int joint;
    void (*body)(void *context);
    void (*forget)(void *context);
    void *context;
};

void yield()
{
    if (_setjmp(current->here) == 0)
        _longjmp(scheduler, 1);
    threadIdx = current->index;
}

void run()
{
    for (;;) {
        body(body_context);
        current->done = true;
        whole.finished++;
        current->warp->finished++;
        whole.release_if_complete();
        current->warp->release_if_complete();
        yield();
    }
}

void step(size_t number)
{
    current = fibers[number];
    current_number = number;
    threadIdx = current->index;
    if (_setjmp(scheduler) != 0)
        return;
    if (current->begun)
        _longjmp(current->here, 1);
    current->begun = true;
    setcontext(&current->context);
}

/* Waits until every unfinished member has come as far. */
void meet(meeting *at)
{
    unsigned long round = at->round;
    at->waiting++;
    at->release_if_complete();
    while (at->round == round)
        yield();
}

fiber *new_fiber()
{
    fiber *one = new fiber();
    one->stack.resize(STACK_BYTES);
    getcontext(&one->context);
    one->context.uc_stack.ss_sp = one->stack.data();
    one->context.uc_stack.ss_size = STACK_BYTES;
    one->context.uc_link = NULL;
    makecontext(&one->context, run, 0);
    return one;
}

/* The number of the k-th of count to have its turn: a GPU promises no order, so a result must not
 * depend on it. */
size_t turn(size_t k, size_t count)
{
    if (order == 0)
        return k;
    if (order == 1)
        return count - 1 - k;
    return k < (count + 1) / 2 ? 2 * k : 2 * (k - (count + 1) / 2) + 1; /* the even ones first */
}

void run_block(dim3 block)
{
    size_t count = (size_t)block.x * block.y * block.z;
    while (fibers.size() < count)
        fibers.push_back(new_fiber());
    whole = meeting{count, 0, 0, 0};
    warps.assign((count + WARP - 1) / WARP, meeting{0, 0, 0, 0});
    for (size_t k = 0; k < count; k++) {
        fibers[k]->index = dim3((unsigned)(k % block.x), (unsigned)(k / block.x % block.y),
                                (unsigned)(k / block.x / block.y));
        fibers[k]->done = false;
        fibers[k]->warp = &warps[k / WARP];
        fibers[k]->warp->members++;
    }
    for (size_t left = count; left > 0;) {
        left = 0;
        for (size_t k = 0; k < count; k++) {
            size_t number = turn(k, count);
            if (!fibers[number]->done) {
                step(number);
                left += !fibers[number]->done;
            }
        }
    }
}

void run_apart(dim3 block)
{
    size_t all = (size_t)block.x * block.y * block.z;
    for (size_t k = 0; k < all; k++) {
        size_t number = turn(k, all);
        threadIdx = dim3((unsigned)(number % block.x), (unsigned)(number / block.x % block.y),
                         (unsigned)(number / block.x / block.y));
        body(body_context);
    }
}

} // namespace

void __syncthreads()
{
    if (current == NULL) {
        fprintf(stderr, "emulator: a thread waits in a launch whose threads work apart\n");
        abort();
    }
    meet(&whole);
}

float __shfl_down_sync(unsigned, float value, unsigned offset)
{
    size_t me = current_number, last = me / WARP * WARP + WARP;
    slots[me] = value;
    meet(current->warp);
    float other = me + offset < last ? (float)slots[me + offset] : value;
    meet(current->warp);
    return other;
}

double __shfl_xor_sync(unsigned, double value, int bits)
{
    size_t me = current_number;
    slots[me] = value;
    meet(current->warp);
    double other = slots[me ^ (size_t)bits];
    meet(current->warp);
    return other;
}

float __shfl_xor_sync(unsigned mask, float value, int bits)
{
    return (float)__shfl_xor_sync(mask, (double)value, bits);
}

static void run_launch(void *context, double *)
{
    const launch *one = static_cast<launch *>(context);
    const dim3 &grid = one->grid;
    body = one->body;
    body_context = one->context;
    order = emulator_setting("order", 0);
    gridDim = grid;
    blockDim = one->block;
    size_t blocks = (size_t)grid.x * grid.y * grid.z;
    for (size_t k = 0; k < blocks; k++) {
        size_t number = turn(k, blocks);
        blockIdx = dim3((unsigned)(number % grid.x), (unsigned)(number / grid.x % grid.y),
                        (unsigned)(number / grid.x / grid.y));
        one->joint ? run_block(one->block) : run_apart(one->block);
    }
    current = NULL;
}

static void forget_launch(void *context)
{
    launch *one = static_cast<launch *>(context);
    one->forget(one->context);
    delete one;
}

cudaError_t emulate_launch(dim3 grid, dim3 block, int joint, void (*call)(void *context),
                           void (*forget)(void *context), cudaStream_t stream, void *context)
{
    EMULATOR_LOCKED;
    cudaError_t status = (cudaError_t)emulator_failure("launch");
    if (status == cudaSuccess &&
        (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.y > 65535 || grid.z > 65535 ||
         block.x * block.y * block.z > 1024 || block.x * block.y * block.z == 0))
        status = cudaErrorInvalidValue;
    if (status != cudaSuccess) {
        forget(context);
        return status;
    }
    return emulator_submit(
        stream, {run_launch, forget_launch, new launch{grid, block, joint, call, forget, context}});
}
