/* A class of ten is a pair: the outline of the object (disk, square, triangle, plus,
 * ring; all of one area) and the period of the texture on it (fine or coarse); class = 2 * outline
 * + period.  Position, size, proportion, tilt, colours, contrast, and the kind (stripes or checks)
 * and direction of the texture are drawn at random and say nothing of the class; the background
 * carries a texture of its own and smaller objects of any kind, and every pixel has noise.  Tilts
 * and directions are symmetric, so a mirrored image is as likely as the image and of the same
 * class.
 *
 * A class of a thousand is three of these, its digits: of a large object, a smaller one before it
 * and one still smaller before both.  There are no others then.
 *
 * LABEL_NOISE of the training labels are wrong: replaced by one of the other classes.  Test labels
 * are all right.
 *
 * All arithmetic is in integers and the sine is a polynomial, so the set has the same digest on
 * every machine. Lengths are in sixteenths of a pixel of an image of SIDE pixels on a side, of
 * which one of another side is a finer or coarser picture; angles in 65536ths of a turn, sines and
 * textures in units of 1/ONE. */
#include "data/scene.h"

#include "base/random.h"
#include "data/dataset.h"

#include <stdlib.h>

/* The difficulty.  Larger noise, label noise, clutter and ground, and smaller contrast and texture,
 * are harder. */
#define LABEL_NOISE 0.04 /* fraction of the training labels replaced */
#define PIXEL_NOISE 40   /* greatest deviation of the noise, which is triangular, on 0..255 */
#define CONTRAST_LOW 40  /* object against background, per channel, on 0..255 */
#define CONTRAST_HIGH 100
#define TEXTURE_LOW 24 /* amplitude of an object's texture, per channel, on 0..255 */
#define TEXTURE_HIGH 70
#define GROUND_LOW 0 /* amplitude of the background's texture */
#define GROUND_HIGH 24
#define RADIUS_LOW 128 /* of the object */
#define RADIUS_HIGH 192
#define CLUTTER_MAX 4        /* smaller objects behind it: 0 to this */
#define MIDDLE_RADIUS_LOW 84 /* of the second of three */
#define MIDDLE_RADIUS_HIGH 108
#define CLUTTER_RADIUS_LOW 48 /* of these, and of the third */
#define CLUTTER_RADIUS_HIGH 80
#define FINE_LOW 44 /* period of a fine texture */
#define FINE_HIGH 60
#define COARSE_LOW 92 /* and of a coarse one */
#define COARSE_HIGH 124
#define TILT 4000 /* greatest tilt of an outline */

#define SIDE SCENE_SIDE /* what the lengths above are of */
#define CHANNELS SCENE_CHANNELS
#define OUTLINES 5
#define PERIODS 2
#define KINDS (OUTLINES * PERIODS)
#define UNIT 16     /* lengths: one pixel */
#define ONE 16384   /* sines and textures */
#define RADIUS 1024 /* an outline's own coordinates: its nominal radius */
/* pixel noise takes the random blocks from here on, all else those before */
#define NOISE_BLOCK 256

enum { DISK, SQUARE, TRIANGLE, PLUS, RING };
enum { FINE, COARSE };
enum { STRIPES, CHECKS, CLOUDS }; /* clouds are for backgrounds alone */

struct stream {
    uint64_t seed, index;
    uint32_t split, block;
    int left;
    struct random_words words;
};

struct texture {
    int kind;
    int step_x[3], step_y[3], start[3]; /* angle of each wave: start + x * step_x + y * step_y */
    int colour[CHANNELS], amplitude[CHANNELS];
};

struct object {
    int outline, x, y;
    int u_x, u_y, v_x, v_y; /* u = (u_x x + u_y y) / ONE, in units of 1/RADIUS */
    struct texture texture;
};

/* An integer uniform in low..high. */
static int draw(struct stream *stream, int low, int high)
{
    if (stream->left == 0) {
        stream->words = random_at(stream->seed, RANDOM_SYNTHETIC, stream->split, stream->index,
                                  stream->block++);
        stream->left = 4;
    }
    uint32_t word = stream->words.word[4 - stream->left--];
    return low + (int)random_below(word, 0, (uint64_t)(high - low + 1));
}

static int draw_sign(struct stream *stream)
{
    return draw(stream, 0, 1) == 0 ? -1 : 1;
}

/* A parabola through the zeroes and the peak, then bent towards the sine: within 0.2 % of it. */
static int sine(int angle)
{
    unsigned half = (unsigned)angle & 32767;
    int p = (int)(half * (32768 - half) / ONE);
    p += (p * p / ONE - p) * 3686 / ONE;
    return ((unsigned)angle & 32768) != 0 ? -p : p;
}

static int cosine(int angle)
{
    return sine(angle + 16384);
}

static int draw_period(struct stream *stream, int size)
{
    return size == FINE ? draw(stream, FINE_LOW, FINE_HIGH) : draw(stream, COARSE_LOW, COARSE_HIGH);
}

static void draw_texture(struct stream *stream, int kind, int size, int low, int high,
                         struct texture *texture)
{
    int angle = draw(stream, 0, 65535), period = draw_period(stream, size);
    texture->kind = kind;
    for (int i = 0; i < 3; i++) {
        int turned = angle;
        if (i > 0)
            turned = kind == CHECKS ? angle + 16384 : draw(stream, 0, 65535);
        texture->step_x[i] = cosine(turned) * 4 / period;
        texture->step_y[i] = sine(turned) * 4 / period;
        texture->start[i] = draw(stream, 0, 65535);
    }
    for (int c = 0; c < CHANNELS; c++)
        texture->amplitude[c] = draw(stream, low, high) * draw_sign(stream);
}

static int wave(const struct texture *texture, int i, int x, int y)
{
    return sine(texture->start[i] + x * texture->step_x[i] + y * texture->step_y[i]);
}

/* The three kinds have the same mean square. */
static int texture_at(const struct texture *texture, int x, int y)
{
    int first = wave(texture, 0, x, y);
    if (texture->kind == STRIPES)
        return first;
    int second = wave(texture, 1, x, y);
    if (texture->kind == CHECKS)
        return first * second / ONE * 181 / 128;
    return (first + second + wave(texture, 2, x, y)) * 74 / 128;
}

static void draw_object(struct stream *stream, int outline, int period, int low, int high,
                        struct object *object)
{
    int radius = draw(stream, low, high), tilt = draw(stream, -TILT, TILT), margin = radius * 3 / 4;
    int stretch = draw(stream, 112, 144); /* of 128: wider than high, or the other way about */
    object->outline = outline;
    object->x = draw(stream, margin, SIDE * UNIT - margin);
    object->y = draw(stream, margin, SIDE * UNIT - margin);
    int wide = radius * stretch / 128, tall = radius * 128 / stretch;
    object->u_x = cosine(tilt) * RADIUS / wide;
    object->u_y = sine(tilt) * RADIUS / wide;
    object->v_x = -sine(tilt) * RADIUS / tall;
    object->v_y = cosine(tilt) * RADIUS / tall;
    draw_texture(stream, draw(stream, STRIPES, CHECKS), period, TEXTURE_LOW, TEXTURE_HIGH,
                 &object->texture);
}

/* Numbers are lengths in units of 1/RADIUS that give every outline the area 2.01 radius^2. */
static int covers(int outline, int u, int v)
{
    int a = abs(u), b = abs(v);
    switch (outline) {
    case DISK:
        return u * u + v * v < 819 * 819;
    case SQUARE:
        return a < 726 && b < 726;
    case TRIANGLE: /* v grows downwards; 1774/1024 = sqrt(3) */
        return v < 637 && a * 1774 - v * 1024 < 1274 * 1024;
    case PLUS:
        return (a < 302 && b < 1024) || (b < 302 && a < 1024);
    default:
        return u * u + v * v < 1024 * 1024 && u * u + v * v > 614 * 614;
    }
}

/* Where the middle of pixel x lies. */
static int place(int x, int side)
{
    return (2 * x + 1) * (SIDE * UNIT / 2) / side;
}

/* How many of a pixel's 2 x 2 points, each `off` from its middle, lie on the object. */
static int coverage(const struct object *object, int x, int y, int off)
{
    int count = 0;
    for (int i = 0; i < 4; i++) {
        int dx = x + (i % 2 == 0 ? -off : off) - object->x,
            dy = y + (i / 2 == 0 ? -off : off) - object->y;
        int u = (dx * object->u_x + dy * object->u_y) / ONE,
            v = (dx * object->v_x + dy * object->v_y) / ONE;
        if (abs(u) < 2 * RADIUS && abs(v) < 2 * RADIUS)
            count += covers(object->outline, u, v);
    }
    return count;
}

/* The pixels so far, ints that may lie outside 0..255, are covered where the object is. */
static void paint(const struct object *object, int side, int *pixels)
{
    const struct texture *texture = &object->texture;
    int off = SIDE * UNIT / 4 / side;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++, pixels += CHANNELS) {
            int at_x = place(x, side), at_y = place(y, side),
                over = coverage(object, at_x, at_y, off);
            if (over == 0)
                continue;
            int value = texture_at(texture, at_x, at_y);
            for (int c = 0; c < CHANNELS; c++) {
                int colour = texture->colour[c] + texture->amplitude[c] * value / ONE;
                pixels[c] = (pixels[c] * (4 - over) + colour * over) / 4;
            }
        }
    }
}

static void draw_background(struct stream *stream, int side, int *pixels, int colour[CHANNELS])
{
    struct texture texture;
    int kind = draw(stream, STRIPES, CLOUDS), period = draw(stream, FINE, COARSE);
    draw_texture(stream, kind, period, GROUND_LOW, GROUND_HIGH, &texture);
    for (int c = 0; c < CHANNELS; c++)
        colour[c] = draw(stream, 64, 191);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++, pixels += CHANNELS) {
            int value = texture_at(&texture, place(x, side), place(y, side));
            for (int c = 0; c < CHANNELS; c++)
                pixels[c] = colour[c] + texture.amplitude[c] * value / ONE;
        }
}

/* Of `size` values, eight from a block. */
static void add_noise(struct stream *stream, const int *pixels, size_t size, uint8_t *out)
{
    struct random_words words = {{0}};
    for (size_t k = 0; k < size; k++) {
        uint32_t i = (uint32_t)(k % 8);
        if (i == 0)
            words = random_at(stream->seed, RANDOM_SYNTHETIC, stream->split, stream->index,
                              NOISE_BLOCK + (uint32_t)(k / 8));
        int bits = (int)(words.word[i / 2] >> 16 * (i % 2) & 65535);
        int noise = ((bits >> 8) + (bits & 255) - 255) * PIXEL_NOISE / 255;
        int value = pixels[k] + noise;
        out[k] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void colour_object(struct stream *stream, const int ground[CHANNELS], struct object *object)
{
    for (int c = 0; c < CHANNELS; c++)
        object->texture.colour[c] = ground[c] +
                                    draw(stream, CONTRAST_LOW, CONTRAST_HIGH) * draw_sign(stream);
}

static void add_object(struct stream *stream, int kind, int low, int high, const int *ground,
                       int side, int *pixels)
{
    struct object object;
    draw_object(stream, kind / PERIODS, kind % PERIODS, low, high, &object);
    colour_object(stream, ground, &object);
    paint(&object, side, pixels);
}

static void add_clutter(struct stream *stream, const int *ground, int side, int *pixels)
{
    int outline = draw(stream, 0, OUTLINES - 1), period = draw(stream, FINE, COARSE);
    add_object(stream, outline * PERIODS + period, CLUTTER_RADIUS_LOW, CLUTTER_RADIUS_HIGH, ground,
               side, pixels);
}

void scene_make(const struct scene *scene, int split, int64_t index, int *room, uint8_t *pixels,
                int32_t *label)
{
    struct stream stream = {
        .seed = scene->seed, .index = (uint64_t)index, .split = (uint32_t)split};
    int side = scene->side, classes = scene->classes, ground[CHANNELS];
    int class = draw(&stream, 0, classes - 1), other = draw(&stream, 1, classes - 1);
    int wrong = split == DATASET_TRAIN && draw(&stream, 0, 9999) < (int)(LABEL_NOISE * 10000 + 0.5);
    draw_background(&stream, side, room, ground);
    if (classes == KINDS)
        for (int left = draw(&stream, 0, CLUTTER_MAX); left > 0; left--)
            add_clutter(&stream, ground, side, room);
    int first = classes == KINDS ? class : class / (KINDS * KINDS);
    add_object(&stream, first, RADIUS_LOW, RADIUS_HIGH, ground, side, room);
    if (classes != KINDS) {
        add_object(&stream, class / KINDS % KINDS, MIDDLE_RADIUS_LOW, MIDDLE_RADIUS_HIGH, ground,
                   side, room);
        add_object(&stream, class % KINDS, CLUTTER_RADIUS_LOW, CLUTTER_RADIUS_HIGH, ground, side,
                   room);
    }
    add_noise(&stream, room, (size_t)side * (size_t)side * CHANNELS, pixels);
    *label = wrong ? (class + other) % classes : class;
}
