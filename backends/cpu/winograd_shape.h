/* winograd_shape.h -- the shape of a convolution, which all parts of Winograd's share. */
#ifndef CPU_WINOGRAD_SHAPE_H
#define CPU_WINOGRAD_SHAPE_H

#include <stdint.h>

struct winograd {
    int64_t rows, height, width; /* of src and dst alike */
    int64_t src_channels, dst_channels;
    int32_t threads;
};

#endif
