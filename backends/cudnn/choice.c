/* A configuration is an engine and its knobs.  Of a finalized one both can be read, and a new one
 * made of them gives the same plan, whatever the heuristics would propose that day; test_dnn shows
 * it for the networks' convolutions. */
#include "choice.h"

#include "descriptor.h"

#include <string.h>

#define CONFIGS_MAX 128 /* of one list of the heuristics */
#define NOTES_MAX 32

typedef cudnnBackendDescriptor_t descriptor;

uint32_t choice_forbidden(const struct dnn_target *target, const struct dnn_conv *conv)
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
static cudnnStatus_t read_engine(descriptor config, struct dnn_plan *plan)
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
                                          1, &count, &plan->engine);
    count = 0;
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(one.to, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                          CUDNN_TYPE_NUMERICAL_NOTE, NOTES_MAX, &count, list);
    plan->notes = 0;
    for (int64_t k = 0; status == CUDNN_STATUS_SUCCESS && k < count && k < NOTES_MAX; k++)
        plan->notes |= 1u << (unsigned)list[k];
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

/* Builds the plan of a configuration, unless the rule forbids it: plan->plan is NULL then. */
static cudnnStatus_t build(const struct choice *choice, descriptor config, struct dnn_plan *plan)
{
    int64_t count = 0;
    memset(plan, 0, sizeof *plan);
    cudnnStatus_t status = read_engine(config, plan);
    if (status == CUDNN_STATUS_SUCCESS && choice->knobs)
        status = read_knobs(config, &plan->knobs);
    if (status != CUDNN_STATUS_SUCCESS || (plan->notes & choice->forbidden) != 0)
        return status;
    struct setter setter = setter_begin(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
    if (choice->target->handle != NULL)
        setter_set(&setter, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1,
                   &choice->target->handle);
#if CUDNN_VERSION >= 90800
    else
        setter_set_descriptor(&setter, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                              choice->target->properties);
#endif
    status = setter_end(&setter, &plan->plan);
    if (status == CUDNN_STATUS_SUCCESS)
        status = cudnnBackendGetAttribute(plan->plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                          CUDNN_TYPE_INT64, 1, &count, &plan->workspace);
    if (status != CUDNN_STATUS_SUCCESS || plan->workspace > DNN_WORKSPACE_MAX)
        descriptor_destroy(&plan->plan);
    return status;
}

/* ---- From the heuristics ---- */

static int is_known(const struct dnn_plan *plans, int count, const struct dnn_plan *plan)
{
    for (int i = 0; i < count; i++)
        if (plans[i].engine == plan->engine && knobs_same(&plans[i].knobs, &plan->knobs))
            return 1;
    return 0;
}

/* Goes through one list of the heuristics; returns how many plans there are then. */
static int search(const struct choice *choice, cudnnBackendHeurMode_t mode, struct dnn_plan *plans,
                  int count, int most)
{
    descriptor configs[CONFIGS_MAX] = {NULL}, heuristics;
    int64_t proposed = 0, given = 0;
    struct setter setter = setter_begin(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, choice->graph);
    setter_set(&setter, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
#if CUDNN_VERSION >= 90800
    if (choice->target->handle == NULL)
        setter_set_descriptor(&setter, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP,
                              choice->target->properties);
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
        if (build(choice, configs[i], &plans[count]) != CUDNN_STATUS_SUCCESS ||
            plans[count].plan == NULL)
            continue;
        if (is_known(plans, count, &plans[count]))
            dnn_plan_release(&plans[count]);
        else
            count++;
    }
    for (int64_t i = 0; i < proposed; i++)
        descriptor_destroy(&configs[i]);
    descriptor_destroy(&heuristics);
    return count;
}

int choice_collect(const struct choice *choice, struct dnn_plan *plans, int most)
{
    int count = search(choice, CUDNN_HEUR_MODE_A, plans, 0, most);
    return count < most ? search(choice, CUDNN_HEUR_MODE_FALLBACK, plans, count, most) : count;
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

cudnnStatus_t choice_rebuild(const struct choice *choice, int64_t engine, const struct knobs *knobs,
                             struct dnn_plan *plan)
{
    descriptor list[KNOBS_MAX] = {NULL}, one, config = NULL;
    memset(plan, 0, sizeof *plan);
    struct setter setter = setter_begin(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    setter_set_descriptor(&setter, CUDNN_ATTR_ENGINE_OPERATION_GRAPH, choice->graph);
    setter_set(&setter, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &engine);
#if CUDNN_VERSION >= 90800
    if (choice->target->handle == NULL)
        setter_set_descriptor(&setter, CUDNN_ATTR_ENGINE_DEVICEPROP, choice->target->properties);
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
        status = build(choice, config, plan);
    descriptor_destroy(&config);
    for (int k = 0; k < knobs->count; k++)
        descriptor_destroy(&list[k]);
    descriptor_destroy(&one);
    return status;
}
