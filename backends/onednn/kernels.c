#include "kernels.h"

#include "cpu/device.h"

#include <string.h>

typedef float real8 __attribute__((vector_size(32)));
typedef int32_t mask8 __attribute__((vector_size(32)));
typedef uint32_t word8 __attribute__((vector_size(32)));
typedef uint16_t half8 __attribute__((vector_size(16)));

/* bf16 is the upper half of an f32; rounded to nearest even, and a NaN stays one. */
static inline float widen(uint16_t half)
{
    uint32_t word = (uint32_t)half << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static inline uint16_t narrow(float value)
{
    uint32_t word;
    memcpy(&word, &value, sizeof word);
    uint32_t rounded = word + 0x7fffu + (word >> 16 & 1u), quiet = word | 0x400000u;
    return (uint16_t)(((word & 0x7fffffffu) > 0x7f800000u ? quiet : rounded) >> 16);
}

/* ---- f32 ---- */

#define ELEMENT float
#define LOAD1(p) (*(p))
#define STORE1(p, value) (*(p) = (value))

#define KERNEL(name) name##_f32_8
#define WIDTH 8
#define REAL real8
#define LANE(v, i) ((v)[i])
#define LOAD(v, p) memcpy(&(v), (p), sizeof(real8))
#define STORE(p, v) memcpy((p), &(v), sizeof(real8))
#define POSITIVE(v, test) ((real8)((mask8)(v) & ((test) > 0.0f)))
#include "kernels_template.h"
#undef KERNEL
#undef LOAD
#undef STORE

#undef ELEMENT
#define ELEMENT uint16_t
#define KERNEL(name) name##_bf16_8
#define LOAD(v, p)                                                      \
    do {                                                                \
        half8 load_half;                                                \
        memcpy(&load_half, (p), sizeof load_half);                      \
        (v) = (real8)(__builtin_convertvector(load_half, word8) << 16); \
    } while (0)
#define STORE(p, v)                                                                       \
    do {                                                                                  \
        word8 store_word = (word8)(v),                                                    \
              store_nan = (word8)((store_word & 0x7fffffffu) > 0x7f800000u);              \
        word8 store_round = store_word + 0x7fffu + (store_word >> 16 & 1u);               \
        store_word = ((store_word | 0x400000u) & store_nan) | (store_round & ~store_nan); \
        half8 store_half = __builtin_convertvector(store_word >> 16, half8);              \
        memcpy((p), &store_half, sizeof store_half);                                      \
    } while (0)
#include "kernels_template.h"
#undef KERNEL
#undef WIDTH
#undef REAL
#undef LANE
#undef LOAD
#undef STORE
#undef POSITIVE
#undef ELEMENT
#undef LOAD1
#undef STORE1

/* ---- one channel ---- */

#define WIDTH 1
#define REAL float
#define LANE(v, i) (*(&(v) + (i)))
#define POSITIVE(v, test) ((test) > 0.0f ? (v) : 0.0f)

#define ELEMENT float
#define KERNEL(name) name##_f32_1
#define LOAD1(p) (*(p))
#define STORE1(p, value) (*(p) = (value))
#define LOAD(v, p) ((v) = LOAD1(p))
#define STORE(p, v) STORE1(p, v)
#include "kernels_template.h"
#undef ELEMENT
#undef KERNEL
#undef LOAD1
#undef STORE1

#define ELEMENT uint16_t
#define KERNEL(name) name##_bf16_1
#define LOAD1(p) widen(*(p))
#define STORE1(p, value) (*(p) = narrow(value))
#include "kernels_template.h"

#define TABLE(type, own)                                                                     \
    {                                                                                        \
        sums_##own, apply_##own, moments_##own, gradient_##own, move_##own, fill_##own,      \
            input_##type##_1, drop_##type##_1, flatten_##type##_1, unflatten_##type##_1,     \
            add_##type##_1, accumulate_##type##_1, relu_##type##_1, relu_gradient_##type##_1 \
    }

const struct kernels kernels_f32_8 = TABLE(f32, f32_8), kernels_f32_1 = TABLE(f32, f32_1);
const struct kernels kernels_bf16_8 = TABLE(bf16, bf16_8), kernels_bf16_1 = TABLE(bf16, bf16_1);
