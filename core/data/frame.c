#include "data/frame.h"

#include "base/random.h"

#include <math.h>

#define TRIES 10
#define AREA_LOW 0.05
#define AREA_HIGH 1.0
#define LOG_RATIO 0.28768207245178092744 /* log(4/3) */
#define TERMS 12                         /* of the series: exact to a double's last bit here */

/* exp(x) for |x| < 0.15, not the C library's, whose last bit differs from one to the next. */
static double exponential(double x)
{
    double sum = 1.0;
    for (int i = TERMS; i > 0; i--)
        sum = 1.0 + x / i * sum;
    return sum;
}

/* The largest centred part whose proportion is within 3/4..4/3. */
static struct frame centre(int width, int height)
{
    struct frame frame = {.width = width, .height = height};
    if (4 * (int64_t)width < 3 * (int64_t)height)
        frame.height = (int)((8 * (int64_t)width + 3) / 6);
    else if (3 * (int64_t)width > 4 * (int64_t)height)
        frame.width = (int)((8 * (int64_t)height + 3) / 6);
    frame.left = (width - frame.width) / 2;
    frame.top = (height - frame.height) / 2;
    return frame;
}

struct frame frame_train(uint64_t seed, uint32_t epoch, int64_t image, int width, int height)
{
    struct frame frame = centre(width, height);
    double whole = (double)width * height;
    for (uint32_t i = 0; i < TRIES; i++) {
        struct random_words words = random_at(seed, RANDOM_AUGMENT, epoch, (uint64_t)image, i);
        double part = AREA_LOW + (AREA_HIGH - AREA_LOW) * random_uniform(words.word[0]);
        double root = exponential((random_uniform(words.word[1]) - 0.5) * LOG_RATIO);
        double side = sqrt(whole * part);
        double w = floor(side * root + 0.5), h = floor(side / root + 0.5);
        if (w < 1 || h < 1 || w > width || h > height)
            continue;
        frame = (struct frame){.width = (int)w, .height = (int)h};
        frame.top = (int)random_below(words.word[2], 0, (uint64_t)(height - frame.height + 1));
        frame.left = (int)random_below(words.word[3], 0, (uint64_t)(width - frame.width + 1));
        break;
    }
    struct random_words words = random_at(seed, RANDOM_AUGMENT, epoch, (uint64_t)image, TRIES);
    frame.flip = random_below(words.word[0], 0, 2) == 1;
    return frame;
}

struct frame frame_test(int width, int height)
{
    int left = width / 16, top = height / 16;
    return (struct frame){
        .left = left, .top = top, .width = width - 2 * left, .height = height - 2 * top};
}
