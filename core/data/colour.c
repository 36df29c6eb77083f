#include "data/colour.h"

#include "base/random.h"

#define BLOCK 11
#define BRIGHTNESS 32.0
#define SATURATION_LOW 0.5
#define SATURATION_HIGH 1.5

struct colour colour_train(uint64_t seed, uint32_t epoch, int64_t image)
{
    struct random_words words = random_at(seed, RANDOM_AUGMENT, epoch, (uint64_t)image, BLOCK);
    return (struct colour){.brightness = BRIGHTNESS * (2 * random_uniform(words.word[0]) - 1),
                           .saturation = SATURATION_LOW + (SATURATION_HIGH - SATURATION_LOW) *
                                                              random_uniform(words.word[1]),
                           .saturation_first = random_below(words.word[2], 0, 2) == 1};
}

static void brighten(double value[3], double brightness)
{
    for (int c = 0; c < 3; c++)
        value[c] += brightness;
}

/* The largest channel, HSV's value, stays; the others' distance from it is multiplied, which leaves
 * the hue, and at most so that the smallest one becomes 0. */
static void saturate(double value[3], double saturation)
{
    double most = value[0], least = value[0];
    for (int c = 1; c < 3; c++) {
        most = value[c] > most ? value[c] : most;
        least = value[c] < least ? value[c] : least;
    }
    if (most <= 0)
        return;
    double factor = (most - least) * saturation <= most ? saturation : most / (most - least);
    for (int c = 0; c < 3; c++)
        value[c] = most - (most - value[c]) * factor;
}

void colour_apply(const struct colour *colour, uint8_t *pixels, size_t count)
{
    for (size_t i = 0; i < count; i++, pixels += 3) {
        double value[3] = {pixels[0], pixels[1], pixels[2]};
        if (!colour->saturation_first)
            brighten(value, colour->brightness);
        saturate(value, colour->saturation);
        if (colour->saturation_first)
            brighten(value, colour->brightness);
        for (int c = 0; c < 3; c++)
            pixels[c] = value[c] <= 0 ? 0 : value[c] >= 255 ? 255 : (uint8_t)(value[c] + 0.5);
    }
}
