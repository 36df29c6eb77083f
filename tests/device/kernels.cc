/* The backend's kernels, compiled for the processor. */
#include "cuda_runtime.h"

#include "cudnn/head.cu"
#include "cudnn/norm.cu"
#include "cudnn/normalise.cu"
#include "cudnn/pointwise.cu"
#include "cudnn/pool.cu"
#include "cudnn/update.cu"
