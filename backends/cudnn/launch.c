#include "launch.h"

__thread int64_t launch_count;

#define LANES_MAX 32
#define SPLIT_PIXELS 512

int32_t launch_width(int64_t channels, int type_bytes)
{
    int32_t width = 16 / type_bytes;
    return channels % width == 0 ? width : 1;
}

struct launch_columns launch_columns(int64_t channels, int64_t pixels, int64_t ghosts, int type_bytes)
{
    struct launch_columns shape = {.channels = channels,
                                   .pixels = pixels,
                                   .ghosts = ghosts,
                                   .width = launch_width(channels, type_bytes),
                                   .split_pixels = SPLIT_PIXELS};
    int64_t lanes = (channels + shape.width - 1) / shape.width;
    shape.lanes = 1;
    while (shape.lanes < lanes && shape.lanes < LANES_MAX)
        shape.lanes *= 2;
    shape.lines = LAUNCH_THREADS / shape.lanes;
    shape.tiles = (int32_t)((lanes + shape.lanes - 1) / shape.lanes);
    while ((pixels + shape.split_pixels - 1) / shape.split_pixels > LAUNCH_DEPTH_MAX)
        shape.split_pixels *= 2;
    shape.splits = (int32_t)((pixels + shape.split_pixels - 1) / shape.split_pixels);
    return shape;
}

int32_t launch_blocks(int64_t count)
{
    int64_t blocks = (count + LAUNCH_THREADS - 1) / LAUNCH_THREADS;
    return (int32_t)(blocks < 1 ? 1 : blocks > LAUNCH_BLOCKS_MAX ? LAUNCH_BLOCKS_MAX : blocks);
}
