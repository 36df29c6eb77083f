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
    struct buffer bytes;
    struct picture picture; /* width and height are those of the file that is open */
    struct resize resize;
};

/* Reads a file below a folder that is open, and its picture's header.  `listed` is the size that it
 * must have.  ERR_INPUT where that or the picture is not as it must be, ERR_IO where it cannot be
 * read; the sentence goes on from the file's name. */
int decoder_open(struct decoder *decoder, int folder, const char *path, int64_t listed,
                 struct err *err);

/* The part of the picture that the frame says, once: dst [side, side, 3]. */
int decoder_show(struct decoder *decoder, const struct frame *frame, int side, int antialias,
                 uint8_t *dst, struct err *err);

/* Legal on a zeroed struct. */
void decoder_release(struct decoder *decoder);

#endif
