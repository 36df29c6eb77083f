#include "launch.h"

__thread int64_t launch_count;

#define STEPS 4 /* pixels of a thread, at least */

/* Steps double up to `steps` while at least `blocks` blocks are left. */
struct limit {
    int32_t blocks, steps;
};

int32_t launch_width(int64_t channels, int type_bytes)
{
    int32_t width = 16 / type_bytes;
    return channels % width == 0 ? width : 1;
}

static int64_t parts(int64_t count, int64_t size)
{
    return (count + size - 1) / size;
}

static struct launch_columns cut(struct launch_columns shape, int32_t lanes_max,
                                 const struct limit *limits, int count)
{
    int64_t lanes = parts(shape.channels, shape.width), steps = STEPS;
    shape.lanes = 1;
    while (shape.lanes < lanes && shape.lanes < lanes_max)
        shape.lanes *= 2;
    shape.lines = LAUNCH_THREADS / shape.lanes;
    shape.tiles = (int32_t)parts(lanes, shape.lanes);
    int64_t all = parts(shape.pixels, shape.lines) * shape.tiles * shape.ghosts;
    for (int k = 0; k < count; k++)
        while (steps < limits[k].steps && all >= 2 * steps * limits[k].blocks)
            steps *= 2;
    while (parts(shape.pixels, steps * shape.lines) > LAUNCH_DEPTH_MAX)
        steps *= 2;
    shape.split_pixels = steps * shape.lines;
    shape.splits = (int32_t)parts(shape.pixels, shape.split_pixels);
    return shape;
}

struct launch_columns launch_columns(int64_t channels, int64_t pixels, int64_t ghosts,
                                     int type_bytes)
{
    static const struct limit limits[] = {{256, 16}, {1024, 64}};
    struct launch_columns shape = {.channels = channels,
                                   .pixels = pixels,
                                   .ghosts = ghosts,
                                   .width = launch_width(channels, type_bytes)};
    return cut(shape, shape.width == 1 ? 16 : 4, limits, 2);
}

int64_t launch_scratch(const struct launch_columns *sums)
{
    return sums->ghosts * sums->tiles * sums->splits * sums->lanes * 2 * sums->width;
}

struct launch_columns launch_stream(const struct launch_columns *sums)
{
    static const struct limit limits[] = {{1024, 16}};
    return cut(*sums, 32, limits, 1);
}

int32_t launch_blocks(int64_t count)
{
    int64_t blocks = (count + LAUNCH_THREADS - 1) / LAUNCH_THREADS;
    return (int32_t)(blocks < 1 ? 1 : blocks > LAUNCH_BLOCKS_MAX ? LAUNCH_BLOCKS_MAX : blocks);
}
