/* emulator.h -- a GPU that is not there, for tests: CUDA's runtime and cuDNN's graph API, as far as
 * the cudnn backend calls them, computed by this processor.
 *
 * It runs the backend's own host code and its own kernels, thread by thread, so it finds wrong
 * indices, wrong sums, wrong lives of buffers and mishandled errors.  Turns in another order show a
 * barrier that is missing between threads, and an edge that is missing in a graph, if not every
 * race.  It says nothing of speed or of what cuDNN really computes.
 *
 * $REPRO_EMULATED_GPU describes the device and what goes wrong, as NAME=NUMBER words:
 *   devices=N         GPUs (default 1)             capability=N   compute capability times ten (90)
 *   driver=N          CUDA version it knows (13000; 0: no driver)    cudnn=N   cudnnGetVersion
 *                     (91900)
 *   memory=N          bytes of device memory (8 GiB)       model=N   a number behind the device's
 *                     name
 *   order=K           who has its turn when, of a launch's blocks and a block's threads: 0 by
 *                     number, 1 from the last
 *                     on, 2 the even ones first; of a graph's nodes that are ready: 0 as captured,
 *                         1 the last first,
 *                     2 by turns.  Taken when a launch runs and when a graph is instantiated.
 *   lazy=1            work on a stream waits in its queue until something waits for it; else it is
 *                     done at once
 *   slow=N            a convolution by engine N takes a second more by the clock of events, and no
 *                     longer in fact
 *   CALL@N=CODE       the N-th call of that function, from 1, returns the code.  "launch" counts
 *                     kernel launches,
 *                     "execute" convolutions, as they are called, not as they run.  A lost device
 *                         (code 46, or from 200
 *                     on but for the codes that accuse the caller: 400, 401, 600, 900 to 908) stays
 *                         lost, as with CUDA.
 *
 * It is stricter than CUDA in two things: a captured copy must not touch pageable memory, and a
 * graph must not be launched into a capture.
 *
 * Any thread may call.  One lock covers a whole call, and with it all work that the call runs.
 */
#ifndef DEVICE_EMULATOR_H
#define DEVICE_EMULATOR_H

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of a word; `otherwise` when it is not there. */
long long emulator_setting(const char *name, long long otherwise);

/* ---- Under the lock ---- */

/* Holds the lock from here to the end of the block. */
#define EMULATOR_LOCKED                                            \
    __attribute__((cleanup(emulator_unlock))) int emulator_locked; \
    emulator_lock(&emulator_locked)
void emulator_lock(int *held);
void emulator_unlock(int *held);

/* What this call of `function` is to return: 0, an injected code, or the code by which the device
 * was lost. */
int emulator_failure(const char *function);
#define MAY_FAIL(function)                         \
    do {                                           \
        int injected = emulator_failure(function); \
        if (injected != 0)                         \
            return (cudaError_t)injected;          \
    } while (0)

/* Zeroed memory; ends the process when there is none. */
void *emulator_allocate(size_t bytes);

/* A piece of work: run() does it, as often as it is replayed, and may add seconds to what its
 * stream's clock is ahead by; forget() frees the context. */
struct emulator_work {
    void (*run)(void *context, double *ahead);
    void (*forget)(void *context);
    void *context;
};
/* Does it, queues it, or records it in the graph that the stream captures.  The work is the
 * emulator's from here on, whatever is returned. */
cudaError_t emulator_submit(cudaStream_t stream, struct emulator_work work);

#ifdef __cplusplus
}
#endif

#endif
