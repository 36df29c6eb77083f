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

enum picture_special {
    PICTURE_PLAIN,
    PICTURE_EXIF, /* notes the orientations 1..8, by its number */
    PICTURE_RGB,  /* a JPEG that is not of luma and chroma */
    PICTURE_RESTARTS,
    PICTURE_16_BITS,
    PICTURE_ALPHA,
    PICTURE_PALETTE,
    PICTURE_CLEAR /* a palette with colours that one sees through */
};

struct picture_kind {
    const char *name;
    int channels;                   /* 1: gray, 3: colour, 4: CMYK; a PNG's alpha is one more */
    int across, down;               /* samples of the first channel for one of the others */
    int progressive, inverted_luma; /* the second: YCCK */
    int png;                        /* a PNG: 1, interlaced: 7 */
    enum picture_special special;
    int width, height; /* 0: of any size */
};

/* One of each kind that is read. */
static const struct picture_kind picture_kinds[] = {
    {"gray", 1, 1, 1, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"444", 3, 1, 1, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"422", 3, 2, 1, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"420", 3, 2, 2, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"411", 3, 4, 1, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"440", 3, 1, 2, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"progressive", 3, 2, 2, 1, 0, 0, PICTURE_PLAIN, 0, 0},
    {"restarts", 3, 2, 2, 0, 0, 0, PICTURE_RESTARTS, 0, 0},
    {"rgb", 3, 1, 1, 0, 0, 0, PICTURE_RGB, 0, 0},
    {"cmyk", 4, 1, 1, 0, 0, 0, PICTURE_PLAIN, 0, 0},
    {"ycck", 4, 2, 2, 0, 1, 0, PICTURE_PLAIN, 0, 0},
    {"exif", 3, 2, 2, 0, 0, 0, PICTURE_EXIF, 0, 0},
    {"png", 3, 1, 1, 0, 0, 1, PICTURE_PLAIN, 0, 0},
    {"png-gray", 1, 1, 1, 0, 0, 1, PICTURE_PLAIN, 0, 0},
    {"png-interlaced", 3, 1, 1, 0, 0, 7, PICTURE_PLAIN, 0, 0},
    {"png-16-bits", 3, 1, 1, 0, 0, 1, PICTURE_16_BITS, 0, 0},
    {"png-alpha", 4, 1, 1, 0, 0, 1, PICTURE_ALPHA, 0, 0},
    {"png-palette", 1, 1, 1, 0, 0, 1, PICTURE_PALETTE, 0, 0},
    {"png-gray-alpha", 2, 1, 1, 0, 0, 1, PICTURE_ALPHA, 0, 0},
    {"png-clear", 1, 1, 1, 0, 0, 1, PICTURE_CLEAR, 0, 0},
    {"png-exif", 3, 1, 1, 0, 0, 1, PICTURE_EXIF, 0, 0},
    {"dot", 3, 2, 2, 0, 0, 0, PICTURE_PLAIN, 1, 1},
    {"wide", 3, 2, 2, 0, 0, 0, PICTURE_PLAIN, 10000, 20},
    {"tall", 3, 2, 2, 0, 0, 0, PICTURE_PLAIN, 20, 10000},
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

#define PICTURE_EXIF_SIZE 26

/* A block of EXIF with one field. */
static inline void picture_exif(int number, uint8_t block[PICTURE_EXIF_SIZE])
{
    static const uint8_t little[] = {'I', 'I', '*', 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1},
                         big[] = {'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1};
    memset(block, 0, PICTURE_EXIF_SIZE);
    if (number % 3 == 0)
        memcpy(block, big, sizeof big);
    else
        memcpy(block, little, sizeof little);
    block[number % 3 == 0 ? 19 : 18] = (uint8_t)(1 + number % 8);
}

static inline void picture_put_exif(struct jpeg_compress_struct *info, int number)
{
    uint8_t segment[6 + PICTURE_EXIF_SIZE] = "Exif\0";
    picture_exif(number, segment + 6);
    jpeg_write_marker(info, JPEG_APP0 + 1, segment, sizeof segment);
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
    if (kind->special == PICTURE_RGB)
        jpeg_set_colorspace(&info, JCS_RGB);
    if (kind->special == PICTURE_RESTARTS)
        info.restart_in_rows = 1;
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
    if (kind->special == PICTURE_EXIF)
        picture_put_exif(&info, number);
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
    int palettes = kind->special == PICTURE_PALETTE || kind->special == PICTURE_CLEAR;
    int wide = kind->special == PICTURE_16_BITS, channels = kind->channels * (wide ? 2 : 1);
    png_set_IHDR(write, info, (png_uint_32)width, (png_uint_32)height, wide ? 16 : 8,
                 palettes              ? PNG_COLOR_TYPE_PALETTE
                 : kind->channels == 1 ? PNG_COLOR_TYPE_GRAY
                 : kind->channels == 2 ? PNG_COLOR_TYPE_GRAY_ALPHA
                 : kind->channels == 3 ? PNG_COLOR_TYPE_RGB
                                       : PNG_COLOR_TYPE_RGB_ALPHA,
                 kind->png == 7 ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palettes) {
        static const png_byte clear[] = {0, 128, 255, 7};
        png_color palette[256];
        for (int i = 0; i < 256; i++)
            palette[i] = (png_color){(png_byte)(255 - i), (png_byte)(i / 2), (png_byte)(i * 5)};
        png_set_PLTE(write, info, palette, 256);
        if (kind->special == PICTURE_CLEAR)
            png_set_tRNS(write, info, clear, sizeof clear, NULL);
    }
    png_write_info(write, info);
    if (kind->special == PICTURE_EXIF) {
        uint8_t block[PICTURE_EXIF_SIZE];
        picture_exif(number, block);
        png_write_chunk(write, (png_const_bytep) "eXIf", block, sizeof block);
    }
    int passes = png_set_interlace_handling(write);
    uint8_t *line = malloc((size_t)width * (size_t)channels);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) {
            picture_line(number, width, y, channels, line);
            png_write_row(write, line);
        }
    free(line);
    png_write_end(write, NULL);
    png_destroy_write_struct(&write, &info);
    return file;
}

/* Of that size, where the kind has none of its own. */
static inline struct picture_file picture_make(const struct picture_kind *kind, int number,
                                               int width, int height)
{
    if (kind->width != 0) {
        width = kind->width;
        height = kind->height;
    }
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

/* Ten of each kind, for pillow.py, of many sizes. */
#define PICTURE_EACH 10

static inline int picture_width(int number)
{
    return 17 + 13 * number;
}

static inline int picture_height(int number)
{
    return 14 + 19 * (number * 7 % 10);
}

#endif
