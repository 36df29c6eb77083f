/* libjpeg-turbo's own interface, not TurboJPEG's: it skips rows, tells a file that was cut off from
 * one that is merely odd, and leaves the decompressor standing between pictures. */
#include "data/picture_parts.h"

#include "base/err.h"

#define MAGIC      \
    {              \
        0xff, 0xd8 \
    }

#ifdef REPRO_HAVE_JPEG

#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#define END_MARKER 0xd9

struct jpeg {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    const char *reason; /* ours; NULL: libjpeg's */
    int cut;            /* the file ended before its end marker */
};

static void give_up(j_common_ptr common)
{
    struct jpeg *jpeg = common->client_data;
    longjmp(jpeg->failed, 1);
}

static void take_warning(j_common_ptr common, int level)
{
    struct jpeg *jpeg = common->client_data;
    if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF)
        jpeg->cut = 1;
}

/* A small file can ask for many thousands of passes over a large picture. */
static void count_scans(j_common_ptr common)
{
    struct jpeg *jpeg = common->client_data;
    if (jpeg->info.input_scan_number > PICTURE_SCANS_MAX) {
        jpeg->reason = "it has too many scans";
        longjmp(jpeg->failed, 1);
    }
}

static int report(struct jpeg *jpeg, struct err *err)
{
    char words[JMSG_LENGTH_MAX];
    jpeg->errors.format_message((j_common_ptr)&jpeg->info, words);
    int memory = jpeg->reason == NULL && jpeg->errors.msg_code == JERR_OUT_OF_MEMORY;
    const char *reason = jpeg->cut ? "it is cut off" : jpeg->reason;
    jpeg_abort_decompress(&jpeg->info);
    return err_set(err, memory ? ERR_MEMORY : ERR_INPUT, "cannot be decoded: %s",
                   reason == NULL ? words : reason);
}

static void *create(struct err *err)
{
    struct jpeg *jpeg = mem_new(1, sizeof *jpeg, err);
    if (jpeg == NULL)
        return NULL;
    jpeg->info.err = jpeg_std_error(&jpeg->errors);
    jpeg->errors.error_exit = give_up;
    jpeg->errors.emit_message = take_warning;
    jpeg->info.client_data = jpeg;
    if (setjmp(jpeg->failed) != 0) {
        err_set(err, ERR_MEMORY, "cannot begin to decode JPEG images: out of memory");
        mem_free(jpeg);
        return NULL;
    }
    jpeg_create_decompress(&jpeg->info);
    jpeg->progress.progress_monitor = count_scans;
    jpeg->info.progress = &jpeg->progress;
    return jpeg;
}

static void destroy(void *own)
{
    struct jpeg *jpeg = own;
    jpeg_destroy_decompress(&jpeg->info);
    mem_free(jpeg);
}

static int open_jpeg(void *own, const uint8_t *bytes, size_t size, size_t *width, size_t *height,
                     struct err *err)
{
    struct jpeg *jpeg = own;
    struct jpeg_decompress_struct *info = &jpeg->info;
    jpeg->cut = 0;
    jpeg->reason = NULL;
    jpeg_abort_decompress(info);
    if (setjmp(jpeg->failed) != 0)
        return report(jpeg, err);
    jpeg_mem_src(info, bytes, size);
    jpeg_read_header(info, TRUE);
    *width = info->image_width;
    *height = info->image_height;
    return 0;
}

/* Whether the end marker is there, be it before what was read or behind it.  Within a JPEG's data
 * the two bytes stand for nothing else. */
static int has_end(struct jpeg *jpeg)
{
    static const uint8_t end[2] = {0xff, END_MARKER};
    struct jpeg_decompress_struct *info = &jpeg->info;
    if (jpeg->cut)
        return 0;
    return info->unread_marker == END_MARKER || jpeg_input_complete(info) ||
           memmem(info->src->next_input_byte, info->src->bytes_in_buffer, end, sizeof end) != NULL;
}

/* In place: each row's c, m, y, k, inverted, to red, green, blue. */
static void to_rgb(uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++, pixels += PICTURE_PIXEL) {
        unsigned k = pixels[3];
        for (int c = 0; c < 3; c++) {
            unsigned product = (255u - pixels[c]) * k + 128;
            unsigned ink = (product + (product >> 8)) >> 8;
            pixels[c] = (uint8_t)(k - ink);
        }
    }
}

static void decode(struct jpeg *jpeg, int top, int count, uint8_t *pixels)
{
    struct jpeg_decompress_struct *info = &jpeg->info;
    size_t row = (size_t)info->image_width * PICTURE_PIXEL;
    int four = info->num_components == 4;
    info->dct_method = JDCT_ISLOW;
    info->out_color_space = four ? JCS_CMYK : JCS_EXT_RGBX;
    jpeg_start_decompress(info);
    if (top > 0)
        jpeg_skip_scanlines(info, (JDIMENSION)top);
    for (int y = 0; y < count; y++) {
        JSAMPROW line = pixels + (size_t)y * row;
        jpeg_read_scanlines(info, &line, 1);
    }
    if (four)
        to_rgb(pixels, (size_t)count * info->image_width);
}

static int read_rows(void *own, int top, int count, uint8_t *pixels, struct err *err)
{
    struct jpeg *jpeg = own;
    if (setjmp(jpeg->failed) != 0)
        return report(jpeg, err);
    decode(jpeg, top, count, pixels);
    if (!has_end(jpeg)) {
        jpeg->cut = 1;
        return report(jpeg, err);
    }
    jpeg_abort_decompress(&jpeg->info);
    return 0;
}

const struct picture_format picture_jpeg = {
    .title = "JPEG",
    .magic_size = 2,
    .magic = MAGIC,
    .create = create,
    .destroy = destroy,
    .open = open_jpeg,
    .rows = read_rows,
};

#else

const struct picture_format picture_jpeg = {
    .title = "JPEG",
    .library = "libjpeg-turbo",
    .package = "libjpeg62-turbo-dev",
    .magic_size = 2,
    .magic = MAGIC,
};

#endif
