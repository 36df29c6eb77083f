/* picture_parts.h -- what a format of pictures does; for picture*.c. */
#ifndef DATA_PICTURE_PARTS_H
#define DATA_PICTURE_PARTS_H

#include "data/picture.h"

struct picture_format {
    const char *title;
    const char *library, *package; /* those that are missing; NULL: none */
    size_t magic_size;
    uint8_t magic[8];
    void *(*create)(struct err *err);
    void (*destroy)(void *own); /* NULL is legal */
    /* As picture_open() and picture_rows(); the picture's size is checked by the caller. */
    int (*open)(void *own, const uint8_t *bytes, size_t size, size_t *width, size_t *height,
                struct err *err);
    int (*rows)(void *own, int top, int count, uint8_t *pixels, struct err *err);
};

extern const struct picture_format picture_jpeg, picture_png;

#endif
