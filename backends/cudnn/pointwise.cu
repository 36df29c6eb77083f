/* Elementwise kernels: one sweep over memory each, 16 bytes a thread where the count is whole
 * loads. */
#include "device.cuh"

/* The coordinate within 0..size-1 that a mirror at the first and the last pixel shows. */
static __device__ int mirrored(int at, int size)
{
    while (size > 1 && (at < 0 || at >= size))
        at = at < 0 ? -at : 2 * (size - 1) - at;
    return size > 1 ? at : 0;
}

/* A thread a pixel, all its channels, stored at once where they are V. */
template <typename T, int V> static __global__ void input(const struct kernel_input work)
{
    int64_t plane = (int64_t)work.height * work.width;
    for (int64_t i = thread_first(); i < work.all * plane; i += thread_step()) {
        int64_t row = i / plane;
        int at = (int)(i % plane), y = at / work.width, x = at % work.width;
        const uint8_t *src = NULL;
        if (row < work.rows) {
            struct repro_crop crop = work.crops[row];
            int from_y = mirrored(crop.top + y, work.height);
            int from_x = mirrored(crop.left + (crop.flip ? work.width - 1 - x : x), work.width);
            src = work.call->pixels +
                  (crop.image * plane + (int64_t)from_y * work.width + from_x) * work.channels;
            if (at == 0)
                work.labels[row] = work.call->labels[crop.image];
        }
        T *dst = static_cast<T *>(work.dst) + i * work.padded;
        pack<T, V> all;
        for (int c = 0; c < V; c++)
            all.v[c] = from_float<T>(0.0f);
#pragma unroll
        for (int c = 0; c < REPRO_CHANNEL_MAX; c++)
            if (src != NULL && c < work.channels)
                all.v[c] = from_float<T>(((float)src[c] - work.mean[c]) / work.deviation[c]);
        if (work.padded == V)
            store<T, V>(dst, 0, all);
        else
            for (int c = 0; c < work.padded; c++)
                dst[c] = all.v[c];
    }
}

template <typename T>
static cudaError_t launch_input(const struct kernel_input *work, cudaStream_t stream)
{
    return LAUNCH((input<T, 16 / (int)sizeof(T)>),
                  launch_blocks(work->all * work->height * work->width), LAUNCH_THREADS, stream,
                  *work);
}

cudaError_t kernel_input(const struct kernel_input *work, cudaStream_t stream)
{
    return BY_TYPE(work->type, launch_input, work, stream);
}

/* ---- relu, add, scale: y = f(...) over packs ---- */

struct relu_forward {
    __device__ float operator()(float x, float, float) const
    {
        return x > 0.0f ? x : 0.0f;
    }
};

struct relu_gradient { /* y, dy, old */
    int add;
    __device__ float operator()(float y, float dy, float old) const
    {
        float d = y > 0.0f ? dy : 0.0f;
        return add ? old + d : d;
    }
};

struct sum_scaled {
    float scale;
    __device__ float operator()(float a, float b, float) const
    {
        return a + scale * b;
    }
};

struct scaled { /* x, -, old */
    float scale;
    int add;
    __device__ float operator()(float x, float, float old) const
    {
        return add ? old + scale * x : scale * x;
    }
};

/* to[i] = f(a[i], b[i], to[i]); b may be NULL, and `to` is read only when old. */
template <typename T, int V, typename F>
static __global__ void pointwise(int64_t count, const void *a, const void *b, void *to, int old,
                                 F f)
{
    for (int64_t i = thread_first() * V; i < count; i += thread_step() * V) {
        pack<T, V> x = load<T, V>(a, i), y = x, z = x;
        if (b != NULL)
            y = load<T, V>(b, i);
        if (old)
            z = load<T, V>(to, i);
        for (int k = 0; k < V; k++)
            z.v[k] = from_float<T>(f(to_float(x.v[k]), to_float(y.v[k]), to_float(z.v[k])));
        store<T, V>(to, i, z);
    }
}

template <typename T, int V, typename F>
static cudaError_t launch_pointwise(int64_t count, const void *a, const void *b, void *to, int old,
                                    F f, cudaStream_t stream)
{
    return LAUNCH((pointwise<T, V, F>), launch_blocks((count + V - 1) / V), LAUNCH_THREADS, stream,
                  count, a, b, to, old, f);
}

template <typename F>
static cudaError_t over(int type, int64_t count, const void *a, const void *b, void *to, int old,
                        F f, cudaStream_t stream)
{
    return BY_WIDTH(type, launch_width(count, kernel_bytes(type)), launch_pointwise, count, a, b,
                    to, old, f, stream);
}

cudaError_t kernel_relu(int type, int64_t count, const void *x, void *y, cudaStream_t stream)
{
    return over(type, count, x, NULL, y, 0, relu_forward{}, stream);
}

cudaError_t kernel_relu_backward(int type, int64_t count, const void *y, const void *dy, void *dx,
                                 int add, cudaStream_t stream)
{
    return over(type, count, y, dy, dx, add, relu_gradient{add}, stream);
}

cudaError_t kernel_add(int type, int64_t count, const void *a, const void *b, float scale, void *y,
                       cudaStream_t stream)
{
    return over(type, count, a, b, y, 0, sum_scaled{scale}, stream);
}

cudaError_t kernel_scale(int type, int64_t count, const void *x, float scale, void *y, int add,
                         cudaStream_t stream)
{
    return over(type, count, x, NULL, y, add, scaled{scale, add}, stream);
}

/* ---- concat, bias ---- */

template <typename T>
static __global__ void concat(int64_t pixels, int64_t x_channels, int64_t channels, int64_t first,
                              const T *x, T *y)
{
    for (int64_t i = thread_first(); i < pixels * x_channels; i += thread_step())
        y[i / x_channels * channels + first + i % x_channels] = x[i];
}

template <typename T>
static __global__ void concat_backward(int64_t pixels, int64_t x_channels, int64_t channels,
                                       int64_t first, const T *y, T *x, int add)
{
    for (int64_t i = thread_first(); i < pixels * x_channels; i += thread_step()) {
        float value = to_float(y[i / x_channels * channels + first + i % x_channels]);
        x[i] = from_float<T>(add ? to_float(x[i]) + value : value);
    }
}

template <typename T>
static cudaError_t launch_concat(int64_t pixels, int64_t x_channels, int64_t channels,
                                 int64_t first, const void *x, void *y, cudaStream_t stream)
{
    return LAUNCH((concat<T>), launch_blocks(pixels * x_channels), LAUNCH_THREADS, stream, pixels,
                  x_channels, channels, first, static_cast<const T *>(x), static_cast<T *>(y));
}

template <typename T>
static cudaError_t launch_concat_backward(int64_t pixels, int64_t x_channels, int64_t channels,
                                          int64_t first, const void *y, void *x, int add,
                                          cudaStream_t stream)
{
    return LAUNCH((concat_backward<T>), launch_blocks(pixels * x_channels), LAUNCH_THREADS, stream,
                  pixels, x_channels, channels, first, static_cast<const T *>(y),
                  static_cast<T *>(x), add);
}

cudaError_t kernel_concat(int type, int64_t pixels, int64_t x_channels, int64_t channels,
                          int64_t first, const void *x, void *y, cudaStream_t stream)
{
    return BY_TYPE(type, launch_concat, pixels, x_channels, channels, first, x, y, stream);
}

cudaError_t kernel_concat_backward(int type, int64_t pixels, int64_t x_channels, int64_t channels,
                                   int64_t first, const void *y, void *x, int add,
                                   cudaStream_t stream)
{
    return BY_TYPE(type, launch_concat_backward, pixels, x_channels, channels, first, y, x, add,
                   stream);
}

template <typename T>
static __global__ void bias(int64_t count, int64_t channels, const float *values, T *y)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        y[i] = from_float<T>(to_float(y[i]) + values[i % channels]);
}

template <typename T>
static cudaError_t launch_bias(int64_t count, int64_t channels, const float *values, void *y,
                               cudaStream_t stream)
{
    return LAUNCH((bias<T>), launch_blocks(count), LAUNCH_THREADS, stream, count, channels, values,
                  static_cast<T *>(y));
}

cudaError_t kernel_bias(int type, int64_t pixels, int64_t channels, const float *values, void *y,
                        cudaStream_t stream)
{
    return BY_TYPE(type, launch_bias, pixels * channels, channels, values, y, stream);
}

/* ---- dropout ---- */

/* One word of Philox4x32-10 (Salmon et al., SC11). */
static __device__ uint32_t philox(const uint32_t key_given[2], const uint32_t counter[4], int word)
{
    uint32_t key[2] = {key_given[0], key_given[1]},
             c[4] = {counter[0], counter[1], counter[2], counter[3]};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0], b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ key[0], (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c[3] ^ key[1], (uint32_t)a};
        for (int k = 0; k < 4; k++)
            c[k] = next[k];
        key[0] += 0x9E3779B9u;
        key[1] += 0xBB67AE85u;
    }
    return c[word];
}

template <typename T> static __global__ void dropout(const struct kernel_dropout work)
{
    int64_t size = work.channels * work.plane;
    float factor = 1.0f / (1.0f - work.rate);
    for (int64_t i = thread_first(); i < work.all * size; i += thread_step()) {
        int64_t row = i / size, place = i % size,
                e = place % work.channels * work.plane + place / work.channels;
        float value = 0.0f;
        if (row < work.rows) {
            uint32_t key[2] = {(uint32_t)work.call->seed, (uint32_t)(work.call->seed >> 32)};
            uint32_t counter[4] = {(uint32_t)(e / 4), (uint32_t)work.image[row], work.call->epoch,
                                   work.stream_word};
            bool kept = (double)philox(key, counter, (int)(e % 4)) * 0x1p-32 >= (double)work.rate;
            value = kept ? to_float(static_cast<const T *>(work.x)[i]) * factor : 0.0f;
        }
        T *y = static_cast<T *>(work.y) + i;
        *y = from_float<T>(work.add ? to_float(*y) + value : value);
    }
}

template <typename T>
static cudaError_t launch_dropout(const struct kernel_dropout *work, cudaStream_t stream)
{
    return LAUNCH((dropout<T>), launch_blocks(work->all * work->channels * work->plane),
                  LAUNCH_THREADS, stream, *work);
}

cudaError_t kernel_dropout(const struct kernel_dropout *work, cudaStream_t stream)
{
    return BY_TYPE(work->type, launch_dropout, work, stream);
}

/* ---- sums and copies ---- */

template <typename T>
static __global__ void accumulate(int64_t count, const T *x, float *sum, int add)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        sum[i] = add ? sum[i] + to_float(x[i]) : to_float(x[i]);
}

template <typename T>
static cudaError_t launch_accumulate(int64_t count, const void *x, float *sum, int add,
                                     cudaStream_t stream)
{
    return LAUNCH((accumulate<T>), launch_blocks(count), LAUNCH_THREADS, stream, count,
                  static_cast<const T *>(x), sum, add);
}

cudaError_t kernel_accumulate(int type, int64_t count, const void *x, float *sum, int add,
                              cudaStream_t stream)
{
    return count == 0 ? cudaSuccess : BY_TYPE(type, launch_accumulate, count, x, sum, add, stream);
}

template <typename T> static __global__ void to_single(int64_t count, const T *x, float *y)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        y[i] = to_float(x[i]);
}

template <typename T>
static cudaError_t launch_to_single(int64_t count, const void *x, float *y, cudaStream_t stream)
{
    return LAUNCH((to_single<T>), launch_blocks(count), LAUNCH_THREADS, stream, count,
                  static_cast<const T *>(x), y);
}

cudaError_t kernel_to_float(int type, int64_t count, const void *x, float *y, cudaStream_t stream)
{
    return BY_TYPE(type, launch_to_single, count, x, y, stream);
}
