/* PNGs are rare in the folders we read, so one is decoded whole, whichever rows are asked for. */
#include "data/picture_parts.h"

#include "base/err.h"

#define MAGIC                                       \
    {                                               \
        0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' \
    }

#ifdef REPRO_HAVE_PNG

#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <png.h>

#define WORDS 160

struct png {
    png_structp read;
    png_infop info;
    const uint8_t *bytes; /* not yet read */
    size_t left;
    char words[WORDS]; /* why it failed */
    struct buffer whole;
};

static void fail(png_structp read, png_const_charp words)
{
    struct png *png = png_get_error_ptr(read);
    snprintf(png->words, sizeof png->words, "%s", words);
    png_longjmp(read, 1);
}

static void ignore(png_structp read, png_const_charp words)
{
    (void)read;
    (void)words;
}

static void take_bytes(png_structp read, png_bytep bytes, size_t size)
{
    struct png *png = png_get_io_ptr(read);
    if (size > png->left)
        png_error(read, "it is cut off");
    memcpy(bytes, png->bytes, size);
    png->bytes += size;
    png->left -= size;
}

static int report(struct png *png, struct err *err)
{
    png_destroy_read_struct(&png->read, &png->info, NULL);
    return err_set(err, ERR_INPUT, "cannot be decoded: %s", png->words);
}

static void *create(struct err *err)
{
    return mem_new(1, sizeof(struct png), err);
}

static void destroy(void *own)
{
    struct png *png = own;
    png_destroy_read_struct(&png->read, &png->info, NULL);
    buffer_release(&png->whole);
    mem_free(png);
}

static int open_png(void *own, const uint8_t *bytes, size_t size, size_t *width, size_t *height,
                    struct err *err)
{
    struct png *png = own;
    png_destroy_read_struct(&png->read, &png->info, NULL);
    png->bytes = bytes;
    png->left = size;
    png->read = png_create_read_struct(PNG_LIBPNG_VER_STRING, png, fail, ignore);
    if (png->read != NULL)
        png->info = png_create_info_struct(png->read);
    if (png->info == NULL)
        return err_set(err, ERR_MEMORY, "cannot begin to decode PNG images: out of memory");
    if (setjmp(png_jmpbuf(png->read)) != 0)
        return report(png, err);
    png_set_read_fn(png->read, png, take_bytes);
    png_read_info(png->read, png->info);
    *width = png_get_image_width(png->read, png->info);
    *height = png_get_image_height(png->read, png->info);
    return 0;
}

static void decode(struct png *png, size_t height, size_t row)
{
    uint8_t *whole = png->whole.bytes;
    png_set_expand(png->read);
    png_set_strip_16(png->read);
    png_set_gray_to_rgb(png->read);
    png_set_add_alpha(png->read, 255, PNG_FILLER_AFTER);
    int passes = png_set_interlace_handling(png->read);
    png_read_update_info(png->read, png->info);
    if (png_get_rowbytes(png->read, png->info) != row)
        png_error(png->read, "its pixels are of an unknown kind");
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(png->read, whole + y * row, NULL);
    png_read_end(png->read, NULL);
}

static int read_rows(void *own, int top, int count, uint8_t *pixels, struct err *err)
{
    struct png *png = own;
    size_t height = png_get_image_height(png->read, png->info);
    size_t row = (size_t)png_get_image_width(png->read, png->info) * PICTURE_PIXEL;
    int code = buffer_need(&png->whole, height, row, err);
    if (code != 0)
        return code;
    if (setjmp(png_jmpbuf(png->read)) != 0)
        return report(png, err);
    decode(png, height, row);
    memcpy(pixels, (uint8_t *)png->whole.bytes + (size_t)top * row, (size_t)count * row);
    return 0;
}

const struct picture_format picture_png = {
    .title = "PNG",
    .magic_size = 8,
    .magic = MAGIC,
    .create = create,
    .destroy = destroy,
    .open = open_png,
    .rows = read_rows,
};

#else

const struct picture_format picture_png = {
    .title = "PNG",
    .library = "libpng",
    .package = "libpng-dev",
    .magic_size = 8,
    .magic = MAGIC,
};

#endif
