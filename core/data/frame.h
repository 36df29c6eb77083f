/* frame.h -- which part of an image a row shows. */
#ifndef DATA_FRAME_H
#define DATA_FRAME_H

#include <stdint.h>

struct frame {
    int left, top, width, height; /* within the image, at least 1 x 1 */
    int flip;                     /* left to right, after resizing */
};

/* Of a training image, in an epoch: an area uniform in 0.05..1 of the image's, width over height
 * log-uniform in 3/4..4/3, at a place uniform among those where it fits, flipped with probability
 * 1/2.  That is torchvision's RandomResizedCrop, with Inception's least area: width and height are
 * rounded, and a pair that does not fit is drawn anew, ten times; then it is the largest centred
 * part whose proportion is within 3/4..4/3.
 *
 * Try t draws from random_at(seed, RANDOM_AUGMENT, epoch, image, t): word 0 gives the area, word 1
 * the proportion, word 2 the top, word 3 the left.  Word 0 of block 10 gives the flip.  The same on
 * every machine: of real arithmetic only + - * / and the square root, which IEEE 754 rounds, are
 * used. */
struct frame frame_train(uint64_t seed, uint32_t epoch, int64_t image, int width, int height);

/* Of an image that is evaluated: the central 87.5 % of each side; a sixteenth of the side, rounded
 * down, is left out at either end. */
struct frame frame_test(int width, int height);

#endif
