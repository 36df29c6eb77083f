#include "descriptor.h"

#include "driver.h"

struct setter setter_begin(cudnnBackendDescriptorType_t type)
{
    struct setter setter = {NULL, CUDNN_STATUS_SUCCESS};
    setter.status = cudnnBackendCreateDescriptor(type, &setter.to);
    return setter;
}

void setter_set(struct setter *setter, cudnnBackendAttributeName_t name,
                cudnnBackendAttributeType_t type, int64_t count, const void *values)
{
    if (setter->status == CUDNN_STATUS_SUCCESS)
        setter->status = cudnnBackendSetAttribute(setter->to, name, type, count, values);
}

void setter_set_descriptor(struct setter *setter, cudnnBackendAttributeName_t name,
                           cudnnBackendDescriptor_t value)
{
    setter_set(setter, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

cudnnStatus_t setter_end(struct setter *setter, cudnnBackendDescriptor_t *out)
{
    if (setter->status == CUDNN_STATUS_SUCCESS)
        setter->status = cudnnBackendFinalize(setter->to);
    if (setter->status != CUDNN_STATUS_SUCCESS)
        descriptor_destroy(&setter->to);
    *out = setter->to;
    return setter->status;
}

int32_t setter_finish(struct setter *setter, cudnnBackendDescriptor_t *out, const char *what,
                      struct repro_error *err)
{
    return driver_check_dnn(setter_end(setter, out), what, err);
}

void descriptor_destroy(cudnnBackendDescriptor_t *one)
{
    if (*one != NULL)
        cudnnBackendDestroyDescriptor(*one);
    *one = NULL;
}
