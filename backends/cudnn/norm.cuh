/* norm.cuh -- what the batch-norm kernels share: a thread's walk over the pixels of its channels,
 * and what it knows about them. */
#ifndef CUDNN_NORM_CUH
#define CUDNN_NORM_CUH

#include "device.cuh"

#include <string.h>

/* dx (+)= the gradient, from what norm_sums left; one launch. */
cudaError_t norm_gradient(const struct kernel_norm *work, cudaStream_t stream);

static inline dim3 grid_of(const struct launch_columns &shape)
{
    return dim3((unsigned)shape.tiles, (unsigned)shape.splits, (unsigned)shape.ghosts);
}

static inline dim3 block_of(const struct launch_columns &shape)
{
    return dim3((unsigned)shape.lanes, (unsigned)shape.lines);
}

/* The pixels of this thread in its split, `lines` apart, the channels from c on. */
struct walk {
    int64_t c;           /* may lie behind the last channel: then no pixel is left */
    int64_t at, stride;  /* elements: of the next pixel, and from one pixel to the next */
    int32_t lines, rest; /* pixel u from here on is there while u * lines < rest */
};

template <int V>
static __device__ __forceinline__ walk walk_from(const struct launch_columns &shape)
{
    int64_t ghost = blockIdx.z, first = blockIdx.y * shape.split_pixels + threadIdx.y;
    int64_t end = (blockIdx.y + 1) * shape.split_pixels;
    walk from;
    from.c = ((int64_t)blockIdx.x * shape.lanes + threadIdx.x) * V;
    from.at = (ghost * shape.pixels + first) * shape.channels + from.c;
    from.stride = shape.lines * shape.channels;
    from.lines = shape.lines;
    from.rest = from.c < shape.channels
                    ? (int32_t)((end < shape.pixels ? end : shape.pixels) - first)
                    : 0;
    return from;
}

/* Two values in bf16, the first in the lower half. */
static __device__ __forceinline__ unsigned two_bf16(float low, float high)
{
    __nv_bfloat162 two = __floats2bfloat162_rn(low, high);
    unsigned word;
    memcpy(&word, &two, sizeof word);
    return word;
}

/* V elements as they lie in memory.  They stay words until their values are wanted: were they taken
 * apart when they are loaded, every load would be waited for before the next. */
template <int BYTES> struct alignas(BYTES) raw {
    unsigned words[BYTES / 4];
};
template <> struct raw<2> {
    unsigned short words[1];
};
template <typename T, int V> using elements = raw<(int)sizeof(T) * V>;

static __device__ __forceinline__ void to_floats(const raw<16> &from, float (&to)[8])
{
    for (int k = 0; k < 4; k++) {
        to[2 * k] = __uint_as_float(from.words[k] << 16);
        to[2 * k + 1] = __uint_as_float(from.words[k] & 0xffff0000u);
    }
}
template <int BYTES, int V>
static __device__ __forceinline__ void to_floats(const raw<BYTES> &from, float (&to)[V])
{
    for (int k = 0; k < V; k++)
        to[k] = __uint_as_float(BYTES == 2 ? (unsigned)from.words[k] << 16 : from.words[k]);
}

template <typename T, int V>
static __device__ __forceinline__ elements<T, V> from_floats(const float (&from)[V])
{
    elements<T, V> to;
    if constexpr (V * sizeof(T) == 16 && V == 8)
        for (int k = 0; k < 4; k++)
            to.words[k] = two_bf16(from[2 * k], from[2 * k + 1]);
    else if constexpr (sizeof(T) == 2)
        to.words[0] = (unsigned short)two_bf16(from[0], 0.0f);
    else
        for (int k = 0; k < V; k++)
            to.words[k] = __float_as_uint(from[k]);
    return to;
}

template <typename T, int V>
static __device__ __forceinline__ elements<T, V> load_raw(const void *base, int64_t index)
{
    return *reinterpret_cast<const elements<T, V> *>(static_cast<const T *>(base) + index);
}

template <typename T, int V>
static __device__ __forceinline__ void store_raw(void *base, int64_t index,
                                                 const elements<T, V> &value)
{
    *reinterpret_cast<elements<T, V> *>(static_cast<T *>(base) + index) = value;
}

/* a + scale b, as kernel_add rounds it. */
template <typename T, int V>
static __device__ __forceinline__ elements<T, V> add_scaled(const elements<T, V> &a,
                                                            const elements<T, V> &b, float scale)
{
    float left[V], right[V];
    to_floats(a, left);
    to_floats(b, right);
    for (int k = 0; k < V; k++)
        left[k] += scale * right[k];
    return from_floats<T>(left);
}

/* The next U pixels, as many as there are. */
template <typename T, int V, int U>
static __device__ __forceinline__ void load_pixels(const walk &from, const void *base,
                                                   elements<T, V> *to)
{
    for (int u = 0; u < U; u++)
        if (u * from.lines < from.rest)
            to[u] = load_raw<T, V>(base, from.at + u * from.stride);
}

template <int U> static __device__ __forceinline__ void advance(walk *from)
{
    from->at += U * from->stride;
    from->rest -= U * from->lines;
}

/* V floats, 16 bytes a load. */
template <int V> static __device__ __forceinline__ void load_floats(const float *from, float *to)
{
    const int W = V % 4 == 0 ? 4 : 1;
    for (int k = 0; k < V; k += W) {
        pack<float, W> values = load<float, W>(from, k);
        for (int j = 0; j < W; j++)
            to[k + j] = values.v[j];
    }
}

/* How a ghost's channels are normalised: gain (x - centre) + shift. */
template <int V> struct column {
    float centre[V], gain[V], shift[V];
};

template <int V>
static __device__ __forceinline__ void read_column(const struct kernel_norm &work, int64_t c,
                                                   column<V> *to)
{
    int64_t at = blockIdx.z * work.shape.channels + c;
    float inverse[V];
    load_floats<V>(work.mean + at, to->centre);
    load_floats<V>(work.inverse + at, inverse);
    load_floats<V>(work.beta + c, to->shift);
    if (work.gamma != NULL)
        load_floats<V>(work.gamma + c, to->gain);
    for (int k = 0; k < V; k++)
        to->gain[k] = work.gamma == NULL ? inverse[k] : to->gain[k] * inverse[k];
}

#endif
