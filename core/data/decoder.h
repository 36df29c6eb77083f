/* decoder.h -- one thread's way from an image file to a row. */
#ifndef DATA_DECODER_H
#define DATA_DECODER_H

#include "data/buffer.h"
#include "data/frame.h"
#include "data/picture.h"
#include "data/resize.h"

#include <stdint.h>

struct err;

/* What is kept between rows; zeroed: nothing. */
struct decoder {
    int width, height; /* of the picture that is open, as it is shown */
    int orientation;   /* orientation_of()'s, or 1 */
    struct buffer bytes, turned;
    struct picture picture;
    struct resize resize;
};

/* Reads a file below a folder that is open, and its picture's header.  `listed` is the size that it
 * must have; with `orients` the picture is shown the side up that the file notes (orientation.h).
 * ERR_INPUT where that or the picture is not as it must be, ERR_IO where it cannot be
 * read; the sentence goes on from the file's name. */
int decoder_open(struct decoder *decoder, int folder, const char *path, int64_t listed, int orients,
                 struct err *err);

/* The part of the picture, as it is shown, that the frame says, once: dst [side, side, 3]. */
int decoder_show(struct decoder *decoder, const struct frame *frame, int side, int antialias,
                 uint8_t *dst, struct err *err);

/* Legal on a zeroed struct. */
void decoder_release(struct decoder *decoder);

#endif
