/* cuDNN's graph API for graphs of one convolution.  Descriptors keep what they are told; the
 * heuristics propose a few engines that differ in what they may do, of which the backend's rule
 * allows one; executing computes the definition, on the stream of the handle.
 */
#include "descriptor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the proposal. */
static const struct engine engines[] = {
    {9, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, 1, 0, {{0}}, 0},
    {8, {CUDNN_NUMERICAL_NOTE_WINOGRAD}, 1, 0, {{0}}, 0},
    {7, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, 1, (int64_t)1 << 40, {{0}}, 0},
    {6,
     {CUDNN_NUMERICAL_NOTE_TENSOR_CORE},
     1,
     WORKSPACE_BYTES,
     {{CUDNN_KNOB_TYPE_STAGES, 3}, {CUDNN_KNOB_TYPE_TILE_SIZE, 0}},
     2},
    {5, {0}, 0, WORKSPACE_BYTES, {{0}}, 0},
};
#define ENGINES ((int)(sizeof engines / sizeof *engines))

size_t cudnnGetVersion(void)
{
    return (size_t)emulator_setting("cudnn", CUDNN_VERSION);
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_SUCCESS ? "CUDNN_STATUS_SUCCESS"
                                          : "CUDNN_STATUS_EMULATED_FAILURE";
}

void cudnnGetLastErrorString(char *message, size_t size)
{
    snprintf(message, size, "emulated");
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    EMULATOR_LOCKED;
    int injected = emulator_failure("cudnnCreate");
    if (injected != 0)
        return (cudnnStatus_t)injected;
    *handle = calloc(1, sizeof **handle);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    free(handle);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUDNN_STATUS_SUCCESS;
}

/* ---- Descriptors ---- */

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t *descriptor)
{
    struct descriptor *one = calloc(1, sizeof *one);
    if (one == NULL)
        return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
    one->type = (int)type;
    *descriptor = one;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    struct descriptor *one = descriptor;
    for (int k = 0; one != NULL && k < 4; k++)
        if (one->copies[k] != NULL)
            cudnnBackendDestroyDescriptor(one->copies[k]);
    free(one);
    return CUDNN_STATUS_SUCCESS;
}

static size_t size_of(cudnnBackendAttributeType_t type)
{
    return type == CUDNN_TYPE_INT64 || type == CUDNN_TYPE_BACKEND_DESCRIPTOR ||
                   type == CUDNN_TYPE_VOID_PTR || type == CUDNN_TYPE_HANDLE
               ? 8
           : type == CUDNN_TYPE_CHAR ? 1
                                     : 4;
}

static struct attribute *find(struct descriptor *one, int name)
{
    for (int k = 0; k < one->used; k++)
        if (one->attributes[k].name == name)
            return &one->attributes[k];
    return NULL;
}

const char *descriptor_values(struct descriptor *one, int name)
{
    const struct attribute *attribute = find(one, name);
    if (attribute == NULL) {
        fprintf(stderr, "emulator: a descriptor lacks attribute %d\n", name);
        abort();
    }
    return attribute->values;
}

struct descriptor *descriptor_find(struct descriptor *one, int name)
{
    struct descriptor *found = NULL;
    struct attribute *attribute = find(one, name);
    if (attribute != NULL)
        memcpy(&found, attribute->values, sizeof found);
    return found;
}

const struct engine *descriptor_engine(const struct descriptor *plan)
{
    return &engines[plan->engine];
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void *values)
{
    struct descriptor *one = descriptor;
    if (one->finalized || one->used == ATTRIBUTES_MAX ||
        count * (int64_t)size_of(type) > (int64_t)sizeof one->attributes[0].values)
        return CUDNN_STATUS_BAD_PARAM;
    struct attribute *attribute = &one->attributes[one->used++];
    attribute->name = (int)name;
    attribute->count = count;
    memcpy(attribute->values, values, (size_t)count * size_of(type));
    return CUDNN_STATUS_SUCCESS;
}

/* A deep copy, so that nothing depends on how long the caller keeps the parts. */
static struct descriptor *copy_of(struct descriptor *one)
{
    struct descriptor *copy = calloc(1, sizeof *copy);
    memcpy(copy, one, sizeof *copy);
    memset(copy->copies, 0, sizeof copy->copies);
    for (int k = 0, n = 0; k < copy->used; k++) {
        struct attribute *attribute = &copy->attributes[k];
        int refers = attribute->name == CUDNN_ATTR_OPERATIONGRAPH_OPS;
        static const int names[] = {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                                    CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC};
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            refers |= attribute->name == names[j];
        if (!refers)
            continue;
        struct descriptor *inner;
        memcpy(&inner, attribute->values, sizeof inner);
        inner = copy_of(inner);
        memcpy(attribute->values, &inner, sizeof inner);
        copy->copies[n++] = inner;
    }
    return copy;
}

/* Of an engine that is asked for by its number. */
static cudnnStatus_t find_engine(struct descriptor *one)
{
    int64_t number;
    memcpy(&number, descriptor_values(one, CUDNN_ATTR_ENGINE_GLOBAL_INDEX), sizeof number);
    for (one->engine = 0; one->engine < ENGINES; one->engine++)
        if (engines[one->engine].number == number) {
            one->graph = descriptor_find(one, CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
            return CUDNN_STATUS_SUCCESS;
        }
    return CUDNN_STATUS_NOT_SUPPORTED;
}

/* An engine runs with its own knobs only, in any order. */
static cudnnStatus_t configure(struct descriptor *one)
{
    struct descriptor *engine = descriptor_find(one, CUDNN_ATTR_ENGINECFG_ENGINE), *choice;
    const struct attribute *choices = find(one, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
    const struct engine *known = &engines[engine->engine];
    int64_t count = choices == NULL ? 0 : choices->count, value;
    int type;
    one->engine = engine->engine;
    one->graph = engine->graph;
    if (count != known->knob_count)
        return CUDNN_STATUS_NOT_SUPPORTED;
    for (int64_t k = 0; k < count; k++) {
        int right = 0;
        memcpy(&choice, choices->values + k * (int64_t)sizeof choice, sizeof choice);
        memcpy(&type, descriptor_values(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE), sizeof type);
        memcpy(&value, descriptor_values(choice, CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE), sizeof value);
        for (int j = 0; j < known->knob_count; j++)
            right |= known->knobs[j][0] == type && known->knobs[j][1] == value;
        if (!right)
            return CUDNN_STATUS_NOT_SUPPORTED;
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    EMULATOR_LOCKED;
    struct descriptor *one = descriptor;
    int injected = one->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR ? emulator_failure("plan")
                                                                        : 0;
    if (injected != 0 || one->finalized)
        return injected != 0 ? (cudnnStatus_t)injected : CUDNN_STATUS_BAD_PARAM;
    if (one->type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
        struct descriptor *config = descriptor_find(one, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
        one->engine = config->engine;
        one->copies[0] = one->graph = copy_of(config->graph);
    }
    if (one->type == CUDNN_BACKEND_ENGINE_DESCRIPTOR && find_engine(one) != CUDNN_STATUS_SUCCESS)
        return CUDNN_STATUS_NOT_SUPPORTED;
    if (one->type == CUDNN_BACKEND_ENGINECFG_DESCRIPTOR && configure(one) != CUDNN_STATUS_SUCCESS)
        return CUDNN_STATUS_NOT_SUPPORTED;
    one->finalized = 1;
    return CUDNN_STATUS_SUCCESS;
}

static void put(void *values, int64_t wanted, int64_t *count, int64_t given, const void *from,
                size_t size)
{
    if (count != NULL)
        *count = given;
    if (values != NULL)
        memcpy(values, from, (size_t)(wanted < given ? wanted : given) * size);
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t wanted,
                                       int64_t *count, void *values)
{
    struct descriptor *one = descriptor, **given = values;
    int64_t value;
    (void)type;
    switch ((int)name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS:
        for (int64_t k = 0; given != NULL && k < wanted && k < ENGINES; k++) {
            given[k]->engine = (int)k;
            given[k]->graph = descriptor_find(one, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        }
        if (count != NULL)
            *count = ENGINES;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_ENGINE:
        given[0]->engine = one->engine;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINECFG_KNOB_CHOICES:
        for (int k = 0; given != NULL && k < wanted && k < engines[one->engine].knob_count; k++)
            memcpy(given[k]->knob, engines[one->engine].knobs[k], sizeof given[k]->knob);
        if (count != NULL)
            *count = engines[one->engine].knob_count;
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE:
        put(values, wanted, count, 1, &one->knob[0], 4);
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE:
        value = one->knob[1];
        put(values, wanted, count, 1, &value, 8);
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
        put(values, wanted, count, 1, &engines[one->engine].number, 8);
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
        put(values, wanted, count, engines[one->engine].note_count, engines[one->engine].notes, 4);
        return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
        put(values, wanted, count, 1, &engines[one->engine].workspace, 8);
        return CUDNN_STATUS_SUCCESS;
    default:
        return CUDNN_STATUS_BAD_PARAM;
    }
}
