/* picture.h and resize.h: every kind of file against Pillow, rows by themselves, and files that are
 * none.  `test_picture FOLDER` writes the pictures there for pillow.py. */
#include "data/picture.h"

#include "base/err.h"
#include "data/orientation.h"
#include "data/resize.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined REPRO_HAVE_JPEG && defined REPRO_HAVE_PNG

#include "pictures.h"
#include "pillow.h"

static struct picture_file numbered(const struct picture_kind *kind, int number)
{
    return picture_make(kind, number, picture_width(number), picture_height(number));
}

static const uint8_t *rows(struct picture *picture, const struct picture_file *file, int top,
                           int count)
{
    struct err err = {0};
    const uint8_t *pixels = NULL;
    if (picture_open(picture, file->bytes, file->size, &err) != 0 ||
        picture_rows(picture, top, count < 0 ? picture->height : count, &pixels, &err) != 0)
        fail_msg("%s", err.text);
    return pixels;
}

/* Picture, part and size as in pillow.py; the part's rows alone are decoded. */
static void shrink(const struct picture_kind *kind, int number, uint8_t small[27])
{
    struct err err = {0};
    struct picture picture = {0};
    struct resize resize = {0};
    struct picture_file file = numbered(kind, number);
    int whole_width = kind->width != 0 ? kind->width : picture_width(number);
    int whole_height = kind->width != 0 ? kind->height : picture_height(number);
    int left = number, top = number / 2, width = whole_width - number / 3 - left,
        height = whole_height - number - top;
    const uint8_t *pixels = rows(&picture, &file, top, height);
    assert_int_equal(picture.width, whole_width);
    assert_int_equal(picture.height, whole_height);
    if (resize_to(&resize, pixels + (size_t)left * PICTURE_PIXEL,
                  (size_t)picture.width * PICTURE_PIXEL, width, height, 3, 1, 0, small, &err) != 0)
        fail_msg("%s", err.text);
    resize_release(&resize);
    picture_release(&picture);
    free(file.bytes);
}

static void as_pillow(void **state)
{
    (void)state;
    size_t count = sizeof pillow / sizeof *pillow;
    assert_int_equal(count, PICTURE_KINDS * PICTURE_EACH);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        uint8_t small[27];
        if (pillow[i].part[0] == '\0')
            continue;
        snprintf(name, sizeof name, "%s", pillow[i].name);
        char *line = strrchr(name, '_');
        *line = '\0';
        shrink(picture_named(name), atoi(line + 1), small);
        for (size_t k = 0; k < sizeof small; k++) {
            unsigned value;
            assert_int_equal(sscanf(pillow[i].part + 2 * k, "%2x", &value), 1);
            if (abs((int)value - small[k]) > 1)
                fail_msg("%s: byte %zu is %d, not %u", pillow[i].name, k, small[k], value);
        }
    }
}

/* Any rows of a picture are what they are in the whole. */
static void rows_alone(void **state)
{
    (void)state;
    struct picture picture = {0}, part = {0};
    for (size_t k = 0; k < PICTURE_KINDS; k++) {
        struct picture_file file = picture_make(&picture_kinds[k], 3, 61, 83);
        if (picture_kinds[k].width != 0) { /* one of the others, of its own size */
            free(file.bytes);
            continue;
        }
        const uint8_t *whole = rows(&picture, &file, 0, -1);
        for (int top = 0; top < 83; top++) {
            int count = 1 + (top * 37 + 11) % (83 - top);
            const uint8_t *some = rows(&part, &file, top, count);
            if (memcmp(some, whole + (size_t)top * 61 * PICTURE_PIXEL,
                       (size_t)count * 61 * PICTURE_PIXEL) != 0)
                fail_msg("%s: rows %d to %d differ", picture_kinds[k].name, top, top + count - 1);
        }
        free(file.bytes);
    }
    picture_release(&picture);
    picture_release(&part);
}

static void gray_is_gray(void **state)
{
    (void)state;
    struct picture picture = {0};
    const char *names[] = {"gray", "png-gray"};
    for (size_t i = 0; i < 2; i++) {
        struct picture_file file = picture_make(picture_named(names[i]), 1, 33, 9);
        const uint8_t *pixel = rows(&picture, &file, 0, -1);
        for (size_t k = 0; k < 33 * 9; k++, pixel += PICTURE_PIXEL) {
            assert_int_equal(pixel[0], pixel[1]);
            assert_int_equal(pixel[0], pixel[2]);
        }
        free(file.bytes);
    }
    picture_release(&picture);
}

static int refused(struct picture *picture, const void *bytes, size_t size, const char *words)
{
    struct err err = {0};
    const uint8_t *pixels;
    int code = picture_open(picture, bytes, size, &err);
    if (code == 0)
        code = picture_rows(picture, 0, 1, &pixels, &err);
    if (code == 0 || strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %d %s", words, code, err.text);
    return code;
}

/* Wherever a file ends early, and though only its first row is asked for. */
static void cut_off(void **state)
{
    (void)state;
    struct picture picture = {0};
    for (size_t k = 0; k < PICTURE_KINDS; k++) {
        struct picture_file file = picture_make(&picture_kinds[k], 2, 50, 40);
        for (size_t size = 8; size < file.size; size += 1 + size / 16)
            assert_int_equal(refused(&picture, file.bytes, size, "cannot be decoded"), ERR_INPUT);
        assert_int_equal(refused(&picture, file.bytes, file.size - 1, "cut off"), ERR_INPUT);
        rows(&picture, &file, 0, 1); /* and the decoder goes on */
        free(file.bytes);
    }
    picture_release(&picture);
}

static void no_pictures(void **state)
{
    (void)state;
    struct picture picture = {0};
    struct picture_file jpeg = picture_make(picture_named("420"), 0, 40, 30);
    struct picture_file png = picture_make(picture_named("png"), 0, 40, 30);
    refused(&picture, "", 0, "is empty");
    refused(&picture, "GIF89a and so on", 16, "neither a JPEG nor a PNG");
    refused(&picture, "\xff\xd8", 2, "cannot be decoded");
    png.bytes[60] ^= 0x55;
    refused(&picture, png.bytes, png.size, "cannot be decoded");
    size_t at = 2; /* the frame header: height and width stand behind five bytes */
    while (jpeg.bytes[at + 1] != 0xc0)
        at += 2 + (size_t)jpeg.bytes[at + 2] * 256 + jpeg.bytes[at + 3];
    memset(jpeg.bytes + at + 5, 0xfa, 4);
    refused(&picture, jpeg.bytes, jpeg.size, "64250 x 64250 pixels");
    memset(jpeg.bytes + at + 5, 0xff, 4); /* 65535 x 65535: more than the library takes */
    refused(&picture, jpeg.bytes, jpeg.size, "image dimension is 65500 pixels");
    free(jpeg.bytes);
    free(png.bytes);
    picture_release(&picture);
}

/* A width of 2^30 in a PNG's header, whose checksum the library would look at first. */
static void large_png(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x89, 'P', 'N',  'G',  '\r', '\n', 0x1a, '\n', 0, 0,
                                          0,    13,  'I',  'H',  'D',  'R',  0,    1,    0, 0,
                                          0,    1,   0x00, 0x00, 8,    2,    0,    0,    0};
    struct picture picture = {0};
    unsigned char header[sizeof bytes + 4];
    uint32_t crc = 0xffffffff;
    memcpy(header, bytes, sizeof bytes);
    for (size_t i = 12; i < sizeof bytes; i++) {
        crc ^= header[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
    }
    for (size_t i = 0; i < 4; i++)
        header[sizeof bytes + i] = (unsigned char)(~crc >> (24 - 8 * i));
    unsigned char file[sizeof header + 12] = {0};
    memcpy(file, header, sizeof header);
    memcpy(file + sizeof header, "\0\0\0\0IDAT\x35\xaf\x06\x1e", 12);
    refused(&picture, file, sizeof file, "65536 x 65536 pixels");
    picture_release(&picture);
}

/* Shown by hand: pixel 1 of 2 that are made from 4 lies at 3; its triangle without antialias takes
 * in pixels 2 and 3, with it pixels 1 to 3 as 1/4, 3/4, 3/4 of 7/4. */
static void by_hand(void **state)
{
    (void)state;
    struct err err = {0};
    struct resize resize = {0};
    uint8_t src[4 * PICTURE_PIXEL] = {0}, line[2 * 2 * 3], turned[2 * 2 * 3];
    const uint8_t value[4] = {0, 70, 140, 252};
    for (size_t x = 0; x < 4; x++)
        memset(src + x * PICTURE_PIXEL, value[x], 3);
    assert_int_equal(resize_to(&resize, src, sizeof src, 4, 1, 2, 0, 0, line, &err), 0);
    assert_int_equal(line[0], 35);
    assert_int_equal(line[3], 196);
    assert_memory_equal(line, line + 6, 6);
    assert_int_equal(resize_to(&resize, src, sizeof src, 4, 1, 2, 1, 0, line, &err), 0);
    assert_int_equal(line[3], 178); /* (70 + 3 * 140 + 3 * 252) / 7 */
    assert_int_equal(resize_to(&resize, src, sizeof src, 4, 1, 2, 1, 1, turned, &err), 0);
    assert_memory_equal(turned, line + 3, 3);
    assert_memory_equal(turned + 3, line, 3);
    resize_release(&resize);
}

/* The value at a place of a line of n bytes, by TensorFlow 2's plain bilinear rule: of the two
 * pixels whose centres are next to it, beyond an end of the last one. */
static double between(const uint8_t *line, size_t step, int n, double place)
{
    double below = floor(place - 0.5), part = place - 0.5 - below;
    int a = below < 0 ? 0 : (int)below, b = (int)below + 1 > n - 1 ? n - 1 : (int)below + 1;
    return (1 - part) * line[(size_t)a * step] + part * line[(size_t)b * step];
}

/* Without antialias, smaller and larger, against that rule along the rows and then the columns. */
static void plain_bilinear(void **state)
{
    (void)state;
    enum { MOST = 64, SIDE = 23 };
    static const int sizes[][2] = {{64, 64}, {61, 7}, {1, 50}, {2, 3}, {23, 23}, {24, 22}, {1, 1}};
    struct err err = {0};
    struct resize resize = {0};
    static uint8_t src[MOST * MOST * PICTURE_PIXEL], got[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof src; i++)
        src[i] = picture_value(3, (int)(i % 251), (int)(i / 251), 1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int width = sizes[s][0], height = sizes[s][1];
        size_t stride = (size_t)width * PICTURE_PIXEL;
        assert_int_equal(resize_to(&resize, src, stride, width, height, SIDE, 0, 0, got, &err), 0);
        for (int i = 0; i < SIDE * SIDE * 3; i++) {
            uint8_t column[MOST];
            double x = (i / 3 % SIDE + 0.5) * width / SIDE,
                   y = (i / 3 / SIDE + 0.5) * height / SIDE;
            for (int line = 0; line < height; line++)
                column[line] = (uint8_t)floor(
                    0.5 + between(src + (size_t)line * stride + i % 3, PICTURE_PIXEL, width, x));
            int want = (int)floor(0.5 + between(column, 1, height, y));
            if (abs(want - got[i]) > 1)
                fail_msg("%d x %d: byte %d is %d, not %d", width, height, i, got[i], want);
        }
    }
    resize_release(&resize);
}

/* What is noted is found; what is damaged or cut off, wherever, is no note and no fault. */
static void orientations(void **state)
{
    (void)state;
    const char *const noting[] = {"exif", "png-exif"};
    for (size_t k = 0; k < PICTURE_KINDS; k++) {
        struct picture_file file = picture_make(&picture_kinds[k], 4, 30, 20);
        int notes = picture_kinds[k].special == PICTURE_EXIF;
        assert_int_equal(orientation_of(file.bytes, file.size), notes ? 5 : 1);
        free(file.bytes);
    }
    for (size_t k = 0; k < 2; k++)
        for (int number = 0; number < 8; number++) {
            struct picture_file file = picture_make(picture_named(noting[k]), number, 30, 20);
            int lost = 0;
            assert_int_equal(orientation_of(file.bytes, file.size), 1 + number);
            for (size_t size = 0; size < 200; size++) {
                uint8_t *cut = malloc(size + (size == 0)); /* so that a look beyond it shows */
                memcpy(cut, file.bytes, size);
                int found = orientation_of(cut, size);
                assert_true(found == 1 || found == 1 + number);
                free(cut);
            }
            for (size_t i = 0; i < 200; i++)
                for (int bit = 0; bit < 8; bit++) {
                    file.bytes[i] ^= (uint8_t)(1 << bit);
                    int found = orientation_of(file.bytes, file.size);
                    assert_in_range(found, 1, 8);
                    lost += found != 1 + number;
                    file.bytes[i] ^= (uint8_t)(1 << bit);
                }
            assert_true(number == 0 || lost > 50);
            free(file.bytes);
        }
}

static int write_all(const char *folder)
{
    for (size_t k = 0; k < PICTURE_KINDS; k++)
        for (int i = 0; i < PICTURE_EACH; i++) {
            char path[4096];
            struct picture_file file = numbered(&picture_kinds[k], i);
            snprintf(path, sizeof path, "%s/%s_%d.JPEG", folder, picture_kinds[k].name, i);
            FILE *out = fopen(path, "wb");
            int bad = out == NULL || fwrite(file.bytes, 1, file.size, out) != file.size;
            free(file.bytes);
            if (out == NULL || fclose(out) != 0 || bad)
                return 1;
        }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return write_all(argv[1]);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_pillow),    cmocka_unit_test(rows_alone),
        cmocka_unit_test(gray_is_gray), cmocka_unit_test(cut_off),
        cmocka_unit_test(no_pictures),  cmocka_unit_test(large_png),
        cmocka_unit_test(by_hand),      cmocka_unit_test(plain_bilinear),
        cmocka_unit_test(orientations),
    };
    return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}

#else

static void says_what_is_missing(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(picture_check(&err), ERR_CANNOT_RUN);
    assert_non_null(strstr(err.text, "which this build lacks (Debian: "));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_is_missing)};
    return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}

#endif
