#include "data/picture.h"

#include "base/err.h"
#include "data/picture_parts.h"

#include <string.h>

static const struct picture_format *const formats[PICTURE_FORMATS] = {
    [PICTURE_JPEG] = &picture_jpeg,
    [PICTURE_PNG] = &picture_png,
};

static int refuse_missing(const struct picture_format *format, struct err *err)
{
    return err_set(err, ERR_CANNOT_RUN,
                   "%s images need %s, which this build lacks (Debian: %s); install it and build "
                   "anew",
                   format->title, format->library, format->package);
}

int picture_check(struct err *err)
{
    for (int i = 0; i < PICTURE_FORMATS; i++)
        if (formats[i]->library != NULL)
            return refuse_missing(formats[i], err);
    return 0;
}

static int check_size(size_t width, size_t height, struct err *err)
{
    if (width == 0 || height == 0)
        return err_set(err, ERR_INPUT, "has no pixel");
    if (width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX ||
        width * height > PICTURE_PIXELS_MAX)
        return err_set(err, ERR_INPUT,
                       "says it is %zu x %zu pixels; more than %zu in all, or %d on a side, are "
                       "not decoded",
                       width, height, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX);
    return 0;
}

int picture_open(struct picture *picture, const uint8_t *bytes, size_t size, struct err *err)
{
    int kind = 0;
    if (size == 0)
        return err_set(err, ERR_INPUT, "is empty");
    while (kind < PICTURE_FORMATS &&
           (size < formats[kind]->magic_size ||
            memcmp(bytes, formats[kind]->magic, formats[kind]->magic_size) != 0))
        kind++;
    if (kind == PICTURE_FORMATS)
        return err_set(err, ERR_INPUT, "is neither a JPEG nor a PNG image");
    if (formats[kind]->library != NULL)
        return refuse_missing(formats[kind], err);
    if (picture->own[kind] == NULL)
        picture->own[kind] = formats[kind]->create(err);
    if (picture->own[kind] == NULL)
        return ERR_MEMORY;
    size_t width, height;
    int code = formats[kind]->open(picture->own[kind], bytes, size, &width, &height, err);
    if (code == 0)
        code = check_size(width, height, err);
    if (code != 0)
        return code;
    picture->format = formats[kind];
    picture->width = (int)width;
    picture->height = (int)height;
    return 0;
}

int picture_rows(struct picture *picture, int top, int count, const uint8_t **pixels,
                 struct err *err)
{
    size_t row = (size_t)picture->width * PICTURE_PIXEL;
    int kind = picture->format == &picture_jpeg ? PICTURE_JPEG : PICTURE_PNG;
    int code = buffer_need(&picture->pixels, (size_t)count, row, err);
    if (code == 0)
        code = picture->format->rows(picture->own[kind], top, count, picture->pixels.bytes, err);
    if (code == 0)
        *pixels = picture->pixels.bytes;
    return code;
}

void picture_release(struct picture *picture)
{
    for (int i = 0; i < PICTURE_FORMATS; i++)
        if (picture->own[i] != NULL)
            formats[i]->destroy(picture->own[i]);
    buffer_release(&picture->pixels);
    *picture = (struct picture){0};
}
