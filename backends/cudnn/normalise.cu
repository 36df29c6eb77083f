/* The sweeps of batch norm that sum nothing: each reads its tensors once, 16 bytes a load, four
 * pixels of them on their way while the channels' numbers come. */
#include "norm.cuh"

#define PIXELS 4 /* on their way at once */

/* y = gain (x - mean) + beta, the same expression by which the way back cuts dy. */
template <typename T, int V, int SUM>
static __global__ void __launch_bounds__(LAUNCH_THREADS)
    apply_kernel(const struct kernel_norm work, const float *running)
{
    const void *one = SUM ? work.a : work.x;
    walk from = walk_from<V>(work.shape);
    if (from.rest <= 0)
        return;
    elements<T, V> x[PIXELS], y[PIXELS];
    column<V> about;
    load_pixels<T, V, PIXELS>(from, one, x);
    if (SUM)
        load_pixels<T, V, PIXELS>(from, work.b, y);
    if (running == NULL)
        read_column<V>(work, from.c, &about);
    else
        for (int k = 0; k < V; k++) {
            float variance = running[work.shape.channels + from.c + k];
            about.centre[k] = running[from.c + k];
            about.gain[k] = (work.gamma == NULL ? 1.0f : work.gamma[from.c + k]) *
                            (1.0f / sqrtf(variance + work.epsilon));
            about.shift[k] = work.beta[from.c + k];
        }
    while (from.rest > 0) {
        for (int u = 0; u < PIXELS; u++) {
            if (u * from.lines >= from.rest)
                continue;
            float values[V];
            if (SUM) {
                x[u] = add_scaled<T, V>(x[u], y[u], work.scale);
                store_raw<T, V>(work.sum, from.at + u * from.stride, x[u]);
            }
            to_floats(x[u], values);
            for (int k = 0; k < V; k++) {
                float y = about.gain[k] * (values[k] - about.centre[k]) + about.shift[k];
                values[k] = work.relu && !(y > 0.0f) ? 0.0f : y;
            }
            store_raw<T, V>(work.y, from.at + u * from.stride, from_floats<T>(values));
        }
        advance<PIXELS>(&from);
        load_pixels<T, V, PIXELS>(from, one, x);
        if (SUM)
            load_pixels<T, V, PIXELS>(from, work.b, y);
    }
}

/* dx (+)= gain (dy - a - b (x - mean)) */
template <typename T, int V, int ADD>
static __global__ void __launch_bounds__(LAUNCH_THREADS, 2)
    gradient_kernel(const struct kernel_norm work)
{
    walk from = walk_from<V>(work.shape);
    if (from.rest <= 0)
        return;
    elements<T, V> x[PIXELS], dy[PIXELS], dx[PIXELS];
    column<V> about;
    float a[V], b[V];
    int64_t channels = work.shape.channels, slopes = blockIdx.z * 2 * channels + from.c;
    load_pixels<T, V, PIXELS>(from, work.x, x);
    load_pixels<T, V, PIXELS>(from, work.dy, dy);
    if (ADD)
        load_pixels<T, V, PIXELS>(from, work.dx, dx);
    read_column<V>(work, from.c, &about);
    load_floats<V>(work.slopes + slopes, a);
    load_floats<V>(work.slopes + slopes + channels, b);
    while (from.rest > 0) {
        for (int u = 0; u < PIXELS; u++) {
            if (u * from.lines >= from.rest)
                continue;
            float values[V], diffs[V], old[V];
            to_floats(x[u], values);
            to_floats(dy[u], diffs);
            if (ADD)
                to_floats(dx[u], old);
            for (int k = 0; k < V; k++) {
                float d = values[k] - about.centre[k];
                bool passes = !work.relu || about.gain[k] * d + about.shift[k] > 0.0f;
                float value = about.gain[k] * ((passes ? diffs[k] : 0.0f) - a[k] - b[k] * d);
                values[k] = ADD ? old[k] + value : value;
            }
            store_raw<T, V>(work.dx, from.at + u * from.stride, from_floats<T>(values));
        }
        advance<PIXELS>(&from);
        load_pixels<T, V, PIXELS>(from, work.x, x);
        load_pixels<T, V, PIXELS>(from, work.dy, dy);
        if (ADD)
            load_pixels<T, V, PIXELS>(from, work.dx, dx);
    }
}

template <typename T, int V>
static cudaError_t launch_apply(const struct kernel_norm *work, const float *running,
                                cudaStream_t stream)
{
    dim3 grid = grid_of(work->shape), block = block_of(work->shape);
    return running != NULL && work->sum != NULL
               ? LAUNCH((apply_kernel<T, V, 1>), grid, block, stream, *work, running)
               : LAUNCH((apply_kernel<T, V, 0>), grid, block, stream, *work, running);
}

template <typename T, int V>
static cudaError_t launch_gradient(const struct kernel_norm *work, cudaStream_t stream)
{
    dim3 grid = grid_of(work->shape), block = block_of(work->shape);
    return work->add ? LAUNCH((gradient_kernel<T, V, 1>), grid, block, stream, *work)
                     : LAUNCH((gradient_kernel<T, V, 0>), grid, block, stream, *work);
}

static struct kernel_norm streamed(const struct kernel_norm *work)
{
    struct kernel_norm to = *work;
    to.shape = launch_stream(&work->shape);
    return to;
}

cudaError_t kernel_norm_apply(const struct kernel_norm *work, const float *running,
                              cudaStream_t stream)
{
    struct kernel_norm cut = streamed(work);
    return BY_WIDTH(cut.type, cut.shape.width, launch_apply, &cut, running, stream);
}

cudaError_t norm_gradient(const struct kernel_norm *work, cudaStream_t stream)
{
    struct kernel_norm cut = streamed(work);
    return BY_WIDTH(cut.type, cut.shape.width, launch_gradient, &cut, stream);
}
