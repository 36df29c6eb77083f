/* colour.h against hue, saturation and value as textbooks compute them. */
#include "data/colour.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define PIXELS 4096

/* Red, green and blue on 0..1 by way of hue 0..6, saturation and value. */
static void saturate(double rgb[3], double factor)
{
    double most = fmax(rgb[0], fmax(rgb[1], rgb[2])), least = fmin(rgb[0], fmin(rgb[1], rgb[2]));
    double range = most - least, hue = 0, value = most;
    if (range > 0 && most == rgb[0])
        hue = fmod((rgb[1] - rgb[2]) / range + 6, 6);
    else if (range > 0 && most == rgb[1])
        hue = (rgb[2] - rgb[0]) / range + 2;
    else if (range > 0)
        hue = (rgb[0] - rgb[1]) / range + 4;
    double saturation = most > 0 ? fmin(1, range / most * factor) : 0;
    for (int c = 0; c < 3; c++) {
        double k = fmod(hue + (const double[]){5, 3, 1}[c], 6);
        rgb[c] = value - value * saturation * fmax(0, fmin(1, fmin(k, 4 - k)));
    }
}

static void brighten(double rgb[3], double by)
{
    for (int c = 0; c < 3; c++)
        rgb[c] += by;
}

static uint8_t pixel_value(int i, int c)
{
    static const uint8_t ends[] = {0, 1, 254, 255};
    return i < 64 ? ends[i >> 2 * c & 3] : (uint8_t)(i * (37 + 22 * c) + i * i / (c + 3));
}

static void as_textbooks(void **state)
{
    (void)state;
    int worst = 0, changed = 0, cut = 0;
    for (int i = 0; i < PIXELS; i++) {
        struct colour colour = colour_train(3, 1, i);
        uint8_t pixel[3];
        double want[3];
        for (int c = 0; c < 3; c++) {
            pixel[c] = pixel_value(i, c);
            want[c] = pixel[c] / 255.0;
        }
        if (!colour.saturation_first)
            brighten(want, colour.brightness / 255);
        saturate(want, colour.saturation);
        if (colour.saturation_first)
            brighten(want, colour.brightness / 255);
        colour_apply(&colour, pixel, 1);
        for (int c = 0; c < 3; c++) {
            int value = (int)floor(255 * fmin(1, fmax(0, want[c])) + 0.5);
            int off = abs(value - pixel[c]);
            worst = off > worst ? off : worst;
            changed += pixel[c] != pixel_value(i, c);
            cut += want[c] < 0 || want[c] > 1;
        }
    }
    assert_in_range(worst, 0, 1); /* where the real number lies between two bytes */
    assert_true(changed > 2 * PIXELS && cut > PIXELS / 20);
}

/* What is drawn: its bounds, its middle, both orders; each from (seed, epoch, image) alone. */
static void what_is_drawn(void **state)
{
    (void)state;
    double low = 64, high = -64, less = 2, more = 0, brightness = 0, saturation = 0;
    int first = 0;
    for (int i = 0; i < PIXELS; i++) {
        struct colour colour = colour_train(1, 0, i), other = colour_train(1, 1, i);
        low = fmin(low, colour.brightness);
        high = fmax(high, colour.brightness);
        less = fmin(less, colour.saturation);
        more = fmax(more, colour.saturation);
        brightness += colour.brightness / PIXELS;
        saturation += colour.saturation / PIXELS;
        first += colour.saturation_first;
        assert_true(colour.brightness != other.brightness);
    }
    assert_true(low >= -32 && low < -31.8 && high < 32 && high > 31.8);
    assert_true(less >= 0.5 && less < 0.505 && more < 1.5 && more > 1.495);
    assert_true(fabs(brightness) < 1.2 && fabs(saturation - 1) < 0.02); /* four deviations */
    assert_in_range(first, PIXELS / 2 - 128, PIXELS / 2 + 128);
    assert_true(colour_train(1, 0, 5).brightness != colour_train(2, 0, 5).brightness);
}

/* By hand: (200, 100, 50) at half the saturation is (200, 150, 125), 10 brighter (210, 160, 135);
 * of twice the saturation none is below 0. */
static void by_hand(void **state)
{
    (void)state;
    uint8_t pixel[9] = {200, 100, 50, 200, 100, 50, 90, 90, 90};
    colour_apply(&(struct colour){10, 0.5, 1}, pixel, 1);
    colour_apply(&(struct colour){0, 2, 0}, pixel + 3, 2);
    const uint8_t want[9] = {210, 160, 135, 200, 67, 0, 90, 90, 90};
    assert_memory_equal(pixel, want, sizeof want);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_textbooks),
        cmocka_unit_test(what_is_drawn),
        cmocka_unit_test(by_hand),
    };
    return cmocka_run_group_tests_name("colour", tests, NULL, NULL);
}
