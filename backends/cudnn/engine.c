/* A configuration is an engine and its knobs.  Of a finalized one both can be read, and a new one
 * made of them gives the same execution, whatever the heuristics would propose that day; test_dnn
 * shows it for the networks' convolutions. */
#include "engine.h"

#include "common/plugin.h"
#include "descriptor.h"

#include <string.h>

#define CONFIGS_MAX 128 /* of one list of the heuristics */
#define NOTES_MAX 32

typedef cudnnBackendDescriptor_t descriptor;

uint32_t engine_forbidden(const struct engine_target *target, const struct dnn_conv *conv)
{
    uint32_t notes = 1u << CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION |
                     1u << CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS |
                     1u << CUDNN_NUMERICAL_NOTE_FFT | 1u << CUDNN_NUMERICAL_NOTE_WINOGRAD |
                     1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4 |
                     1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6 |
                     1u << CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13;
    if (!target->nondeterministic)
        notes |= 1u << CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
    if (!conv->bf16 && !conv->tensor_cores)
        notes |= 1u << CUDNN_NUMERICAL_NOTE_TENSOR_CORE;
    return notes;
}

/* The engine of a configuration: its number and its numerical notes. */
static cudnnStatus_t read_engine(descriptor config, struct dnn_execution *execution)
{
    struct setter one = setter_begin(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendNumericalNote_t list[NOTES_MAX];
    int64_t count = 0;
    cudnnStatus_t status = one.status;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &one.to);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(one.to, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64,
                                          1, &count, &execution->engine);
    count = 0;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(one.to, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                          CUDNN_TYPE_NUMERICAL_NOTE, NOTES_MAX, &count, list);
    execution->notes = 0;
    for (int64_t k = 0; status == CUDNN_STATUS_SUCCESS && k < count && k < NOTES_MAX; k++)
        execution->notes |= 1u << (unsigned)list[k];
    descriptor_destroy(&one.to);
    return status;
}

static cudnnStatus_t read_knob(descriptor knob, struct knob *out)
{
    cudnnBackendKnobType_t type;
    int64_t count = 0;
    cudnnStatus_t status = cudnnBackendGetAttribute(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE,
                                                    CUDNN_TYPE_KNOB_TYPE, 1, &count, &type);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(knob, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64,
                                          1, &count, &out->value);
    if (status == CUDNN_STATUS_SUCCESS)
        out->type = (int32_t)type;
    return status;
}

static cudnnStatus_t read_knobs(descriptor config, struct knobs *knobs)
{
    descriptor list[KNOBS_MAX] = {NULL};
    int64_t count = 0;
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
    for (int k = 0; k < KNOBS_MAX && status == CUDNN_STATUS_SUCCESS; k++)
        status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &list[k]);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, KNOBS_MAX, &count, list);
    if (count > KNOBS_MAX)
        status = CUDNN_STATUS_BAD_PARAM;
    for (int k = 0; k < count && status == CUDNN_STATUS_SUCCESS; k++)
        status = read_knob(list[k], &knobs->list[k]);
    knobs->count = status == CUDNN_STATUS_SUCCESS ? (int)count : 0;
    for (int k = 0; k < KNOBS_MAX; k++)
        descriptor_destroy(&list[k]);
    return status;
}

/* Builds the execution of a configuration, unless the rule forbids it: execution->descriptor is
 * NULL then. */
static cudnnStatus_t build(const struct engine_search *search, descriptor config,
                           struct dnn_execution *execution)
{
    int64_t count = 0;
    memset(execution, 0, sizeof *execution);
    cudnnStatus_t status = read_engine(config, execution);
    if (status == CUDNN_STATUS_SUCCESS && search->knobs)
        status = read_knobs(config, &execution->knobs);
    if (status != CUDNN_STATUS_SUCCESS || (execution->notes & search->forbidden) != 0)
        return status;
    struct setter setter = setter_begin(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    if (search->target->handle != NULL)
        setter_set(&setter, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1,
                   &search->target->handle);
#if CUDNN_VERSION >= 90800
    else
        setter_set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                              search->target->properties);
#endif
    status = setter_end(&setter, &execution->descriptor);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(execution->descriptor,
                                          CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                          CUDNN_TYPE_INT64, 1, &count, &execution->workspace);
    if (status != CUDNN_STATUS_SUCCESS || execution->workspace > ENGINE_WORKSPACE_MAX)
        descriptor_destroy(&execution->descriptor);
    return status;
}

/* ---- From the heuristics ---- */

static int is_known(const struct dnn_execution *executions, int count,
                    const struct dnn_execution *execution)
{
    for (int i = 0; i < count; i++)
        if (executions[i].engine == execution->engine &&
            knobs_same(&executions[i].knobs, &execution->knobs))
            return 1;
    return 0;
}

/* Goes through one list of the heuristics; returns how many executions there are then. */
static int collect(const struct engine_search *search, cudnnBackendHeurMode_t mode,
                   struct dnn_execution *executions, int count, int most)
{
    descriptor configs[CONFIGS_MAX] = {NULL}, heuristics;
    int64_t proposed = 0, given = 0;
    struct setter setter = setter_begin(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, search->graph);
    setter_set(&setter, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
#if CUDNN_VERSION >= 90800
    if (search->target->handle == NULL)
        setter_set_descriptor(&setter, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP,
                              search->target->properties);
#endif
    cudnnStatus_t status = setter_end(&setter, &heuristics);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &proposed, NULL);
    proposed = proposed < CONFIGS_MAX ? proposed : CONFIGS_MAX;
    for (int64_t i = 0; i < proposed && status == CUDNN_STATUS_SUCCESS; i++)
        status = cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, &configs[i]);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                          CUDNN_TYPE_BACKEND_DESCRIPTOR, proposed, &given, configs);
    for (int64_t i = 0; i < given && i < proposed && status == CUDNN_STATUS_SUCCESS && count < most;
         i++) {
        if (build(search, configs[i], &executions[count]) != CUDNN_STATUS_SUCCESS ||
            executions[count].descriptor == NULL)
            continue;
        if (is_known(executions, count, &executions[count]))
            dnn_release(&executions[count]);
        else
            count++;
    }
    for (int64_t i = 0; i < proposed; i++)
        descriptor_destroy(&configs[i]);
    descriptor_destroy(&heuristics);
    return count;
}

int engine_collect(const struct engine_search *search, struct dnn_execution *executions, int most)
{
    int count = collect(search, CUDNN_HEUR_MODE_A, executions, 0, most);
    return count < most ? collect(search, CUDNN_HEUR_MODE_FALLBACK, executions, count, most)
                        : count;
}

/* ---- By its number and knobs ---- */

static cudnnStatus_t make_knob(const struct knob *knob, descriptor *out)
{
    cudnnBackendKnobType_t type = (cudnnBackendKnobType_t)knob->type;
    struct setter setter = setter_begin(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR);
    setter_set(&setter, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &type);
    setter_set(&setter, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &knob->value);
    return setter_end(&setter, out);
}

cudnnStatus_t engine_rebuild(const struct engine_search *search, int64_t engine,
                             const struct knobs *knobs, struct dnn_execution *execution)
{
    descriptor list[KNOBS_MAX] = {NULL}, one, config = NULL;
    memset(execution, 0, sizeof *execution);
    struct setter setter = setter_begin(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, search->graph);
    setter_set(&setter, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &engine);
#if CUDNN_VERSION >= 90800
    if (search->target->handle == NULL)
        setter_set_descriptor(&setter, CUDNN_ATTR_ENGINE_DEVICEPROP, search->target->properties);
#endif
    cudnnStatus_t status = setter_end(&setter, &one);
    for (int k = 0; k < knobs->count && status == CUDNN_STATUS_SUCCESS; k++)
        status = make_knob(&knobs->list[k], &list[k]);
    if (status == CUDNN_STATUS_SUCCESS) {
        setter = setter_begin(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
        setter_set_descriptor(&setter, CUDNN_ATTR_ENGINECFG_ENGINE, one);
        if (knobs->count > 0)
            setter_set(&setter, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                       knobs->count, list);
        status = setter_end(&setter, &config);
    }
    if (status == CUDNN_STATUS_SUCCESS)
        status = build(search, config, execution);
    descriptor_destroy(&config);
    for (int k = 0; k < knobs->count; k++)
        descriptor_destroy(&list[k]);
    descriptor_destroy(&one);
    return status;
}

/* ---- Without a GPU ---- */

int32_t engine_describe_device(const char *json, cudnnBackendDescriptor_t *properties,
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
