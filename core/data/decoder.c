#include "data/decoder.h"

#include "base/err.h"
#include "data/orientation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UPRIGHT 1
#define BYTES_MAX ((int64_t)256 << 20) /* of a file */

static int read_whole(int descriptor, uint8_t *bytes, size_t size, struct err *err)
{
    while (size > 0) {
        ssize_t got = read(descriptor, bytes, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_set(err, ERR_IO, "cannot be read: %s", strerror(errno));
        if (got == 0)
            return err_set(err, ERR_INPUT, "became shorter while it was read");
        bytes += got;
        size -= (size_t)got;
    }
    return 0;
}

static int check_file(int descriptor, int64_t listed, struct err *err)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return err_set(err, ERR_IO, "cannot be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_INPUT, "is no regular file any more");
    if (status.st_size != listed)
        return err_set(err, ERR_INPUT,
                       "is %jd bytes, not %" PRId64
                       " as when it was listed; touch its folder to have it listed anew",
                       (intmax_t)status.st_size, listed);
    if (listed > BYTES_MAX)
        return err_set(err, ERR_INPUT, "is %" PRId64 " bytes; more than %" PRId64 " are not read",
                       listed, BYTES_MAX);
    return 0;
}

static int read_file(int folder, const char *path, int64_t listed, struct buffer *bytes,
                     struct err *err)
{
    int descriptor;
    do
        descriptor = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return err_set(err, ERR_IO, "cannot be opened: %s", strerror(errno));
    int code = check_file(descriptor, listed, err);
    if (code == 0)
        code = buffer_need(bytes, (size_t)listed, 1, err);
    if (code == 0)
        code = read_whole(descriptor, bytes->bytes, (size_t)listed, err);
    close(descriptor);
    return code;
}

int decoder_open(struct decoder *decoder, int folder, const char *path, int64_t listed, int orients,
                 struct err *err)
{
    struct picture *picture = &decoder->picture;
    int code = read_file(folder, path, listed, &decoder->bytes, err);
    if (code == 0)
        code = picture_open(picture, decoder->bytes.bytes, (size_t)listed, err);
    if (code != 0)
        return code;
    decoder->orientation = orients ? orientation_of(decoder->bytes.bytes, (size_t)listed) : UPRIGHT;
    int swaps = orientation_swaps(decoder->orientation);
    decoder->width = swaps ? picture->height : picture->width;
    decoder->height = swaps ? picture->width : picture->height;
    return 0;
}

/* *pixels, lines *stride bytes behind one another, are the frame's as it is shown. */
static int decode(struct decoder *decoder, const struct frame *frame, const uint8_t **pixels,
                  size_t *stride, struct err *err)
{
    struct picture *picture = &decoder->picture;
    int orientation = decoder->orientation;
    struct frame stored = orientation_stored(orientation, frame, picture->width, picture->height);
    *stride = (size_t)picture->width * PICTURE_PIXEL;
    int code = picture_rows(picture, stored.top, stored.height, pixels, err);
    if (code != 0)
        return code;
    *pixels += (size_t)stored.left * PICTURE_PIXEL;
    if (orientation == UPRIGHT)
        return 0;
    size_t line = (size_t)frame->width * PICTURE_PIXEL;
    code = buffer_need(&decoder->turned, (size_t)frame->height, line, err);
    if (code != 0)
        return code;
    orientation_turn(orientation, frame, *pixels, *stride, decoder->turned.bytes);
    *pixels = decoder->turned.bytes;
    *stride = line;
    return 0;
}

int decoder_show(struct decoder *decoder, const struct frame *frame, int side, int antialias,
                 uint8_t *dst, struct err *err)
{
    const uint8_t *pixels;
    size_t stride;
    int code = decode(decoder, frame, &pixels, &stride, err);
    if (code != 0)
        return code;
    return resize_to(&decoder->resize, pixels, stride, frame->width, frame->height, side, antialias,
                     frame->flip, dst, err);
}

void decoder_release(struct decoder *decoder)
{
    buffer_release(&decoder->bytes);
    buffer_release(&decoder->turned);
    picture_release(&decoder->picture);
    resize_release(&decoder->resize);
}
