#include "data/orientation.h"

#include "data/picture.h"

#include <string.h>

#define UPRIGHT 1
#define TAG 274
#define SHORT 3 /* the type of its value */
#define FIELD 12
#define APP1 0xe1
#define SCAN 0xda /* the segment behind which a JPEG's data begin */

/* Some bytes of a file, of which those beyond the end are 0. */
struct span {
    const uint8_t *bytes;
    size_t size;
};

static struct span from(struct span span, size_t start)
{
    size_t past = start < span.size ? start : span.size;
    return (struct span){span.bytes + past, span.size - past};
}

static uint32_t number(struct span span, size_t at, int size, int little)
{
    uint32_t word = 0;
    for (int i = 0; i < size; i++) {
        size_t place = at + (size_t)(little ? size - 1 - i : i);
        word = word << 8 | (place < span.size ? span.bytes[place] : 0);
    }
    return word;
}

/* Of a block of EXIF: TIFF's header, then fields of FIELD bytes behind their count. */
static int of_block(struct span block)
{
    int little = block.size > 4 && memcmp(block.bytes, "II*\0", 4) == 0;
    if (!little && (block.size <= 4 || memcmp(block.bytes, "MM\0*", 4) != 0))
        return UPRIGHT;
    struct span fields = from(block, number(block, 4, 4, little));
    uint32_t count = number(fields, 0, 2, little);
    for (uint32_t i = 0; i < count && 2 + i * FIELD < fields.size; i++) {
        struct span field = from(fields, 2 + (size_t)i * FIELD);
        if (number(field, 0, 2, little) != TAG)
            continue;
        uint32_t value = number(field, 8, 2, little);
        return number(field, 2, 2, little) == SHORT && value >= 1 && value <= 8 ? (int)value
                                                                                : UPRIGHT;
    }
    return UPRIGHT;
}

static int of_jpeg(struct span file)
{
    for (file = from(file, 2); file.size > 4 && file.bytes[0] == 0xff;) {
        unsigned marker = file.bytes[1];
        size_t size = number(file, 2, 2, 0);
        if (marker == 0xff) { /* padding */
            file = from(file, 1);
            continue;
        }
        if (marker == SCAN || size < 2 || size > file.size - 2)
            break;
        if (marker == APP1 && size >= 8 && memcmp(file.bytes + 4, "Exif\0\0", 6) == 0)
            return of_block((struct span){file.bytes + 10, size - 8});
        file = from(file, 2 + size);
    }
    return UPRIGHT;
}

static int of_png(struct span file)
{
    for (file = from(file, 8); file.size >= 12;) {
        size_t size = number(file, 0, 4, 0);
        if (size > file.size - 12)
            break;
        if (memcmp(file.bytes + 4, "eXIf", 4) == 0)
            return of_block((struct span){file.bytes + 8, size});
        file = from(file, 12 + size);
    }
    return UPRIGHT;
}

int orientation_of(const uint8_t *bytes, size_t size)
{
    struct span file = {bytes, size};
    return size > 0 && bytes[0] == 0xff ? of_jpeg(file) : of_png(file);
}

int orientation_swaps(int orientation)
{
    return orientation >= 5;
}

/* Whether a file's columns, or rows, run against those that are shown: of orientations 1..8. */
static const unsigned char columns_back[9] = {0, 0, 1, 1, 0, 0, 0, 1, 1};
static const unsigned char rows_back[9] = {0, 0, 0, 1, 1, 0, 1, 1, 0};

struct frame orientation_stored(int orientation, const struct frame *frame, int width, int height)
{
    struct frame stored = *frame;
    if (orientation_swaps(orientation))
        stored = (struct frame){
            .left = frame->top, .top = frame->left, .width = frame->height, .height = frame->width};
    if (columns_back[orientation])
        stored.left = width - stored.left - stored.width;
    if (rows_back[orientation])
        stored.top = height - stored.top - stored.height;
    stored.flip = 0;
    return stored;
}

void orientation_turn(int orientation, const struct frame *frame, const uint8_t *src, size_t stride,
                      uint8_t *dst)
{
    int swaps = orientation_swaps(orientation);
    int width = swaps ? frame->height : frame->width, height = swaps ? frame->width : frame->height;
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++, dst += PICTURE_PIXEL) {
            int column = swaps ? y : x, row = swaps ? x : y;
            column = columns_back[orientation] ? width - 1 - column : column;
            row = rows_back[orientation] ? height - 1 - row : row;
            memcpy(dst, src + (size_t)row * stride + (size_t)column * PICTURE_PIXEL, PICTURE_PIXEL);
        }
}
