/* emulator.h -- a GPU that is not there, for tests: CUDA's runtime and cuDNN's graph API, as far as the cudnn backend
 * calls them, computed by this processor.
 *
 * It runs the backend's own host code and its own kernels, thread by thread, so it finds wrong indices, wrong sums,
 * wrong lives of buffers and mishandled errors.  Turns in another order show a barrier that is missing between threads,
 * if not every race.  It says nothing of speed or of what cuDNN really computes.
 *
 * $REPRO_EMULATED_GPU describes the device and what goes wrong, as NAME=NUMBER words:
 *   devices=N         GPUs (default 1)             capability=N   compute capability times ten (90)
 *   driver=N          CUDA version it knows (13000; 0: no driver)    cudnn=N   cudnnGetVersion (91900)
 *   memory=N          bytes of device memory (8 GiB)       model=N   a number behind the device's name
 *   slow=N            engine N of cuDNN takes a second more, on the clock of events, which nobody waits for
 *   order=K           who has its turn when, of a launch's blocks and a block's threads: 0 by number, 1 from the last
 * on, 2 the even ones first.  A missing barrier shows as other bits. CALL@N=CODE       the N-th call of that function,
 * from 1, returns the code; a lost device (code 46 or from 200 on) stays lost, as with CUDA.  "launch" counts kernel
 * launches, "execute" convolutions.
 */
#ifndef DEVICE_EMULATOR_H
#define DEVICE_EMULATOR_H

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of a word; `otherwise` when it is not there. */
long long emulator_setting(const char *name, long long otherwise);
/* Lets a second pass on the events' clock, without waiting. */
void emulator_delay(void);
/* What this call of `function` is to return: 0, an injected code, or the code by which the device was lost. */
int emulator_failure(const char *function);

#ifdef __cplusplus
}
#endif

#endif
