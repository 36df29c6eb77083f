/* The bodies of kernels.h for one element type and one width.  Expects
 *   KERNEL(name)            the function's name
 *   ELEMENT, WIDTH, REAL    the stored type; channels at once; WIDTH floats
 *   LOAD(value, pointer)    value = the WIDTH elements there
 *   STORE(pointer, value)
 *   POSITIVE(value, test)   value where test > 0, else 0
 *   LANE(value, i)          float i of a REAL
 *   LOAD1(pointer), STORE1(pointer, value)  one element */

#define SPREAD(to, from)                                     \
    do {                                                     \
        for (int spread_i = 0; spread_i < WIDTH; spread_i++) \
            LANE(to, spread_i) = (from)[spread_i];           \
    } while (0)

#define CHAINS 4 /* independent sums, so that additions overlap */

CPU_VECTOR
static void KERNEL(sums)(const void *x, int64_t stride, int64_t count, double *sum, double *squares)
{
    const ELEMENT *from = x;
    REAL total[CHAINS] = {0}, spread[CHAINS] = {0}, mean, v;
    int64_t i = 0;
    for (; i + CHAINS <= count; i += CHAINS)
        for (int j = 0; j < CHAINS; j++) {
            LOAD(v, from + (i + j) * stride);
            total[j] += v;
        }
    for (; i < count; i++) {
        LOAD(v, from + i * stride);
        total[0] += v;
    }
    total[0] = (total[0] + total[1]) + (total[2] + total[3]);
    mean = total[0] / (float)count;
    for (i = 0; i + CHAINS <= count; i += CHAINS)
        for (int j = 0; j < CHAINS; j++) {
            LOAD(v, from + (i + j) * stride);
            v -= mean;
            spread[j] += v * v;
        }
    for (; i < count; i++) {
        LOAD(v, from + i * stride);
        v -= mean;
        spread[0] += v * v;
    }
    spread[0] = (spread[0] + spread[1]) + (spread[2] + spread[3]);
    /* sum (x - m)^2 = sum x^2 - 2 m sum x + n m^2 holds for any m: the rounding of m is no
     * error. */
    for (int c = 0; c < WIDTH; c++) {
        double m = (double)LANE(mean, c), s = (double)LANE(total[0], c);
        sum[c] += s;
        squares[c] += (double)LANE(spread[0], c) + 2.0 * m * s - (double)count * m * m;
    }
}

CPU_VECTOR
static void KERNEL(apply)(const void *x, int64_t stride, int64_t count, const struct affine *by,
                          int relu, void *y)
{
    const ELEMENT *from = x;
    ELEMENT *to = y;
    REAL mean, gain, shift, v;
    SPREAD(mean, by->mean);
    SPREAD(gain, by->gain);
    SPREAD(shift, by->shift);
    if (relu)
        for (int64_t i = 0; i < count; i++) {
            LOAD(v, from + i * stride);
            v = gain * (v - mean) + shift;
            v = POSITIVE(v, v);
            STORE(to + i * stride, v);
        }
    else
        for (int64_t i = 0; i < count; i++) {
            LOAD(v, from + i * stride);
            v = gain * (v - mean) + shift;
            STORE(to + i * stride, v);
        }
}

CPU_VECTOR
static void KERNEL(moments)(const void *x, const void *diff, int64_t stride, int64_t count,
                            const struct affine *by, int relu, double *first, double *second)
{
    const ELEMENT *from = x, *grad = diff;
    REAL mean, gain, shift, v, d, y, one[2] = {0}, two[2] = {0};
    SPREAD(mean, by->mean);
    SPREAD(gain, by->gain);
    SPREAD(shift, by->shift);
    int64_t i = 0;
    for (; i + 2 <= count; i += 2)
        for (int j = 0; j < 2; j++) {
            LOAD(v, from + (i + j) * stride);
            LOAD(d, grad + (i + j) * stride);
            v -= mean;
            if (relu) {
                y = gain * v + shift;
                d = POSITIVE(d, y);
            }
            one[j] += d;
            two[j] += d * v;
        }
    for (; i < count; i++) {
        LOAD(v, from + i * stride);
        LOAD(d, grad + i * stride);
        v -= mean;
        y = gain * v + shift;
        d = relu ? POSITIVE(d, y) : d;
        one[0] += d;
        two[0] += d * v;
    }
    one[0] += one[1];
    two[0] += two[1];
    for (int c = 0; c < WIDTH; c++) {
        first[c] += (double)LANE(one[0], c);
        second[c] += (double)LANE(two[0], c);
    }
}

CPU_VECTOR
static void KERNEL(gradient)(const void *x, const void *diff, int64_t stride, int64_t count,
                             const struct affine *by, const float *offset, const float *slope,
                             int relu, int assign, void *to)
{
    const ELEMENT *from = x, *grad = diff;
    ELEMENT *out = to;
    REAL mean, gain, shift, a, b, v, d, y, old;
    SPREAD(mean, by->mean);
    SPREAD(gain, by->gain);
    SPREAD(shift, by->shift);
    SPREAD(a, offset);
    SPREAD(b, slope);
    for (int64_t i = 0; i < count; i++) {
        LOAD(v, from + i * stride);
        LOAD(d, grad + i * stride);
        v -= mean;
        if (relu) {
            y = gain * v + shift;
            d = POSITIVE(d, y);
        }
        d = gain * (d - a - b * v);
        if (!assign) {
            LOAD(old, out + i * stride);
            d += old;
        }
        STORE(out + i * stride, d);
    }
}

CPU_VECTOR
static void KERNEL(move)(const void *from, int64_t from_stride, int64_t count, float factor,
                         int assign, void *to, int64_t to_stride)
{
    const ELEMENT *in = from;
    ELEMENT *out = to;
    REAL v, old;
    for (int64_t i = 0; i < count; i++) {
        LOAD(v, in + i * from_stride);
        v *= factor;
        if (!assign) {
            LOAD(old, out + i * to_stride);
            v += old;
        }
        STORE(out + i * to_stride, v);
    }
}

CPU_VECTOR
static void KERNEL(fill)(const float *value, int64_t stride, int64_t count, int assign, void *to)
{
    ELEMENT *out = to;
    REAL values, v;
    SPREAD(values, value);
    for (int64_t i = 0; i < count; i++) {
        v = values;
        if (!assign) {
            LOAD(v, out + i * stride);
            v += values;
        }
        STORE(out + i * stride, v);
    }
}

#if WIDTH == 1
static void KERNEL(input)(const uint8_t *pixels, int64_t step, const float *table, int64_t count,
                          void *to, int64_t stride)
{
    ELEMENT *out = to;
    for (int64_t i = 0; i < count; i++)
        STORE1(out + i * stride, table[pixels[i * step]]);
}

static void KERNEL(drop)(const void *from, const uint8_t *kept, int64_t stride, int64_t count,
                         float factor, int assign, void *to)
{
    const ELEMENT *in = from;
    ELEMENT *out = to;
    for (int64_t i = 0; i < count; i++) {
        float v = kept[i] ? factor * LOAD1(in + i * stride) : 0.0f;
        STORE1(out + i * stride, assign ? v : LOAD1(out + i * stride) + v);
    }
}

static void KERNEL(flatten)(const void *from, int64_t stride, int64_t count, float *to)
{
    const ELEMENT *in = from;
    for (int64_t i = 0; i < count; i++)
        to[i] = LOAD1(in + i * stride);
}

static void KERNEL(unflatten)(const float *from, int64_t stride, int64_t count, int assign,
                              void *to)
{
    ELEMENT *out = to;
    for (int64_t i = 0; i < count; i++)
        STORE1(out + i * stride, assign ? from[i] : LOAD1(out + i * stride) + from[i]);
}

CPU_VECTOR
static void KERNEL(add)(const void *a, const void *b, int64_t count, float scale, void *y)
{
    const ELEMENT *first = a, *second = b;
    ELEMENT *out = y;
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        STORE1(out + i, LOAD1(first + i) + scale * LOAD1(second + i));
}

CPU_VECTOR
static void KERNEL(accumulate)(const void *from, int64_t count, float factor, int assign, void *to)
{
    const ELEMENT *in = from;
    ELEMENT *out = to;
    if (assign)
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            STORE1(out + i, factor * LOAD1(in + i));
    else
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            STORE1(out + i, LOAD1(out + i) + factor * LOAD1(in + i));
}

CPU_VECTOR
static void KERNEL(relu)(const void *x, int64_t count, void *y)
{
    const ELEMENT *in = x;
    ELEMENT *out = y;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float v = LOAD1(in + i);
        STORE1(out + i, v > 0.0f ? v : 0.0f);
    }
}

CPU_VECTOR
static void KERNEL(relu_gradient)(const void *y, const void *diff, int64_t count, int assign,
                                  void *to)
{
    const ELEMENT *at = y, *in = diff;
    ELEMENT *out = to;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float d = LOAD1(at + i) > 0.0f ? LOAD1(in + i) : 0.0f;
        STORE1(out + i, assign ? d : LOAD1(out + i) + d);
    }
}
#endif

#undef SPREAD
#undef CHAINS
