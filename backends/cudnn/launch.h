/* launch.h -- how a kernel's work is cut into blocks: plain arithmetic, the same on every device,
 * so that no bit depends on how many multiprocessors one has.  Shared by host code and kernels. */
#ifndef CUDNN_LAUNCH_H
#define CUDNN_LAUNCH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What this thread has queued so far: kernels, and the calls of a library that queue its own.  It
 * only grows; who wants a step's share takes the difference. */
extern __thread int64_t launch_count;

#define LAUNCH_THREADS 256
/* of an elementwise kernel, whose threads then do several elements each */
#define LAUNCH_BLOCKS_MAX 4096
#define LAUNCH_DEPTH_MAX 65535 /* blocks in y and in z */

/* A kernel over [pixels, channels] per ghost: lanes threads, each of `width` channels, side by
 * side, and lines of pixels. */
struct launch_columns {
    int64_t channels, pixels, ghosts;
    int32_t width;        /* channels per thread: 16 bytes of them where the count allows, else 1 */
    int32_t lanes, lines; /* block: lanes x lines = LAUNCH_THREADS; both are powers of two */
    int32_t tiles, splits; /* grid: tiles of channels x splits of the pixels x ghosts */
    int64_t split_pixels;  /* pixels of a split */
};

#define LAUNCH_TILE_MAX 32 /* channels of a tile that is summed: lanes * width */

/* For sums over the pixels of a ghost.  type_bytes: of an element.  pixels: of one ghost.
 *
 * A tile is at most 64 bytes of a pixel, so that a ghost's last step, which adds what the splits
 * left, is shared by the tiles of many channels.  A thread has 4 pixels, its loads all on their way
 * at once; from 256 blocks on it has more, up to 16, and from 1024 on up to 64, beyond which sums
 * in f32 would be long. */
struct launch_columns launch_columns(int64_t channels, int64_t pixels, int64_t ghosts,
                                     int type_bytes);

/* Floats in which those sums leave their partial sums: two for each ghost, split and channel,
 * [ghosts, tiles, splits, lanes, 2, width]. */
int64_t launch_scratch(const struct launch_columns *sums);

/* The same tensor cut for work without sums: whole pixels side by side, and 4 to 16 pixels a
 * thread. */
struct launch_columns launch_stream(const struct launch_columns *sums);

/* Channels per thread: a 16 byte load where a pixel's channels are whole loads, else one. */
int32_t launch_width(int64_t channels, int type_bytes);

/* Blocks of LAUNCH_THREADS for so many elements. */
int32_t launch_blocks(int64_t count);

#ifdef __cplusplus
}
#endif

#endif
