#include "operation.h"

#include "descriptor.h"

#include <string.h>

/* bytes; every tensor of ours begins on 256, weights on LAYOUT_ALIGN elements */
#define TENSOR_ALIGN 16

typedef cudnnBackendDescriptor_t descriptor;

/* Shape as N, C, H, W; in memory the channels lie side by side. */
static int32_t make_tensor(descriptor *out, int64_t id, int bf16, int64_t n, int64_t c, int64_t h,
                           int64_t w, struct repro_error *err)
{
    cudnnDataType_t type = bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    int64_t shape[4] = {n, c, h, w}, strides[4] = {h * w * c, 1, w * c, c}, align = TENSOR_ALIGN;
    struct setter setter = setter_begin(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    setter_set(&setter, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, shape);
    setter_set(&setter, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    setter_set(&setter, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    setter_set(&setter, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    return setter_finish(&setter, out, "a tensor", err);
}

/* The rows behind the last window are not read, so the padding there is what the last window wants;
 * it can be negative.
 */
static int64_t behind(int64_t size, int64_t dst, int64_t kernel, int64_t stride, int64_t pad)
{
    return (dst - 1) * stride + kernel - pad - size;
}

static int32_t make_window(descriptor *out, const struct dnn_conv *conv, struct repro_error *err)
{
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t dims = 2, before[2] = {conv->pad_top, conv->pad_left},
            stride[2] = {conv->stride_h, conv->stride_w}, dilation[2] = {1, 1};
    int64_t after[2] = {
        behind(conv->height, conv->dst_height, conv->kernel_h, conv->stride_h, conv->pad_top),
        behind(conv->width, conv->dst_width, conv->kernel_w, conv->stride_w, conv->pad_left)};
    for (int k = 0; k < 2; k++)
        after[k] = after[k] < 0 ? 0 : after[k];
    struct setter setter = setter_begin(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    setter_set(&setter, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    return setter_finish(&setter, out, "a convolution", err);
}

/* The names of an operation's six attributes, by direction. */
static const struct names {
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t src, weights, dst, window, alpha, beta;
} names[DNN_DIRECTIONS] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

void operation_release(struct operation *one)
{
    descriptor_destroy(&one->graph);
    descriptor_destroy(&one->operation);
    descriptor_destroy(&one->window);
    descriptor_destroy(&one->dst);
    descriptor_destroy(&one->weights);
    descriptor_destroy(&one->src);
}

int32_t operation_init(struct operation *one, cudnnHandle_t handle, const struct dnn_conv *conv,
                       enum dnn_direction direction, int add, struct repro_error *err)
{
    const struct names *name = &names[direction];
    float alpha = 1.0f, beta = add ? 1.0f : 0.0f;
    memset(one, 0, sizeof *one);
    int32_t code = make_tensor(&one->src, DNN_ID_SRC, conv->bf16, conv->rows, conv->channels,
                               conv->height, conv->width, err);
    if (code == 0)
        code = make_tensor(&one->weights, DNN_ID_WEIGHTS, conv->bf16, conv->dst_channels,
                           conv->channels, conv->kernel_h, conv->kernel_w, err);
    if (code == 0)
        code = make_tensor(&one->dst, DNN_ID_DST, conv->bf16, conv->rows, conv->dst_channels,
                           conv->dst_height, conv->dst_width, err);
    if (code == 0)
        code = make_window(&one->window, conv, err);
    if (code != 0)
        return code;
    struct setter setter = setter_begin(name->operation);
    setter_set_descriptor(&setter, name->src, one->src);
    setter_set_descriptor(&setter, name->weights, one->weights);
    setter_set_descriptor(&setter, name->dst, one->dst);
    setter_set_descriptor(&setter, name->window, one->window);
    setter_set(&setter, name->alpha, CUDNN_TYPE_FLOAT, 1, &alpha);
    setter_set(&setter, name->beta, CUDNN_TYPE_FLOAT, 1, &beta);
    code = setter_finish(&setter, &one->operation, "a convolution's operation", err);
    if (code != 0)
        return code;
    setter = setter_begin(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_OPERATIONGRAPH_OPS, one->operation);
    if (handle != NULL)
        setter_set(&setter, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    return setter_finish(&setter, &one->graph, "a convolution's graph", err);
}
