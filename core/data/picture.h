/* picture.h -- JPEG and PNG files in memory, decoded to rows of pixels.
 *
 * What a file is, its first bytes say, not its name.  JPEG: libjpeg-turbo's exact integer transform
 * and smooth upsampling, all samplings, progressive or not.  Gray becomes red = green = blue.  CMYK
 * and YCCK are read as Adobe writes them, inverted, and become red, green and blue as in PIL: with
 * the file's values c, m, y, k, red is k - (255 - c) k / 255, rounded.  PNG: palettes and gray of
 * any depth become RGB, of 16 bits the upper 8 count, transparency is dropped.  EXIF orientation
 * (orientation.h), colour profiles and gamma are ignored, as TensorFlow, PIL and torchvision do.
 *
 * Files are not trusted: one of more than PICTURE_PIXELS_MAX pixels by its header is refused before
 * anything is allocated for it, and so is one that ends before its end marker, whichever rows are
 * asked for.  Other damage within a JPEG's data goes by as libjpeg mends it.
 *
 * One thread at a time.  Memory of ours grows to the largest picture so far; the libraries allocate
 * some of their own for each. */
#ifndef DATA_PICTURE_H
#define DATA_PICTURE_H

#include "data/buffer.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define PICTURE_PIXELS_MAX ((size_t)64 << 20)
#define PICTURE_SIDE_MAX 65535
#define PICTURE_SCANS_MAX 500 /* of a progressive JPEG */
#define PICTURE_PIXEL 4       /* bytes of a pixel: red, green, blue, one without meaning */

struct picture_format;

enum { PICTURE_JPEG, PICTURE_PNG, PICTURE_FORMATS };

/* A decoder; zeroed: fresh. */
struct picture {
    int width, height; /* of the picture that is open */
    const struct picture_format *format;
    void *own[PICTURE_FORMATS];
    struct buffer pixels;
};

/* Opens a picture in place of the one before: *width and *height are its header's.  The bytes are
 * borrowed until the rows were had.  ERR_INPUT with the reason where it is no such picture. */
int picture_open(struct picture *picture, const uint8_t *bytes, size_t size, struct err *err);

/* Decodes rows top..top+count-1 of the picture that is open, once: *pixels is [count, width,
 * PICTURE_PIXEL], valid until the next picture.  They do not depend on which are asked for. */
int picture_rows(struct picture *picture, int top, int count, const uint8_t **pixels,
                 struct err *err);

/* Legal on a zeroed struct. */
void picture_release(struct picture *picture);

/* 0, or ERR_CANNOT_RUN and the package that is missing where this build lacks a library. */
int picture_check(struct err *err);

#endif
