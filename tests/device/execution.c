/* cudnnBackendExecute: reads plan and pack at the call, computes on the stream of the handle. */
#include "convolution.h"
#include "descriptor.h"

#include <stdlib.h>
#include <string.h>

static void read_tensor(struct tensor *to, struct descriptor *from, struct descriptor *pack)
{
    int64_t id, ids[3];
    void *pointers[3];
    memcpy(&to->type, descriptor_values(from, CUDNN_ATTR_TENSOR_DATA_TYPE), sizeof to->type);
    memcpy(to->size, descriptor_values(from, CUDNN_ATTR_TENSOR_DIMENSIONS), sizeof to->size);
    memcpy(to->stride, descriptor_values(from, CUDNN_ATTR_TENSOR_STRIDES), sizeof to->stride);
    memcpy(&id, descriptor_values(from, CUDNN_ATTR_TENSOR_UNIQUE_ID), sizeof id);
    memcpy(ids, descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS), sizeof ids);
    memcpy(pointers, descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS),
           sizeof pointers);
    for (int k = 0; k < 3; k++)
        if (ids[k] == id)
            to->data = pointers[k];
}

/* What an execution keeps of plan and pack. */
struct execution {
    struct convolution conv;
    const struct engine *engine;
    void *workspace;
};

static void run_execution(void *context, double *ahead)
{
    const struct execution *one = context;
    if (one->engine->workspace > 0)
        memset(one->workspace, 0xcb, (size_t)one->engine->workspace);
    convolution_compute(&one->conv);
    if (one->engine->number == emulator_setting("slow", -1))
        *ahead += 1.0;
}

static void read_convolution(struct convolution *conv, struct descriptor *operation,
                             struct descriptor *pack)
{
    static const int attributes[3][5] = {
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA}};
    conv->which = operation->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR ? 2
                  : operation->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR
                      ? 0
                      : 1;
    const int *names = attributes[conv->which];
    read_tensor(&conv->src, descriptor_find(operation, names[0]), pack);
    read_tensor(&conv->weights, descriptor_find(operation, names[1]), pack);
    read_tensor(&conv->dst, descriptor_find(operation, names[2]), pack);
    struct descriptor *window = descriptor_find(operation, names[3]);
    memcpy(conv->before, descriptor_values(window, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS),
           sizeof conv->before);
    memcpy(conv->after, descriptor_values(window, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS),
           sizeof conv->after);
    memcpy(conv->stride, descriptor_values(window, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
           sizeof conv->stride);
    memcpy(&conv->beta, descriptor_values(operation, names[4]), sizeof conv->beta);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    EMULATOR_LOCKED;
    struct descriptor *one = plan;
    int injected = emulator_failure("execute");
    if (injected != 0)
        return (cudnnStatus_t)injected;
    struct execution *kept = emulator_allocate(sizeof *kept);
    struct convolution *conv = &kept->conv;
    read_convolution(conv, descriptor_find(one->graph, CUDNN_ATTR_OPERATIONGRAPH_OPS), pack);
    for (int k = 0; k < 2; k++) /* the shapes must agree, as cuDNN insists */
        if ((conv->src.size[2 + k] + conv->before[k] + conv->after[k] - conv->weights.size[2 + k]) /
                    conv->stride[k] +
                1 !=
            conv->dst.size[2 + k]) {
            free(kept);
            return CUDNN_STATUS_BAD_PARAM;
        }
    kept->engine = descriptor_engine(plan);
    conv->cores = kept->engine->note_count > 0 &&
                  kept->engine->notes[0] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    memcpy(&kept->workspace, descriptor_values(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE),
           sizeof kept->workspace);
    cudaError_t status = emulator_submit(handle->stream,
                                         (struct emulator_work){run_execution, free, kept});
    return status == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}
