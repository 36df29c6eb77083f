/* resize.h -- bilinear resizing, of the same bytes on every machine.
 *
 * Pixel i of n that are made from m shows the place (i + 1/2) m / n of the line of pixels, whose
 * own centres lie at 1/2, 3/2 and so on.  Its value is a mean, weighted by a triangle about that
 * place: of half width 1, or with antialias m / n where that is more.  What lies outside does not
 * count.  First along the rows, then along the columns; weights are integers in units of 2^-22,
 * rounded, and each of the two means is rounded to 0..255.  With antialias the bytes are those of
 * Image.resize(BILINEAR) of Pillow 10 for the part cut out before; later ones differ by 1.
 * Without it, but for the rounding between, they are those of TensorFlow 2's plain
 * resize(BILINEAR); TensorFlow 1's lay half a pixel elsewhere. */
#ifndef DATA_RESIZE_H
#define DATA_RESIZE_H

#include "data/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* What is kept between images; zeroed: nothing.  One thread at a time. */
struct resize {
    struct buffer axis[2], between;
};

/* Of width x height pixels at src, PICTURE_PIXEL bytes each (picture.h), a line `stride` bytes
 * behind the one before, dst [side, side, 3]; mirrored left to right with flip. */
int resize_to(struct resize *resize, const uint8_t *src, size_t stride, int width, int height,
              int side, int antialias, int flip, uint8_t *dst, struct err *err);

/* Legal on a zeroed struct. */
void resize_release(struct resize *resize);

#endif
