/* Batch norm over all ghosts of a micro.  Memory is what it costs, so each pass reads its tensors once, 16 bytes a
 * thread, and sums go from threads through shared memory to one partial sum a block; the last block of a ghost's
 * channels, known by a ticket, adds the partial sums in their order.  The order follows from the shape alone. */
#include "device.cuh"

#define WIDTH_MAX 8

enum { SUMS_STATISTICS, SUMS_GRADIENT, SUMS_BIAS };

/* Whether this block is the last of `count` to get here; every thread gets the answer, and sees what the others wrote.
 */
static __device__ bool is_last(unsigned *ticket, unsigned count, bool *shared)
{
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0) {
        *shared = atomicAdd(ticket, 1u) == count - 1;
        if (*shared)
            *ticket = 0;
    }
    __syncthreads();
    bool last = *shared;
    __syncthreads();
    if (last)
        __threadfence();
    return last;
}

/* Each channel's two sums over its ghost, in the order of the splits. */
static __device__ void total(const struct kernel_norm &work, int64_t ghost, int64_t c, double *a, double *b)
{
    *a = *b = 0.0;
    for (int32_t s = 0; s < work.shape.splits; s++) {
        const float *partial = work.scratch + (ghost * work.shape.splits + s) * 2 * work.shape.channels;
        *a += (double)__ldcg(partial + c);
        *b += (double)__ldcg(partial + work.shape.channels + c);
    }
}

template <typename T> static __device__ void finish_statistics(const struct kernel_norm &work, int64_t ghost, int64_t c)
{
    double a, b, n = (double)work.shape.pixels;
    total(work, ghost, c, &a, &b);
    float pivot = to_float(static_cast<const T *>(work.x)[ghost * work.shape.pixels * work.shape.channels + c]);
    double offset = a / n, variance = b / n - offset * offset;
    variance = variance > 0.0 ? variance : 0.0;
    int64_t at = ghost * work.shape.channels + c;
    work.mean[at] = (float)((double)pivot + offset);
    work.variance[at] = (float)variance;
    work.inverse[at] = (float)(1.0 / sqrt(variance + (double)work.epsilon));
}

/* slopes: the two coefficients of dx; sums: this ghost's share of the gradients of beta and gamma. */
static __device__ void finish_gradient(const struct kernel_norm &work, int64_t ghost, int64_t c)
{
    double a, b, n = (double)work.shape.pixels;
    int64_t channels = work.shape.channels;
    double inverse = (double)work.inverse[ghost * channels + c];
    total(work, ghost, c, &a, &b);
    work.slopes[ghost * 2 * channels + c] = (float)(a / n);
    work.slopes[(ghost * 2 + 1) * channels + c] = (float)(b * inverse * inverse / n);
    work.sums[ghost * 2 * channels + c] = a;
    work.sums[(ghost * 2 + 1) * channels + c] = b * inverse;
}

/* All ghosts that count, in order, into PARTIAL. */
static __device__ void finish_channel(const struct kernel_norm &work, int64_t c)
{
    int64_t channels = work.shape.channels;
    double beta = 0.0, gamma = 0.0, mean = 0.0, variance = 0.0;
    for (int64_t g = 0; g < work.counted; g++) {
        beta += __ldcg(work.sums + g * 2 * channels + c);
        gamma += __ldcg(work.sums + (g * 2 + 1) * channels + c);
        mean += (double)work.mean[g * channels + c];
        variance += (double)work.variance[g * channels + c];
    }
    work.grad_beta[c] += (float)beta;
    work.grad_gamma[c] += (float)gamma;
    work.sum_mean[c] += (float)mean;
    work.sum_variance[c] += (float)variance;
}

/* What the sums of a channel need: about what the values are taken, and how dy is cut. */
template <int V> struct column {
    float centre[V], gain[V], shift[V];
};

template <typename T, int V, int KIND>
static __device__ void read_column(const struct kernel_norm &work, int64_t ghost, int64_t c, column<V> *to)
{
    int64_t channels = work.shape.channels;
    for (int k = 0; k < V; k++) {
        if (KIND == SUMS_STATISTICS)
            to->centre[k] = to_float(static_cast<const T *>(work.x)[ghost * work.shape.pixels * channels + c + k]);
        if (KIND == SUMS_GRADIENT) {
            to->centre[k] = work.mean[ghost * channels + c + k];
            to->gain[k] = work.gamma[c + k] * work.inverse[ghost * channels + c + k];
            to->shift[k] = work.beta[c + k];
        }
    }
}

/* grid tiles x splits x ghosts, block lanes x lines. */
template <typename T, int V, int KIND> static __global__ void norm_sums(const struct kernel_norm work)
{
    __shared__ float shared[2 * LAUNCH_THREADS * WIDTH_MAX];
    __shared__ bool last;
    const struct launch_columns &shape = work.shape;
    int64_t channels = shape.channels, ghost = blockIdx.z, split = blockIdx.y;
    int64_t c = ((int64_t)blockIdx.x * shape.lanes + threadIdx.x) * V;
    int lane = threadIdx.x, line = threadIdx.y;
    float a[V], b[V];
    for (int k = 0; k < V; k++)
        a[k] = b[k] = 0.0f;
    if (c < channels) {
        int64_t first = split * shape.split_pixels, end = first + shape.split_pixels;
        end = end < shape.pixels ? end : shape.pixels;
        column<V> about;
        read_column<T, V, KIND>(work, ghost, c, &about);
        for (int64_t p = first + line; p < end; p += shape.lines) {
            int64_t at = (ghost * shape.pixels + p) * channels + c;
            pack<T, V> x = load<T, V>(KIND == SUMS_BIAS ? work.dy : work.x, at), dy = x;
            if (KIND == SUMS_GRADIENT)
                dy = load<T, V>(work.dy, at);
            for (int k = 0; k < V; k++) {
                if (KIND == SUMS_BIAS) {
                    a[k] += to_float(x.v[k]);
                    continue;
                }
                float d = to_float(x.v[k]) - about.centre[k], weight = d;
                if (KIND == SUMS_GRADIENT)
                    weight = !work.relu || about.gain[k] * d + about.shift[k] > 0.0f ? to_float(dy.v[k]) : 0.0f;
                a[k] += weight;
                b[k] += weight * d;
            }
        }
    }
    int threads = shape.lanes * shape.lines, me = line * shape.lanes + lane;
    for (int k = 0; k < V; k++) {
        shared[k * threads + me] = a[k];
        shared[(V + k) * threads + me] = b[k];
    }
    for (int half = shape.lines / 2; half > 0; half /= 2) {
        __syncthreads();
        if (line < half)
            for (int k = 0; k < 2 * V; k++)
                shared[k * threads + me] += shared[k * threads + me + half * shape.lanes];
    }
    if (line == 0 && c < channels) {
        float *partial = work.scratch + (ghost * shape.splits + split) * 2 * channels;
        for (int k = 0; k < V; k++) {
            partial[c + k] = shared[k * threads + me];
            partial[channels + c + k] = shared[(V + k) * threads + me];
        }
    }
    if (!is_last(work.tickets + ghost * shape.tiles + blockIdx.x, (unsigned)shape.splits, &last))
        return;
    int64_t begin = (int64_t)blockIdx.x * shape.lanes * V, behind = begin + (int64_t)shape.lanes * V;
    behind = behind < channels ? behind : channels;
    for (int64_t j = begin + me; j < behind; j += threads) {
        if (KIND == SUMS_STATISTICS)
            finish_statistics<T>(work, ghost, j);
        if (KIND == SUMS_GRADIENT)
            finish_gradient(work, ghost, j);
        if (KIND == SUMS_BIAS) {
            double sum, none;
            total(work, ghost, j, &sum, &none);
            work.grad_beta[j] += (float)sum;
        }
    }
    if (KIND == SUMS_GRADIENT &&
        is_last(work.tickets + shape.ghosts * shape.tiles + blockIdx.x, (unsigned)shape.ghosts, &last))
        for (int64_t j = begin + me; j < behind; j += threads)
            finish_channel(work, j);
}

/* y = gain (x - mean) + beta, the same expression by which the backward pass cuts dy. */
template <typename T, int V> static __global__ void norm_apply(const struct kernel_norm work, const float *running)
{
    const struct launch_columns &shape = work.shape;
    int64_t channels = shape.channels, ghost = blockIdx.z;
    int64_t c = ((int64_t)blockIdx.x * shape.lanes + threadIdx.x) * V;
    if (c >= channels)
        return;
    float mean[V], gain[V], shift[V];
    for (int k = 0; k < V; k++) {
        int64_t at = ghost * channels + c + k;
        mean[k] = running != NULL ? running[c + k] : work.mean[at];
        gain[k] = work.gamma[c + k] *
                  (running != NULL ? 1.0f / sqrtf(running[channels + c + k] + work.epsilon) : work.inverse[at]);
        shift[k] = work.beta[c + k];
    }
    int64_t first = blockIdx.y * shape.split_pixels, end = first + shape.split_pixels;
    end = end < shape.pixels ? end : shape.pixels;
    for (int64_t p = first + threadIdx.y; p < end; p += shape.lines) {
        int64_t at = (ghost * shape.pixels + p) * channels + c;
        pack<T, V> x = load<T, V>(work.x, at);
        for (int k = 0; k < V; k++) {
            float y = gain[k] * (to_float(x.v[k]) - mean[k]) + shift[k];
            x.v[k] = from_float<T>(work.relu && !(y > 0.0f) ? 0.0f : y);
        }
        store<T, V>(work.y, at, x);
    }
}

/* dx (+)= gain (dy - a - b (x - mean)) */
template <typename T, int V> static __global__ void norm_gradient(const struct kernel_norm work)
{
    const struct launch_columns &shape = work.shape;
    int64_t channels = shape.channels, ghost = blockIdx.z;
    int64_t c = ((int64_t)blockIdx.x * shape.lanes + threadIdx.x) * V;
    if (c >= channels)
        return;
    column<V> about;
    read_column<T, V, SUMS_GRADIENT>(work, ghost, c, &about);
    float slope_a[V], slope_b[V];
    for (int k = 0; k < V; k++) {
        slope_a[k] = work.slopes[ghost * 2 * channels + c + k];
        slope_b[k] = work.slopes[(ghost * 2 + 1) * channels + c + k];
    }
    int64_t first = blockIdx.y * shape.split_pixels, end = first + shape.split_pixels;
    end = end < shape.pixels ? end : shape.pixels;
    for (int64_t p = first + threadIdx.y; p < end; p += shape.lines) {
        int64_t at = (ghost * shape.pixels + p) * channels + c;
        pack<T, V> x = load<T, V>(work.x, at), dy = load<T, V>(work.dy, at), dx = x;
        if (work.add)
            dx = load<T, V>(work.dx, at);
        for (int k = 0; k < V; k++) {
            float d = to_float(x.v[k]) - about.centre[k];
            float g = !work.relu || about.gain[k] * d + about.shift[k] > 0.0f ? to_float(dy.v[k]) : 0.0f;
            float value = about.gain[k] * (g - slope_a[k] - slope_b[k] * d);
            dx.v[k] = from_float<T>(work.add ? to_float(dx.v[k]) + value : value);
        }
        store<T, V>(work.dx, at, dx);
    }
}

static dim3 grid_of(const struct launch_columns &shape)
{
    return dim3((unsigned)shape.tiles, (unsigned)shape.splits, (unsigned)shape.ghosts);
}

static dim3 block_of(const struct launch_columns &shape)
{
    return dim3((unsigned)shape.lanes, (unsigned)shape.lines);
}

template <typename T, int V> static cudaError_t statistics(const struct kernel_norm *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((norm_sums<T, V, SUMS_STATISTICS>), grid_of(work->shape), block_of(work->shape), stream, *work);
}

template <typename T, int V>
static cudaError_t apply(const struct kernel_norm *work, const float *running, cudaStream_t stream)
{
    return LAUNCH((norm_apply<T, V>), grid_of(work->shape), block_of(work->shape), stream, *work, running);
}

template <typename T, int V> static cudaError_t backward(const struct kernel_norm *work, cudaStream_t stream)
{
    cudaError_t status = LAUNCH_JOINT((norm_sums<T, V, SUMS_GRADIENT>), grid_of(work->shape), block_of(work->shape),
                                      stream, *work);
    if (status == cudaSuccess && work->dx != NULL)
        status = LAUNCH((norm_gradient<T, V>), grid_of(work->shape), block_of(work->shape), stream, *work);
    return status;
}

template <typename T, int V> static cudaError_t bias(const struct kernel_norm *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((norm_sums<T, V, SUMS_BIAS>), grid_of(work->shape), block_of(work->shape), stream, *work);
}

cudaError_t kernel_norm_statistics(const struct kernel_norm *work, cudaStream_t stream)
{
    return BY_WIDTH(work->type, work->shape.width, statistics, work, stream);
}

cudaError_t kernel_norm_apply(const struct kernel_norm *work, const float *running, cudaStream_t stream)
{
    return BY_WIDTH(work->type, work->shape.width, apply, work, running, stream);
}

cudaError_t kernel_norm_backward(const struct kernel_norm *work, cudaStream_t stream)
{
    return BY_WIDTH(work->type, work->shape.width, backward, work, stream);
}

cudaError_t kernel_bias_gradient(int type, const struct launch_columns *shape, const void *dy, float *scratch,
                                 unsigned *tickets, float *grad, cudaStream_t stream)
{
    struct kernel_norm work = {};
    work.shape = *shape;
    work.dy = dy;
    work.scratch = scratch;
    work.tickets = tickets;
    work.grad_beta = grad;
    return BY_WIDTH(type, shape->width, bias, &work, stream);
}
