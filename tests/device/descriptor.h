/* descriptor.h -- what cuDNN's descriptors keep: attributes, as they were set. */
#ifndef DEVICE_DESCRIPTOR_H
#define DEVICE_DESCRIPTOR_H

#include "emulator.h"

#include "cudnn.h"

#define ATTRIBUTES_MAX 16
#define WORKSPACE_BYTES 192

struct attribute {
    int name;
    int64_t count;
    char values[64];
};

struct cudnnContext {
    cudaStream_t stream;
};

struct descriptor {
    int type, finalized, used, engine;
    int knob[2]; /* of a knob choice that was read: type and value */
    struct attribute attributes[ATTRIBUTES_MAX];
    struct descriptor *graph; /* of a configuration, and of its plan */
    /* of an operation: what it refers to, since the caller may destroy that */
    struct descriptor *copies[4];
};

struct engine {
    int64_t number;
    int notes[2], note_count;
    int64_t workspace;
    int knobs[2][2], knob_count; /* type and value of each */
};
/* Of a finalized plan. */
const struct engine *descriptor_engine(const struct descriptor *plan);

/* The values of an attribute that the backend must have set. */
const char *descriptor_values(struct descriptor *one, int name);
/* The descriptor that an attribute refers to; NULL when it was not set. */
struct descriptor *descriptor_find(struct descriptor *one, int name);

#endif
