#include "dnn.h"

#include "choice.h"
#include "common/plugin.h"
#include "descriptor.h"
#include "driver.h"
#include "launch.h"
#include "operation.h"
#include "tune.h"

#include <inttypes.h>
#include <string.h>

/* ---- The plan ---- */

static int32_t no_engine(const struct dnn_target *target, const struct dnn_conv *conv,
                         enum dnn_direction direction, struct repro_error *err)
{
    static const char *const verbs[] = {"forward", "backward data", "backward weights"};
    return fail(err, REPRO_UNSUPPORTED,
                "cuDNN has no %s%s engine for %" PRId64 "x%" PRId64 " stride %" PRId64 "x%" PRId64
                ", %" PRId64 " to %" PRId64 " channels at %" PRId64 "x%" PRId64
                " in %s; choose another --precision%s",
                target->nondeterministic ? "" : "deterministic ", verbs[direction], conv->kernel_h,
                conv->kernel_w, conv->stride_h, conv->stride_w, conv->channels, conv->dst_channels,
                conv->height, conv->width, dnn_precision(conv),
                target->nondeterministic ? "" : ", or --allow-nondeterministic");
}

const char *dnn_precision(const struct dnn_conv *conv)
{
    return conv->bf16 ? "bf16" : conv->tensor_cores ? "tf32" : "f32";
}

int32_t dnn_plan_init(struct dnn_plan *plan, const struct dnn_target *target,
                      const struct dnn_conv *conv, enum dnn_direction direction, int add,
                      struct repro_error *err)
{
    struct operation operation;
    memset(plan, 0, sizeof *plan);
    int32_t code = operation_init(&operation, target, conv, direction, add, err);
    struct choice choice = {.target = target,
                            .graph = operation.graph,
                            .forbidden = choice_forbidden(target, conv),
                            .knobs = target->tuner != NULL};
    if (code == 0 && target->tuner != NULL)
        code = tune_plan(plan, &choice, conv, direction, add, err);
    else if (code == 0)
        choice_collect(&choice, plan, 1);
    if (code == 0 && plan->plan == NULL)
        code = no_engine(target, conv, direction, err);
    operation_release(&operation);
    return code;
}

void dnn_plan_release(struct dnn_plan *plan)
{
    descriptor_destroy(&plan->pack);
    if (!plan->borrowed)
        descriptor_destroy(&plan->plan);
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
    int64_t ids[3] = {OPERATION_SRC, OPERATION_WEIGHTS, OPERATION_DST};
    struct setter setter = setter_begin(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
    setter_set(&setter, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    descriptor_destroy(&plan->pack);
    return setter_finish(&setter, &plan->pack, "a convolution's pointers", err);
}

int32_t dnn_plan_run(const struct dnn_plan *plan, cudnnHandle_t handle, struct repro_error *err)
{
    launch_count++;
    return driver_check_dnn(cudnnBackendExecute(handle, plan->plan, plan->pack), "a convolution",
                            err);
}

int32_t dnn_describe_device(const char *json, cudnnBackendDescriptor_t *properties,
                            struct repro_error *err)
{
#if CUDNN_VERSION >= 90800
    struct setter setter = setter_begin(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
               (int64_t)strlen(json) + 1, json);
    return setter_finish(&setter, properties, "a described device", err);
#else
    (void)json;
    *properties = NULL;
    return fail(err, REPRO_UNSUPPORTED, "devices can be described from cuDNN 9.8 on");
#endif
}
