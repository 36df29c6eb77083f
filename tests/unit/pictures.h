/* pictures.h -- JPEG and PNG files made by the libraries' own writers, all of one pattern. */
#ifndef TESTS_PICTURES_H
#define TESTS_PICTURES_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

struct picture_file {
    unsigned char *bytes; /* free() */
    size_t size;
};

struct picture_kind {
    const char *name;
    int channels;                   /* 1: gray, 3: colour, 4: CMYK */
    int across, down;               /* samples of the first channel for one of the others */
    int progressive, inverted_luma; /* the second: YCCK */
    int png;                        /* a PNG: 1, of 16 bits a sample: 16, interlaced: 7 */
};

/* One of each kind that is read. */
static const struct picture_kind picture_kinds[] = {
    {"gray", 1, 1, 1, 0, 0, 0},        {"444", 3, 1, 1, 0, 0, 0},
    {"422", 3, 2, 1, 0, 0, 0},         {"420", 3, 2, 2, 0, 0, 0},
    {"411", 3, 4, 1, 0, 0, 0},         {"440", 3, 1, 2, 0, 0, 0},
    {"progressive", 3, 2, 2, 1, 0, 0}, {"cmyk", 4, 1, 1, 0, 0, 0},
    {"ycck", 4, 2, 2, 0, 1, 0},        {"png", 3, 1, 1, 0, 0, 1},
    {"png-gray", 1, 1, 1, 0, 0, 1},    {"png-interlaced", 3, 1, 1, 0, 0, 7},
};
#define PICTURE_KINDS (sizeof picture_kinds / sizeof *picture_kinds)

/* Slopes with edges, of any size; `number` makes it another one. */
static inline uint8_t picture_value(int number, int x, int y, int c)
{
    int slope = x * (3 + number % 5) + y * (2 + c) + x * y / 40 + number * 29 + c * 71;
    return (uint8_t)((x / 9 + y / 7 + number) % 3 == 0 ? 255 - slope % 256 : slope / 2 % 256);
}

static inline void picture_line(int number, int width, int y, int channels, uint8_t *line)
{
    for (int x = 0; x < width; x++)
        for (int c = 0; c < channels; c++)
            line[x * channels + c] = picture_value(number, x, y, c);
}

static inline struct picture_file picture_make_jpeg(const struct picture_kind *kind, int number,
                                                    int width, int height)
{
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    struct picture_file file = {NULL, 0};
    unsigned long size = 0;
    info.err = jpeg_std_error(&errors);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &file.bytes, &size);
    info.image_width = (JDIMENSION)width;
    info.image_height = (JDIMENSION)height;
    info.input_components = kind->channels;
    info.in_color_space = kind->channels == 1   ? JCS_GRAYSCALE
                          : kind->channels == 3 ? JCS_RGB
                                                : JCS_CMYK;
    jpeg_set_defaults(&info);
    if (kind->inverted_luma)
        jpeg_set_colorspace(&info, JCS_YCCK);
    jpeg_set_quality(&info, 85, TRUE);
    info.dct_method = JDCT_ISLOW;
    info.comp_info[0].h_samp_factor = kind->across;
    info.comp_info[0].v_samp_factor = kind->down;
    if (kind->channels == 4) {
        info.comp_info[3].h_samp_factor = kind->across;
        info.comp_info[3].v_samp_factor = kind->down;
    }
    if (kind->progressive)
        jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    uint8_t *line = malloc((size_t)width * (size_t)kind->channels);
    for (int y = 0; y < height; y++) {
        picture_line(number, width, y, kind->channels, line);
        jpeg_write_scanlines(&info, &line, 1);
    }
    free(line);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    file.size = size;
    return file;
}

static inline void picture_grow(png_structp write, png_bytep bytes, size_t size)
{
    struct picture_file *file = png_get_io_ptr(write);
    file->bytes = realloc(file->bytes, file->size + size);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static inline struct picture_file picture_make_png(const struct picture_kind *kind, int number,
                                                   int width, int height)
{
    struct picture_file file = {NULL, 0};
    png_structp write = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(write);
    png_set_write_fn(write, &file, picture_grow, NULL);
    png_set_IHDR(write, info, (png_uint_32)width, (png_uint_32)height, 8,
                 kind->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 kind->png == 7 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(write, info);
    int passes = png_set_interlace_handling(write);
    uint8_t *line = malloc((size_t)width * (size_t)kind->channels);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) {
            picture_line(number, width, y, kind->channels, line);
            png_write_row(write, line);
        }
    free(line);
    png_write_end(write, NULL);
    png_destroy_write_struct(&write, &info);
    return file;
}

static inline struct picture_file picture_make(const struct picture_kind *kind, int number,
                                               int width, int height)
{
    return kind->png != 0 ? picture_make_png(kind, number, width, height)
                          : picture_make_jpeg(kind, number, width, height);
}

static inline const struct picture_kind *picture_named(const char *name)
{
    size_t i = 0;
    while (i < PICTURE_KINDS && strcmp(picture_kinds[i].name, name) != 0)
        i++;
    return i == PICTURE_KINDS ? NULL : &picture_kinds[i];
}

#endif
