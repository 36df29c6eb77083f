#include "dnn.h"

#include "common/plugin.h"
#include "driver.h"
#include "launch.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIGS_MAX 128 /* of one list of the heuristics */
#define NOTES_MAX 32
#define TENSOR_ALIGN 16 /* bytes; every tensor of ours begins on 256, weights on LAYOUT_ALIGN elements */

enum { ID_SRC = 1, ID_WEIGHTS, ID_DST };

typedef cudnnBackendDescriptor_t descriptor;

/* Several attributes in a row: after the first failure nothing more is set. */
struct setter {
    descriptor to;
    cudnnStatus_t status;
};

static struct setter begin(cudnnBackendDescriptorType_t type)
{
    struct setter setter = {NULL, CUDNN_STATUS_SUCCESS};
    setter.status = cudnnBackendCreateDescriptor(type, &setter.to);
    return setter;
}

static void set(struct setter *setter, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                int64_t count, const void *values)
{
    if (setter->status == CUDNN_STATUS_SUCCESS)
        setter->status = cudnnBackendSetAttribute(setter->to, name, type, count, values);
}

static void set_descriptor(struct setter *setter, cudnnBackendAttributeName_t name, descriptor value)
{
    set(setter, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
}

static void destroy(descriptor *one)
{
    if (*one != NULL)
        cudnnBackendDestroyDescriptor(*one);
    *one = NULL;
}

/* Finalizes and hands out, or destroys. */
static int32_t finish(struct setter *setter, descriptor *out, const char *what, struct repro_error *err)
{
    if (setter->status == CUDNN_STATUS_SUCCESS)
        setter->status = cudnnBackendFinalize(setter->to);
    int32_t code = driver_check_dnn(setter->status, what, err);
    if (code != 0)
        destroy(&setter->to);
    *out = setter->to;
    return code;
}

/* ---- The operation ---- */

/* Shape as N, C, H, W; in memory the channels lie side by side. */
static int32_t make_tensor(descriptor *out, int64_t id, int bf16, int64_t n, int64_t c, int64_t h, int64_t w,
                           struct repro_error *err)
{
    cudnnDataType_t type = bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    int64_t shape[4] = {n, c, h, w}, strides[4] = {h * w * c, 1, w * c, c}, align = TENSOR_ALIGN;
    struct setter setter = begin(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(&setter, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(&setter, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, shape);
    set(&setter, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
    set(&setter, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id);
    set(&setter, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align);
    return finish(&setter, out, "a tensor", err);
}

/* The rows behind the last window are not read, so the padding there is what the last window wants; it can be negative.
 */
static int64_t behind(int64_t size, int64_t dst, int64_t kernel, int64_t stride, int64_t pad)
{
    return (dst - 1) * stride + kernel - pad - size;
}

static int32_t make_window(descriptor *out, const struct dnn_conv *conv, struct repro_error *err)
{
    cudnnDataType_t type = CUDNN_DATA_FLOAT;
    cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    int64_t dims = 2, before[2] = {conv->pad_top, conv->pad_left}, stride[2] = {conv->stride_h, conv->stride_w},
            dilation[2] = {1, 1};
    int64_t after[2] = {behind(conv->height, conv->dst_height, conv->kernel_h, conv->stride_h, conv->pad_top),
                        behind(conv->width, conv->dst_width, conv->kernel_w, conv->stride_w, conv->pad_left)};
    for (int k = 0; k < 2; k++)
        after[k] = after[k] < 0 ? 0 : after[k];
    struct setter setter = begin(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    set(&setter, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
    set(&setter, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(&setter, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dims);
    set(&setter, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before);
    set(&setter, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after);
    set(&setter, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, stride);
    set(&setter, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilation);
    return finish(&setter, out, "a convolution", err);
}

/* The names of an operation's six attributes, by direction. */
static const struct names {
    cudnnBackendDescriptorType_t operation;
    cudnnBackendAttributeName_t src, weights, dst, window, alpha, beta;
} names[DNN_DIRECTIONS] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* Everything a graph of one convolution is made of. */
struct parts {
    descriptor src, weights, dst, window, operation, graph;
};

static void release_parts(struct parts *parts)
{
    destroy(&parts->graph);
    destroy(&parts->operation);
    destroy(&parts->window);
    destroy(&parts->dst);
    destroy(&parts->weights);
    destroy(&parts->src);
}

static int32_t make_parts(struct parts *parts, const struct dnn_target *target, const struct dnn_conv *conv,
                          enum dnn_direction direction, int add, struct repro_error *err)
{
    const struct names *name = &names[direction];
    float one = 1.0f, beta = add ? 1.0f : 0.0f;
    int32_t code = make_tensor(&parts->src, ID_SRC, conv->bf16, conv->rows, conv->channels, conv->height, conv->width,
                               err);
    if (code == 0)
        code = make_tensor(&parts->weights, ID_WEIGHTS, conv->bf16, conv->dst_channels, conv->channels, conv->kernel_h,
                           conv->kernel_w, err);
    if (code == 0)
        code = make_tensor(&parts->dst, ID_DST, conv->bf16, conv->rows, conv->dst_channels, conv->dst_height,
                           conv->dst_width, err);
    if (code == 0)
        code = make_window(&parts->window, conv, err);
    if (code != 0)
        return code;
    struct setter setter = begin(name->operation);
    set_descriptor(&setter, name->src, parts->src);
    set_descriptor(&setter, name->weights, parts->weights);
    set_descriptor(&setter, name->dst, parts->dst);
    set_descriptor(&setter, name->window, parts->window);
    set(&setter, name->alpha, CUDNN_TYPE_FLOAT, 1, &one);
    set(&setter, name->beta, CUDNN_TYPE_FLOAT, 1, &beta);
    code = finish(&setter, &parts->operation, "a convolution's operation", err);
    if (code != 0)
        return code;
    setter = begin(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    set_descriptor(&setter, CUDNN_ATTR_OPERATIONGRAPH_OPS, parts->operation);
    if (target->handle != NULL)
        set(&setter, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &target->handle);
    return finish(&setter, &parts->graph, "a convolution's graph", err);
}

/* ---- The choice ---- */

/* The engine of a configuration: its number and its numerical notes. */
static cudnnStatus_t inspect(descriptor config, int64_t *engine, uint32_t *notes)
{
    struct setter one = begin(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendNumericalNote_t list[NOTES_MAX];
    int64_t count = 0;
    cudnnStatus_t status = one.status;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                          &one.to);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(one.to, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, engine);
    count = 0;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(one.to, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                          NOTES_MAX, &count, list);
    *notes = 0;
    for (int64_t k = 0; status == CUDNN_STATUS_SUCCESS && k < count && k < NOTES_MAX; k++)
        *notes |= 1u << (unsigned)list[k];
    destroy(&one.to);
    return status;
}

static uint32_t forbidden_notes(const struct dnn_target *target, const struct dnn_conv *conv)
{
    uint32_t notes = 1u << CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION |
                     1u << CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS | 1u << CUDNN_NUMERICAL_NOTE_FFT |
                     1u << CUDNN_NUMERICAL_NOTE_WINOGRAD | 1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4 |
                     1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6 | 1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13;
    if (!target->nondeterministic)
        notes |= 1u << CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
    if (!conv->bf16 && !conv->tensor_cores)
        notes |= 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    return notes;
}

/* Builds the plan of a configuration; 1 when it passes the rule. */
static int try_config(struct dnn_plan *plan, const struct dnn_target *target, descriptor config, uint32_t forbidden)
{
    int64_t count = 0;
    if (inspect(config, &plan->engine, &plan->notes) != CUDNN_STATUS_SUCCESS || (plan->notes & forbidden) != 0)
        return 0;
    struct setter setter = begin(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    if (target->handle != NULL)
        set(&setter, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &target->handle);
#if CUDNN_VERSION >= 90800
    else
        set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, target->properties);
#endif
    if (setter.status == CUDNN_STATUS_SUCCESS)
        setter.status = cudnnBackendFinalize(setter.to);
    if (setter.status == CUDNN_STATUS_SUCCESS)
        setter.status = cudnnBackendGetAttribute(setter.to, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                                 1, &count, &plan->workspace);
    if (setter.status != CUDNN_STATUS_SUCCESS || plan->workspace > DNN_WORKSPACE_MAX) {
        destroy(&setter.to);
        return 0;
    }
    plan->plan = setter.to;
    return 1;
}

/* Goes through one list of the heuristics; 1 when a plan was found. */
static int search(struct dnn_plan *plan, const struct dnn_target *target, descriptor graph, cudnnBackendHeurMode_t mode,
                  uint32_t forbidden)
{
    descriptor configs[CONFIGS_MAX] = {NULL};
    int64_t proposed = 0, given = 0;
    int found = 0;
    struct setter heuristics = begin(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set_descriptor(&heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(&heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
#if CUDNN_VERSION >= 90800
    if (target->handle == NULL)
        set_descriptor(&heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, target->properties);
#endif
    cudnnStatus_t status = heuristics.status;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendFinalize(heuristics.to);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(heuristics.to, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                          0, &proposed, NULL);
    proposed = proposed < CONFIGS_MAX ? proposed : CONFIGS_MAX;
    for (int64_t i = 0; i < proposed && status == CUDNN_STATUS_SUCCESS; i++)
        status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i]);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(heuristics.to, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                          proposed, &given, configs);
    for (int64_t i = 0; i < given && i < proposed && status == CUDNN_STATUS_SUCCESS && !found; i++)
        found = try_config(plan, target, configs[i], forbidden);
    for (int64_t i = 0; i < proposed; i++)
        destroy(&configs[i]);
    destroy(&heuristics.to);
    return found;
}

int32_t dnn_plan_init(struct dnn_plan *plan, const struct dnn_target *target, const struct dnn_conv *conv,
                      enum dnn_direction direction, int add, struct repro_error *err)
{
    static const char *const verbs[] = {"forward", "backward data", "backward weights"};
    struct parts parts = {NULL, NULL, NULL, NULL, NULL, NULL};
    memset(plan, 0, sizeof *plan);
    int32_t code = make_parts(&parts, target, conv, direction, add, err);
    uint32_t forbidden = forbidden_notes(target, conv);
    if (code == 0 && !search(plan, target, parts.graph, CUDNN_HEUR_MODE_A, forbidden) &&
        !search(plan, target, parts.graph, CUDNN_HEUR_MODE_FALLBACK, forbidden))
        code = fail(err, REPRO_UNSUPPORTED,
                    "cuDNN has no %s%s engine for %" PRId64 "x%" PRId64 " stride %" PRId64 "x%" PRId64 ", %" PRId64
                    " to %" PRId64 " channels at %" PRId64 "x%" PRId64 " in %s; choose another --precision%s",
                    target->nondeterministic ? "" : "deterministic ", verbs[direction], conv->kernel_h, conv->kernel_w,
                    conv->stride_h, conv->stride_w, conv->channels, conv->dst_channels, conv->height, conv->width,
                    conv->bf16           ? "bf16"
                    : conv->tensor_cores ? "tf32"
                                         : "f32",
                    target->nondeterministic ? "" : ", or --allow-nondeterministic");
    release_parts(&parts);
    return code;
}

void dnn_plan_release(struct dnn_plan *plan)
{
    destroy(&plan->pack);
    if (!plan->borrowed)
        destroy(&plan->plan);
    plan->plan = NULL;
}

void dnn_plan_borrow(struct dnn_plan *plan, const struct dnn_plan *from)
{
    *plan = *from;
    plan->pack = NULL;
    plan->borrowed = 1;
}

/* ---- Running ---- */

int32_t dnn_plan_bind(struct dnn_plan *plan, void *src, void *weights, void *dst, void *workspace,
                      struct repro_error *err)
{
    void *pointers[3] = {src, weights, dst};
    int64_t ids[3] = {ID_SRC, ID_WEIGHTS, ID_DST};
    struct setter setter = begin(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    set(&setter, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
    set(&setter, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
    set(&setter, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    destroy(&plan->pack);
    return finish(&setter, &plan->pack, "a convolution's pointers", err);
}

int32_t dnn_plan_run(const struct dnn_plan *plan, cudnnHandle_t handle, struct repro_error *err)
{
    launch_count++;
    return driver_check_dnn(cudnnBackendExecute(handle, plan->plan, plan->pack), "a convolution", err);
}

int32_t dnn_describe_device(const char *json, cudnnBackendDescriptor_t *properties, struct repro_error *err)
{
#if CUDNN_VERSION >= 90800
    struct setter setter = begin(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    set(&setter, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(json) + 1, json);
    return finish(&setter, properties, "a described device", err);
#else
    (void)json;
    *properties = NULL;
    return fail(err, REPRO_UNSUPPORTED, "devices can be described from cuDNN 9.8 on");
#endif
}
