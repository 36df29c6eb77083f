/* Batch norm's sums over all ghosts of a micro.  Memory is what they cost, so each sweep reads its
 * tensors once, 16 bytes a load and several on their way at once.  Sums go from a thread's few
 * pixels through its block to one partial sum for each channel; the last block of a ghost's tile,
 * known by a ticket, adds those in double.  Every order follows from the shape alone. */
#include "norm.cuh"
#include "reduce.cuh"

/* SUMS_OF_SUM: statistics of a + scale b, which is written. */
enum { SUMS_STATISTICS, SUMS_OF_SUM, SUMS_GRADIENT, SUMS_BIAS };

/* ---- A block's share ---- */

/* What a ghost's statistics are taken about: its first pixel. */
template <typename T, int V, int KIND>
static __device__ __forceinline__ void read_pivot(const struct kernel_norm &work, int64_t c,
                                                  float (&to)[V])
{
    int64_t at = blockIdx.z * work.shape.pixels * work.shape.channels + c;
    elements<T, V> x = load_raw<T, V>(KIND == SUMS_OF_SUM ? work.a : work.x, at);
    if (KIND == SUMS_OF_SUM)
        x = add_scaled<T, V>(x, load_raw<T, V>(work.b, at), work.scale);
    to_floats(x, to);
}

/* One pixel into sums [2, V]; y: dy. */
template <typename T, int V, int KIND>
static __device__ __forceinline__ void add_pixel(int relu, const column<V> &about,
                                                 const elements<T, V> &x, const elements<T, V> &y,
                                                 float *sums)
{
    float values[V], diffs[V];
    to_floats(x, values);
    if (KIND == SUMS_GRADIENT)
        to_floats(y, diffs);
    for (int k = 0; k < V; k++) {
        if (KIND == SUMS_BIAS) {
            sums[k] += values[k];
            continue;
        }
        float d = values[k] - about.centre[k], weight = d;
        if (KIND == SUMS_GRADIENT)
            weight = !relu || about.gain[k] * d + about.shift[k] > 0.0f ? diffs[k] : 0.0f;
        sums[k] += weight;
        sums[V + k] += weight * d;
    }
}

template <typename T, int V, int KIND>
static __device__ __forceinline__ void add_split(const struct kernel_norm &work, float *sums)
{
    const bool two = KIND == SUMS_GRADIENT || KIND == SUMS_OF_SUM;
    const int U = two ? 4 : 8; /* pixels whose loads are on their way at once */
    const void *one = KIND == SUMS_OF_SUM ? work.a : KIND == SUMS_BIAS ? work.dy : work.x;
    const void *other = KIND == SUMS_OF_SUM ? work.b : work.dy;
    walk from = walk_from<V>(work.shape);
    if (from.rest <= 0)
        return;
    elements<T, V> x[U], y[U];
    column<V> about;
    load_pixels<T, V, U>(from, one, x);
    if (two)
        load_pixels<T, V, U>(from, other, y);
    if (KIND == SUMS_GRADIENT)
        read_column<V>(work, from.c, &about);
    if (KIND == SUMS_STATISTICS || KIND == SUMS_OF_SUM)
        read_pivot<T, V, KIND>(work, from.c, about.centre);
    while (from.rest > 0) {
        for (int u = 0; u < U; u++) {
            if (u * from.lines >= from.rest)
                continue;
            if (KIND == SUMS_OF_SUM) {
                x[u] = add_scaled<T, V>(x[u], y[u], work.scale);
                store_raw<T, V>(work.sum, from.at + u * from.stride, x[u]);
            }
            add_pixel<T, V, KIND>(work.relu, about, x[u], two ? y[u] : x[u], sums);
        }
        advance<U>(&from);
        load_pixels<T, V, U>(from, one, x);
        if (two)
            load_pixels<T, V, U>(from, other, y);
    }
}

/* ---- What the last blocks do ---- */

/* Sums over the splits of [splits, floats]: thread t < floats gets the t-th. */
template <int V>
static __device__ double sum_splits(const float *partials, int splits, int floats, double *shared)
{
    const int N = V % 4 == 0 ? 4 : 1, U = 8;
    int me = thread_number(), items = floats / N, step = LAUNCH_THREADS / items;
    const float *mine = partials + (me & (items - 1)) * N;
    double sums[N];
    for (int k = 0; k < N; k++)
        sums[k] = 0.0;
    for (int s = me / items; s < splits; s += U * step) {
        float values[U][N];
        for (int u = 0; u < U; u++) {
            const float *at = mine + (int64_t)(s + u * step) * floats;
            for (int k = 0; k < N; k++)
                values[u][k] = 0.0f;
            if (s + u * step >= splits)
                continue;
            if constexpr (N == 4) {
                float4 four = __ldcg(reinterpret_cast<const float4 *>(at));
                values[u][0] = four.x;
                values[u][1] = four.y;
                values[u][2] = four.z;
                values[u][3] = four.w;
            } else
                values[u][0] = __ldcg(at);
        }
        for (int u = 0; u < U; u++)
            for (int k = 0; k < N; k++)
                sums[k] += (double)values[u][k];
    }
    return sum_block<double, N>(sums, items, shared);
}

static __device__ void finish_statistics(const struct kernel_norm &work, int64_t c, double pivot,
                                         double a, double b)
{
    double offset = a / (double)work.shape.pixels,
           variance = b / (double)work.shape.pixels - offset * offset;
    variance = variance > 0.0 ? variance : 0.0;
    int64_t at = blockIdx.z * work.shape.channels + c;
    work.mean[at] = (float)(pivot + offset);
    work.variance[at] = (float)variance;
    work.inverse[at] = (float)(1.0 / sqrt(variance + (double)work.epsilon));
}

/* slopes: the two coefficients of dx; sums: this ghost's share of the gradients of beta and
 * gamma. */
static __device__ void finish_gradient(const struct kernel_norm &work, int64_t c, double inverse,
                                       double a, double b)
{
    int64_t channels = work.shape.channels, at = blockIdx.z * 2 * channels + c;
    double n = (double)work.shape.pixels;
    work.slopes[at] = (float)(a / n);
    work.slopes[at + channels] = (float)(b * inverse * inverse / n);
    work.sums[at] = a;
    work.sums[at + channels] = b * inverse;
}

/* From the partial sums of this ghost's tile to what the kernel gives, a thread a channel.  totals:
 * 2 * LAUNCH_TILE_MAX. */
template <typename T, int V, int KIND>
static __device__ void finish_ghost(const struct kernel_norm &work, const float *partials,
                                    double *shared, double *totals)
{
    int me = thread_number(), width = work.shape.lanes * V;
    int64_t c = (int64_t)blockIdx.x * width + me;
    bool mine = me < width && c < work.shape.channels;
    float known[1] = {0.0f};
    if (mine && KIND == SUMS_GRADIENT)
        known[0] = work.inverse[blockIdx.z * work.shape.channels + c];
    if (mine && (KIND == SUMS_STATISTICS || KIND == SUMS_OF_SUM))
        read_pivot<T, 1, KIND>(work, c, known);
    double sum = sum_splits<V>(partials, work.shape.splits, 2 * width, shared);
    if (me < 2 * width)
        totals[me] = sum;
    __syncthreads();
    if (!mine)
        return;
    double a = totals[me / V * 2 * V + me % V], b = totals[me / V * 2 * V + V + me % V];
    if (KIND == SUMS_GRADIENT)
        finish_gradient(work, c, (double)known[0], a, b);
    else if (KIND == SUMS_BIAS)
        work.grad_beta[c] += (float)a;
    else
        finish_statistics(work, c, (double)known[0], a, b);
}

/* The ghosts that count into PARTIAL. */
static __device__ void finish_tile(const struct kernel_norm &work, int width, double *shared)
{
    int me = thread_number();
    int64_t channels = work.shape.channels, first = (int64_t)blockIdx.x * width,
            c = first + (me & (width - 1));
    double sums[4] = {0.0, 0.0, 0.0, 0.0};
    if (c < channels)
        for (int64_t g = me / width; g < work.counted; g += LAUNCH_THREADS / width) {
            sums[0] += __ldcg(work.sums + g * 2 * channels + c);
            sums[1] += __ldcg(work.sums + (g * 2 + 1) * channels + c);
            sums[2] += (double)work.mean[g * channels + c];
            sums[3] += (double)work.variance[g * channels + c];
        }
    double sum = sum_block<double, 4>(sums, width, shared);
    c = first + me / 4;
    if (me >= 4 * width || c >= channels)
        return;
    int which = me % 4;
    float *to = which == 0   ? work.grad_beta
                : which == 1 ? work.grad_gamma
                : which == 2 ? work.sum_mean
                             : work.sum_variance;
    if (to != NULL) /* no gamma */
        to[c] += (float)sum;
}

/* ---- Kernels ---- */

/* grid tiles x splits x ghosts, block lanes x lines. */
template <typename T, int V, int KIND>
static __global__ void __launch_bounds__(LAUNCH_THREADS, 2) norm_sums(const struct kernel_norm work)
{
    __shared__ float single[WARPS * 2 * LAUNCH_TILE_MAX];
    __shared__ double wide[WARPS * 4 * LAUNCH_TILE_MAX], totals[2 * LAUNCH_TILE_MAX];
    __shared__ bool last;
    const struct launch_columns &shape = work.shape;
    int me = thread_number(), width = shape.lanes * V;
    int64_t tile = blockIdx.z * (int64_t)shape.tiles + blockIdx.x;
    float *partials = work.scratch + tile * shape.splits * 2 * width;
    float sums[2 * V];
    for (int k = 0; k < 2 * V; k++)
        sums[k] = 0.0f;
    add_split<T, V, KIND>(work, sums);
    float sum = sum_block<float, 2 * V>(sums, shape.lanes, single);
    if (me < 2 * width)
        partials[(int64_t)blockIdx.y * 2 * width + me] = sum;
    if (!is_last(work.tickets + tile, (unsigned)shape.splits, &last))
        return;
    finish_ghost<T, V, KIND>(work, partials, wide, totals);
    if (KIND == SUMS_GRADIENT && is_last(work.tickets + shape.ghosts * shape.tiles + blockIdx.x,
                                         (unsigned)shape.ghosts, &last))
        finish_tile(work, width, wide);
}

template <typename T, int V>
static cudaError_t statistics(const struct kernel_norm *work, cudaStream_t stream)
{
    dim3 grid = grid_of(work->shape), block = block_of(work->shape);
    return work->sum != NULL
               ? LAUNCH_JOINT((norm_sums<T, V, SUMS_OF_SUM>), grid, block, stream, *work)
               : LAUNCH_JOINT((norm_sums<T, V, SUMS_STATISTICS>), grid, block, stream, *work);
}

template <typename T, int V>
static cudaError_t backward(const struct kernel_norm *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((norm_sums<T, V, SUMS_GRADIENT>), grid_of(work->shape),
                        block_of(work->shape), stream, *work);
}

template <typename T, int V>
static cudaError_t bias(const struct kernel_norm *work, cudaStream_t stream)
{
    return LAUNCH_JOINT((norm_sums<T, V, SUMS_BIAS>), grid_of(work->shape), block_of(work->shape),
                        stream, *work);
}

cudaError_t kernel_norm_statistics(const struct kernel_norm *work, cudaStream_t stream)
{
    return BY_WIDTH(work->type, work->shape.width, statistics, work, stream);
}

cudaError_t kernel_norm_backward(const struct kernel_norm *work, cudaStream_t stream)
{
    cudaError_t status = BY_WIDTH(work->type, work->shape.width, backward, work, stream);
    return status == cudaSuccess && work->dx != NULL ? norm_gradient(work, stream) : status;
}

cudaError_t kernel_bias_gradient(int type, const struct launch_columns *shape, const void *dy,
                                 float *scratch, unsigned *tickets, float *grad,
                                 cudaStream_t stream)
{
    struct kernel_norm work = {};
    work.shape = *shape;
    work.dy = dy;
    work.scratch = scratch;
    work.tickets = tickets;
    work.grad_beta = grad;
    return BY_WIDTH(type, shape->width, bias, &work, stream);
}
