/* random.h -- counter-based random numbers (Philox4x32-10, Random123).
 *
 * Every random choice is a pure function of (seed, purpose, epoch, index): no state, so it depends
 * on no batch size, thread, backend or rank, and needs no place in a checkpoint.  `index` names the
 * image or element, `block` the 4-word block of a choice that needs more than four words. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* What a number is for; part of the counter, so two purposes never share numbers.  Values are
 * frozen. */
#define RANDOM_SHUFFLE 1
#define RANDOM_AUGMENT 2
#define RANDOM_INIT 3
#define RANDOM_SYNTHETIC 4
#define RANDOM_DROPOUT 5 /* computed by backends; see backend.h */
#define RANDOM_NOISE 6   /* which rows the noise is measured on */

struct random_words {
    uint32_t word[4];
};

/* Philox4x32-10 with key (seed low, seed high) and counter (block, index low, epoch, index high <<
 * 8 | purpose). index < 2^56. */
struct random_words random_at(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t index,
                              uint32_t block);

/* word * 2^-32: uniform in [0, 1). */
double random_uniform(uint32_t word);

/* An integer uniform in 0..bound-1 (multiply-shift; bias below bound * 2^-64); bound > 0. */
uint64_t random_below(uint32_t high, uint32_t low, uint64_t bound);

/* Two independent standard normals from two words (Box-Muller, double). */
void random_normal(uint32_t word0, uint32_t word1, double normal[2]);

#endif
