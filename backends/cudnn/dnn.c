#include "dnn.h"

#include "descriptor.h"
#include "driver.h"
#include "launch.h"

const char *dnn_precision(const struct dnn_conv *conv)
{
    return conv->bf16 ? "bf16" : conv->tensor_cores ? "tf32" : "f32";
}

void dnn_release(struct dnn_execution *execution)
{
    descriptor_destroy(&execution->pack);
    if (!execution->borrowed)
        descriptor_destroy(&execution->descriptor);
    execution->descriptor = NULL;
}

void dnn_borrow(struct dnn_execution *execution, const struct dnn_execution *from)
{
    *execution = *from;
    execution->pack = NULL;
    execution->borrowed = 1;
}

int32_t dnn_bind(struct dnn_execution *execution, void *src, void *weights, void *dst,
                 void *workspace, struct repro_error *err)
{
    void *pointers[3] = {src, weights, dst};
    int64_t ids[3] = {DNN_ID_SRC, DNN_ID_WEIGHTS, DNN_ID_DST};
    struct setter setter = setter_begin(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    descriptor_destroy(&execution->pack);
    return setter_finish(&setter, &execution->pack, "a convolution's pointers", err);
}

int32_t dnn_run(const struct dnn_execution *execution, cudnnHandle_t handle,
                struct repro_error *err)
{
    launch_count++;
    return driver_check_dnn(cudnnBackendExecute(handle, execution->descriptor, execution->pack),
                            "a convolution", err);
}
