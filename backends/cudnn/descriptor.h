/* descriptor.h -- cuDNN's descriptors: several attributes set in a row, then finalized. */
#ifndef CUDNN_DESCRIPTOR_H
#define CUDNN_DESCRIPTOR_H

#include "backend/backend.h"

#include <cudnn.h>

/* After the first failure nothing more is set. */
struct setter {
    cudnnBackendDescriptor_t to;
    cudnnStatus_t status;
};

struct setter setter_begin(cudnnBackendDescriptorType_t type);
void setter_set(struct setter *setter, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values);
void setter_set_descriptor(struct setter *setter, cudnnBackendAttributeName_t name,
                           cudnnBackendDescriptor_t value);
/* Finalizes and hands out, or destroys. */
cudnnStatus_t setter_end(struct setter *setter, cudnnBackendDescriptor_t *out);
/* The same with a sentence that names what it is. */
int32_t setter_finish(struct setter *setter, cudnnBackendDescriptor_t *out, const char *what,
                      struct repro_error *err);

/* Makes *one NULL; NULL is legal. */
void descriptor_destroy(cudnnBackendDescriptor_t *one);

#endif
