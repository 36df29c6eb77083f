/* Pools.  Backward gathers: each source pixel asks the windows over it, in their order, so nothing
 * is added atomically.  A thread has V channels of a pixel side by side, 16 bytes where the count
 * allows: they share its place, its windows and its loads, and no sum's order.
 */
#include "device.cuh"

/* The window of output (y, x): rows top..bottom-1 and columns left..right-1 of the source. */
struct window {
    int top, bottom, left, right;
};

static __device__ window window_at(const struct kernel_pool &work, int y, int x)
{
    int top = y * work.stride_h - work.pad_top, left = x * work.stride_w - work.pad_left;
    int bottom = top + work.kernel_h, right = left + work.kernel_w;
    window w = {top < 0 ? 0 : top, bottom > work.src_height ? work.src_height : bottom,
                left < 0 ? 0 : left, right > work.src_width ? work.src_width : right};
    return w;
}

/* The outputs along one axis whose windows hold source position `at`: first..last. */
static __device__ void windows_over(int at, int pad, int kernel, int stride, int count, int *first,
                                    int *last)
{
    int low = at + pad - kernel + 1;
    *first = low <= 0 ? 0 : (low + stride - 1) / stride;
    *last = (at + pad) / stride;
    *last = *last < count ? *last : count - 1;
}

struct place {
    int64_t row;
    int y, x;
    int64_t c;
};

static __device__ place place_of(int64_t i, int height, int width, int64_t channels)
{
    place p;
    p.c = i % channels;
    i /= channels;
    p.x = (int)(i % width);
    i /= width;
    p.y = (int)(i % height);
    p.row = i / height;
    return p;
}

static __device__ int64_t src_index(const struct kernel_pool &work, const place &p, int y, int x)
{
    return ((p.row * work.src_height + y) * work.src_width + x) * work.channels + p.c;
}

static __device__ int64_t dst_index(const struct kernel_pool &work, const place &p, int y, int x)
{
    return ((p.row * work.height + y) * work.width + x) * work.channels + p.c;
}

/* What V sums begin with: what is there, or 0. */
template <typename T, int V>
static __device__ void sums_begin(const struct kernel_pool &work, int64_t i, float *sums)
{
    for (int k = 0; k < V; k++)
        sums[k] = 0.0f;
    if (!work.add)
        return;
    pack<T, V> old = load<T, V>(work.dx, i);
    for (int k = 0; k < V; k++)
        sums[k] = to_float(old.v[k]);
}

template <typename T, int V>
static __device__ void store_rounded(void *to, int64_t i, const float *values)
{
    pack<T, V> rounded;
    for (int k = 0; k < V; k++)
        rounded.v[k] = from_float<T>(values[k]);
    store<T, V>(to, i, rounded);
}

template <typename T, int V> static __global__ void max_forward(const struct kernel_pool work)
{
    int64_t count = work.rows * work.height * work.width * work.channels;
    for (int64_t i = thread_first() * V; i < count; i += thread_step() * V) {
        place p = place_of(i, work.height, work.width, work.channels);
        window w = window_at(work, p.y, p.x);
        float best[V];
        int winner[V];
        for (int k = 0; k < V; k++) {
            best[k] = 0.0f;
            winner[k] = -1;
        }
        for (int y = w.top; y < w.bottom; y++)
            for (int x = w.left; x < w.right; x++) {
                pack<T, V> src = load<T, V>(work.x, src_index(work, p, y, x));
                int tap = (y - p.y * work.stride_h + work.pad_top) * work.kernel_w + x -
                          p.x * work.stride_w + work.pad_left;
                for (int k = 0; k < V; k++) {
                    float value = to_float(src.v[k]);
                    if (winner[k] < 0 || value > best[k]) {
                        best[k] = value;
                        winner[k] = tap;
                    }
                }
            }
        store_rounded<T, V>(work.y, i, best);
        pack<uint16_t, V> taps;
        for (int k = 0; k < V; k++)
            taps.v[k] = (uint16_t)winner[k];
        store<uint16_t, V>(work.winner, i, taps);
    }
}

template <typename T, int V> static __global__ void max_backward(const struct kernel_pool work)
{
    int64_t count = work.rows * work.src_height * work.src_width * work.channels;
    for (int64_t i = thread_first() * V; i < count; i += thread_step() * V) {
        place p = place_of(i, work.src_height, work.src_width, work.channels);
        int y0, y1, x0, x1;
        windows_over(p.y, work.pad_top, work.kernel_h, work.stride_h, work.height, &y0, &y1);
        windows_over(p.x, work.pad_left, work.kernel_w, work.stride_w, work.width, &x0, &x1);
        float sums[V];
        sums_begin<T, V>(work, i, sums);
        for (int y = y0; y <= y1; y++)
            for (int x = x0; x <= x1; x++) {
                int tap = (p.y - y * work.stride_h + work.pad_top) * work.kernel_w + p.x -
                          x * work.stride_w + work.pad_left;
                int64_t at = dst_index(work, p, y, x);
                pack<uint16_t, V> winner = load<uint16_t, V>(work.winner, at);
                pack<T, V> dy = load<T, V>(work.dy, at);
                for (int k = 0; k < V; k++)
                    if (winner.v[k] == tap)
                        sums[k] += to_float(dy.v[k]);
            }
        store_rounded<T, V>(work.dx, i, sums);
    }
}

static __device__ int window_size(const window &w)
{
    return w.bottom > w.top && w.right > w.left ? (w.bottom - w.top) * (w.right - w.left) : 0;
}

template <typename T, int V> static __global__ void avg_forward(const struct kernel_pool work)
{
    int64_t count = work.rows * work.height * work.width * work.channels;
    for (int64_t i = thread_first() * V; i < count; i += thread_step() * V) {
        place p = place_of(i, work.height, work.width, work.channels);
        window w = window_at(work, p.y, p.x);
        float sums[V];
        for (int k = 0; k < V; k++)
            sums[k] = 0.0f;
        for (int y = w.top; y < w.bottom; y++)
            for (int x = w.left; x < w.right; x++) {
                pack<T, V> src = load<T, V>(work.x, src_index(work, p, y, x));
                for (int k = 0; k < V; k++)
                    sums[k] += to_float(src.v[k]);
            }
        int size = window_size(w);
        for (int k = 0; k < V; k++)
            sums[k] = size == 0 ? 0.0f : sums[k] / (float)size;
        store_rounded<T, V>(work.y, i, sums);
    }
}

template <typename T, int V> static __global__ void avg_backward(const struct kernel_pool work)
{
    int64_t count = work.rows * work.src_height * work.src_width * work.channels;
    for (int64_t i = thread_first() * V; i < count; i += thread_step() * V) {
        place p = place_of(i, work.src_height, work.src_width, work.channels);
        int y0, y1, x0, x1;
        windows_over(p.y, work.pad_top, work.kernel_h, work.stride_h, work.height, &y0, &y1);
        windows_over(p.x, work.pad_left, work.kernel_w, work.stride_w, work.width, &x0, &x1);
        float sums[V];
        sums_begin<T, V>(work, i, sums);
        for (int y = y0; y <= y1; y++)
            for (int x = x0; x <= x1; x++) {
                pack<T, V> dy = load<T, V>(work.dy, dst_index(work, p, y, x));
                float size = (float)window_size(window_at(work, y, x));
                for (int k = 0; k < V; k++)
                    sums[k] += to_float(dy.v[k]) / size;
            }
        store_rounded<T, V>(work.dx, i, sums);
    }
}

#define POOL(name, kernel, count)                                                                 \
    template <typename T, int V>                                                                  \
    static cudaError_t launch_##kernel(const struct kernel_pool *work, cudaStream_t stream)       \
    {                                                                                             \
        return LAUNCH((kernel<T, V>), launch_blocks((count) / V), LAUNCH_THREADS, stream, *work); \
    }                                                                                             \
    cudaError_t name(const struct kernel_pool *work, cudaStream_t stream)                         \
    {                                                                                             \
        return BY_WIDTH(work->type, launch_width(work->channels, kernel_bytes(work->type)),       \
                        launch_##kernel, work, stream);                                           \
    }
POOL(kernel_max_pool, max_forward, work->rows * work->height * work->width * work->channels)
POOL(kernel_max_pool_backward, max_backward,
     work->rows * work->src_height * work->src_width * work->channels)
POOL(kernel_avg_pool, avg_forward, work->rows * work->height * work->width * work->channels)
POOL(kernel_avg_pool_backward, avg_backward,
     work->rows * work->src_height * work->src_width * work->channels)

/* ---- The mean over a whole plane ---- */

template <typename T>
static __global__ void mean(int64_t rows, int64_t plane, int64_t channels, const T *x, T *y)
{
    for (int64_t i = thread_first(); i < rows * channels; i += thread_step()) {
        const T *from = x + i / channels * plane * channels + i % channels;
        float sum = 0.0f;
        for (int64_t p = 0; p < plane; p++)
            sum += to_float(from[p * channels]);
        y[i] = from_float<T>(sum / (float)plane);
    }
}

template <typename T>
static __global__ void mean_backward(int64_t rows, int64_t plane, int64_t channels, const T *dy,
                                     T *dx, int add)
{
    for (int64_t i = thread_first(); i < rows * plane * channels; i += thread_step()) {
        float value = to_float(dy[i / (plane * channels) * channels + i % channels]) / (float)plane;
        dx[i] = from_float<T>(add ? to_float(dx[i]) + value : value);
    }
}

template <typename T>
static cudaError_t launch_mean(int64_t rows, int64_t plane, int64_t channels, const void *x,
                               void *y, cudaStream_t stream)
{
    return LAUNCH((mean<T>), launch_blocks(rows * channels), LAUNCH_THREADS, stream, rows, plane,
                  channels, static_cast<const T *>(x), static_cast<T *>(y));
}

template <typename T>
static cudaError_t launch_mean_backward(int64_t rows, int64_t plane, int64_t channels,
                                        const void *dy, void *dx, int add, cudaStream_t stream)
{
    return LAUNCH((mean_backward<T>), launch_blocks(rows * plane * channels), LAUNCH_THREADS,
                  stream, rows, plane, channels, static_cast<const T *>(dy), static_cast<T *>(dx),
                  add);
}

cudaError_t kernel_mean(int type, int64_t rows, int64_t plane, int64_t channels, const void *x,
                        void *y, cudaStream_t stream)
{
    return BY_TYPE(type, launch_mean, rows, plane, channels, x, y, stream);
}

cudaError_t kernel_mean_backward(int type, int64_t rows, int64_t plane, int64_t channels,
                                 const void *dy, void *dx, int add, cudaStream_t stream)
{
    return BY_TYPE(type, launch_mean_backward, rows, plane, channels, dy, dx, add, stream);
}
