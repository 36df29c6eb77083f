/* marks.h -- moments of the device's own clock. */
#ifndef CUDNN_MARKS_H
#define CUDNN_MARKS_H

#include "backend/backend.h"

#include <cuda_runtime_api.h>

struct marks {
    cudaEvent_t *events; /* [REPRO_MARKS], NULL before the first */
    int count;           /* not read yet */
};

void marks_release(struct marks *marks);
/* Behind all that is queued on the stream. */
int32_t marks_add(struct marks *marks, cudaStream_t stream, struct repro_error *err);
/* net_marks of backend.h, when the device has come to them all. */
int32_t marks_take(struct marks *marks, double *seconds, int64_t capacity, int64_t *count,
                   struct repro_error *err);

#endif
