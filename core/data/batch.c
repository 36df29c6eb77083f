#include "data/batch.h"

#include "base/random.h"

#include <stddef.h>

#define PAD 4

void batch_order(uint64_t seed, uint32_t epoch, int64_t n, int64_t *order)
{
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        struct random_words words = random_at(seed, RANDOM_SHUFFLE, epoch, (uint64_t)i, 0);
        int64_t j = (int64_t)random_below(words.word[0], words.word[1], (uint64_t)i + 1);
        int64_t swapped = order[i];
        order[i] = order[j];
        order[j] = swapped;
    }
}

/* Mirrors a coordinate into 0..size-1 about the first and the last pixel, neither of which is
 * repeated. */
static ptrdiff_t reflect(ptrdiff_t at, ptrdiff_t size)
{
    if (size == 1)
        return 0;
    while (at < 0 || at >= size)
        at = at < 0 ? -at : 2 * (size - 1) - at;
    return at;
}

static uint64_t draw(uint32_t word, uint64_t bound)
{
    return random_below(word, 0, bound);
}

void batch_cut(const uint8_t *src, int height, int width, int channels,
               const struct repro_crop *crop, uint8_t *dst)
{
    ptrdiff_t top = crop->top, left = crop->left;
    size_t pixel = (size_t)channels;
    for (ptrdiff_t y = 0; y < height; y++) {
        const uint8_t *row = src + (size_t)(reflect(top + y, height) * width) * pixel;
        for (ptrdiff_t x = 0; x < width; x++, dst += pixel) {
            ptrdiff_t column = reflect(left + (crop->flip ? width - 1 - x : x), width);
            for (size_t c = 0; c < pixel; c++)
                dst[c] = row[(size_t)column * pixel + c];
        }
    }
}

void batch_crops(uint64_t seed, uint32_t epoch, const int64_t *image, int64_t count,
                 struct repro_crop *crops)
{
    for (int64_t r = 0; r < count; r++) {
        struct random_words words = random_at(seed, RANDOM_AUGMENT, epoch, (uint64_t)image[r], 0);
        crops[r] = (struct repro_crop){
            .image = (int32_t)image[r],
            .top = (int8_t)((int)draw(words.word[0], 2 * PAD + 1) - PAD),
            .left = (int8_t)((int)draw(words.word[1], 2 * PAD + 1) - PAD),
            .flip = draw(words.word[2], 2) == 1};
    }
}
