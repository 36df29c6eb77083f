/* colour.h -- a training row's colours varied, as Inception's fast preprocessing varies them. */
#ifndef DATA_COLOUR_H
#define DATA_COLOUR_H

#include <stddef.h>
#include <stdint.h>

struct colour {
    double brightness; /* added to each channel, of 0..255; uniform in -32..32 */
    double saturation; /* HSV's is multiplied by it and is at most 1 then; uniform in 0.5..1.5 */
    int saturation_first;
};

/* Of a training image, in an epoch: random_at(seed, RANDOM_AUGMENT, epoch, image, 11), of which
 * word 0 gives the brightness, word 1 the saturation, word 2 the order; the blocks before are
 * frame_train()'s. */
struct colour colour_train(uint64_t seed, uint32_t epoch, int64_t image);

/* Changes `count` pixels of red, green and blue in place; rounded and cut off at 0 and 255 once,
 * behind both.  The same on every machine: of real arithmetic only + - * / are used. */
void colour_apply(const struct colour *colour, uint8_t *pixels, size_t count);

#endif
