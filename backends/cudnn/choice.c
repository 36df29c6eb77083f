#include "choice.h"

#include "common/plugin.h"
#include "operation.h"

#include <inttypes.h>
#include <string.h>

static int32_t no_engine(const struct engine_target *target, const struct dnn_conv *conv,
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

int32_t choice_make(struct dnn_execution *execution, const struct engine_target *target,
                    const struct tuner *tuner, const struct dnn_conv *conv,
                    enum dnn_direction direction, int add, struct repro_error *err)
{
    struct operation operation;
    memset(execution, 0, sizeof *execution);
    int32_t code = operation_init(&operation, target->handle, conv, direction, add, err);
    struct engine_search search = {.target = target,
                                   .graph = operation.graph,
                                   .forbidden = engine_forbidden(target, conv),
                                   .knobs = tuner != NULL};
    if (code == 0 && tuner != NULL)
        code = tune_execution(execution, tuner, &search, conv, direction, add, err);
    else if (code == 0)
        engine_collect(&search, execution, 1);
    if (code == 0 && execution->descriptor == NULL)
        code = no_engine(target, conv, direction, err);
    operation_release(&operation);
    return code;
}
