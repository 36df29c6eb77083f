/* The last layers: dense, and softmax cross-entropy in double. */
#include "device.cuh"

/* ---- dense ---- */

/* A warp an output; lanes side by side along the input. */
template <typename T, typename Y>
static __global__ void dense_forward(const struct kernel_dense work)
{
    int64_t count = work.rows * work.out, step = (int64_t)gridDim.x * WARPS;
    for (int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.y; i < count; i += step) {
        const T *x = static_cast<const T *>(work.x) + i / work.out * work.in;
        const float *w = work.weights + i % work.out * work.in;
        float sum = 0.0f;
        for (int64_t k = threadIdx.x; k < work.in; k += WARP)
            sum += to_float(x[k]) * w[k];
        for (int offset = WARP / 2; offset > 0; offset /= 2)
            sum += __shfl_down_sync(0xffffffffu, sum, (unsigned)offset);
        if (threadIdx.x == 0)
            static_cast<Y *>(work.y)[i] = from_float<Y>(sum + work.bias[i % work.out]);
    }
}

/* dx[n, i] = sum over o of dy[n, o] w[o, i] */
template <typename T, typename Y> static __global__ void dense_data(const struct kernel_dense work)
{
    for (int64_t i = thread_first(); i < work.rows * work.in; i += thread_step()) {
        const Y *dy = static_cast<const Y *>(work.dy) + i / work.in * work.out;
        float sum = 0.0f;
        for (int64_t o = 0; o < work.out; o++)
            sum += to_float(dy[o]) * work.weights[o * work.in + i % work.in];
        T *dx = static_cast<T *>(work.dx) + i;
        *dx = from_float<T>(work.add ? to_float(*dx) + sum : sum);
    }
}

/* dw[o, i] += sum over n of dy[n, o] x[n, i], and db[o] += sum over n of dy[n, o]: a block has WARP
 * inputs of one output, the last block of an output its bias; each of WARPS lines sums every
 * WARPS-th row, then the lines are added in order. */
template <typename T, typename Y>
static __global__ void dense_weights(const struct kernel_dense work)
{
    __shared__ float shared[WARPS][WARP];
    int64_t o = blockIdx.y, i = (int64_t)blockIdx.x * WARP + threadIdx.x;
    bool is_bias = blockIdx.x == gridDim.x - 1;
    float sum = 0.0f;
    if (is_bias || i < work.in)
        for (int64_t n = threadIdx.y; n < work.rows; n += WARPS) {
            float dy = to_float(static_cast<const Y *>(work.dy)[n * work.out + o]);
            sum += is_bias ? dy : dy * to_float(static_cast<const T *>(work.x)[n * work.in + i]);
        }
    shared[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0)
        return;
    float all = 0.0f;
    for (int k = 0; k < WARPS; k++)
        all += shared[k][threadIdx.x];
    if (is_bias && threadIdx.x == 0)
        work.grad_bias[o] += all;
    if (!is_bias && i < work.in)
        work.grad_weights[o * work.in + i] += all;
}

template <typename T, typename Y>
static cudaError_t launch_dense(const struct kernel_dense *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((dense_forward<T, Y>), launch_blocks(work->rows * work->out * WARP),
                        dim3(WARP, WARPS), stream, *work);
}

template <typename T, typename Y>
static cudaError_t launch_dense_backward(const struct kernel_dense *work, cudaStream_t stream)
{
    cudaError_t status = LAUNCH_JOINT(
        (dense_weights<T, Y>),
        dim3((unsigned)((work->in + WARP - 1) / WARP + 1), (unsigned)work->out), dim3(WARP, WARPS),
        stream, *work);
    if (status == cudaSuccess && work->dx != NULL)
        status = LAUNCH((dense_data<T, Y>), launch_blocks(work->rows * work->in), LAUNCH_THREADS,
                        stream, *work);
    return status;
}

cudaError_t kernel_dense(const struct kernel_dense *work, cudaStream_t stream)
{
    if (work->type == KERNEL_F32)
        return launch_dense<float, float>(work, stream);
    return work->y_type == KERNEL_F32 ? launch_dense<bf16, float>(work, stream)
                                      : launch_dense<bf16, bf16>(work, stream);
}

cudaError_t kernel_dense_backward(const struct kernel_dense *work, cudaStream_t stream)
{
    if (work->type == KERNEL_F32)
        return launch_dense_backward<float, float>(work, stream);
    return work->y_type == KERNEL_F32 ? launch_dense_backward<bf16, float>(work, stream)
                                      : launch_dense_backward<bf16, bf16>(work, stream);
}

/* ---- loss ---- */

/* The largest logit, the sum of exp(logit - it), and its first place. */
template <typename T>
static __device__ int64_t softmax_of(const T *logits, int64_t classes, double *top, double *sum)
{
    int64_t best = 0;
    for (int64_t j = 1; j < classes; j++)
        if (to_float(logits[j]) > to_float(logits[best]))
            best = j;
    *top = (double)to_float(logits[best]);
    *sum = 0.0;
    for (int64_t j = 0; j < classes; j++)
        *sum += exp((double)to_float(logits[j]) - *top);
    return best;
}

/* The mean of the logits by the labels' weights. */
template <typename T>
static __device__ double target_of(const T *logits, int64_t classes, int32_t label, float smoothing)
{
    double s = (double)smoothing, sum = 0.0;
    if (smoothing == 0.0f) /* an infinite logit elsewhere has no part in it */
        return (double)to_float(logits[label]);
    for (int64_t j = 0; j < classes; j++)
        sum += (double)to_float(logits[j]);
    return (1.0 - s) * (double)to_float(logits[label]) + s / (double)classes * sum;
}

/* One block: each thread sums its rows, then the threads are added as a tree. */
template <typename T> static __global__ void loss_forward(const struct kernel_loss work)
{
    __shared__ double losses[LAUNCH_THREADS];
    __shared__ int64_t corrects[LAUNCH_THREADS];
    double loss = 0.0;
    int64_t correct = 0;
    for (int64_t n = threadIdx.x; n < work.rows; n += LAUNCH_THREADS) {
        double top, sum;
        const T *logits = static_cast<const T *>(work.logits) + n * work.classes;
        int64_t best = softmax_of(logits, work.classes, &top, &sum);
        loss += log(sum) + top - target_of(logits, work.classes, work.labels[n], work.smoothing);
        correct += best == work.labels[n];
    }
    losses[threadIdx.x] = loss;
    corrects[threadIdx.x] = correct;
    for (unsigned half = LAUNCH_THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            losses[threadIdx.x] += losses[threadIdx.x + half];
            corrects[threadIdx.x] += corrects[threadIdx.x + half];
        }
    }
    if (threadIdx.x == 0) {
        work.metrics->loss += losses[0];
        work.metrics->correct += corrects[0];
    }
}

template <typename T> static __global__ void loss_backward(const struct kernel_loss work)
{
    double scale = work.call->scale, off = (double)work.smoothing / (double)work.classes,
           on = 1.0 - (double)work.smoothing + off;
    for (int64_t n = thread_first(); n < work.all; n += thread_step()) {
        const T *logits = static_cast<const T *>(work.logits) + n * work.classes;
        T *diff = static_cast<T *>(work.diff) + n * work.classes;
        double top = 0.0, sum = 1.0;
        if (n < work.rows)
            softmax_of(logits, work.classes, &top, &sum);
        for (int64_t j = 0; j < work.classes; j++) {
            double value = n < work.rows ? exp((double)to_float(logits[j]) - top) / sum -
                                               (j == work.labels[n] ? on : off)
                                         : 0.0;
            diff[j] = from_float<T>((float)(scale * value));
        }
    }
}

template <typename T>
static cudaError_t launch_loss(const struct kernel_loss *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((loss_forward<T>), 1, LAUNCH_THREADS, stream, *work);
}

template <typename T>
static cudaError_t launch_loss_backward(const struct kernel_loss *work, cudaStream_t stream)
{
    return LAUNCH((loss_backward<T>), launch_blocks(work->all), LAUNCH_THREADS, stream, *work);
}

cudaError_t kernel_loss(const struct kernel_loss *work, cudaStream_t stream)
{
    return BY_TYPE(work->type, launch_loss, work, stream);
}

cudaError_t kernel_loss_backward(const struct kernel_loss *work, cudaStream_t stream)
{
    return BY_TYPE(work->type, launch_loss_backward, work, stream);
}
