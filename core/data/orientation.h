/* orientation.h -- the side of an image that is up, as cameras note it (EXIF 2.3, tag 274). */
#ifndef DATA_ORIENTATION_H
#define DATA_ORIENTATION_H

#include "data/frame.h"

#include <stddef.h>
#include <stdint.h>

/* 1..8 of a JPEG or PNG file in memory: 1 where it lies as it is shown, 3 where it is shown turned
 * by a half, 6 and 8 by a quarter to the right and to the left; 2, 4, 5 and 7 are those mirrored.
 * Of a JPEG it is the first APP1 segment of EXIF that counts, of a PNG the chunk eXIf.  1 where
 * none is noted, or where the note is damaged: never an error. */
int orientation_of(const uint8_t *bytes, size_t size);

/* Whether width and height are those of the file changed for one another. */
int orientation_swaps(int orientation);

/* Where the frame of a picture as it is shown lies in the file, which is width x height pixels;
 * without its flip. */
struct frame orientation_stored(int orientation, const struct frame *frame, int width, int height);

/* Pixels of PICTURE_PIXEL bytes (picture.h) as they are shown: dst [height, width], of the frame's
 * size, from src, whose lines lie `stride` bytes behind one another and which begins with the
 * stored frame's first pixel. */
void orientation_turn(int orientation, const struct frame *frame, const uint8_t *src, size_t stride,
                      uint8_t *dst);

#endif
