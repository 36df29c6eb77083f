/* The rule for convolutions, asked of the real cuDNN for GPUs that are described and need not be
 * there: every convolution of the networks and of graphs.c has an execution at every precision, in
 * every direction, and the execution keeps the rule.  And every execution that a trial would
 * compare is built again from its engine's number and its knobs: the same execution, as cuDNN
 * itself writes it down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cudnn/choice.h"

#include "base/err.h"
#include "cudnn/driver.h"
#include "cudnn/engine.h"
#include "cudnn/operation.h"
#include "cudnn/tune.h"
#include "graphs.h"

#include <stdio.h>
#include <string.h>

/* As cuDNN writes a device's properties. */
#define DEVICE(name, capability, processors, shared, clock, cache, memory)                        \
    "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":" \
    "65536,"                                                                                      \
    "\"multiProcessorCount\":" processors ",\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,"   \
    "\"maxSharedMemoryPerBlockOptin\":" shared                                                    \
    ",\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,"                         \
    "\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0," \
    "\"isTccDriver\":0,"                                                                          \
    "\"supportCoopLaunch\":1,\"totalGlobalMem\":" memory ",\"smClockRateKHz\":" clock             \
    ",\"memClockRateKHz\":2619000,"                                                               \
    "\"l2CacheSize\":" cache ",\"cudaDeviceId\":0,\"deviceVer\":" capability                      \
    ",\"driverVer\":13000,\"deviceName\":\"" name "\"}"

static const char *const devices[] = {
    DEVICE("NVIDIA H100", "900", "132", "232448", "1980000", "52428800", "85000000000"),
    DEVICE("NVIDIA A100", "800", "108", "166912", "1410000", "41943040", "42000000000"),
};
#define DEVICES ((int)(sizeof devices / sizeof *devices))

static cudnnBackendDescriptor_t properties[DEVICES];
static char reason[512];

static int open_devices(void **state)
{
    struct repro_error error = {0};
    (void)state;
    for (int k = 0; k < DEVICES; k++)
        if (engine_describe_device(devices[k], &properties[k], &error) != 0)
            snprintf(reason, sizeof reason, "%s", error.text);
    return 0;
}

static void need(void)
{
    if (reason[0] == '\0')
        return;
    print_message("# %s\n", reason);
    skip();
}

static struct dnn_conv conv_of(const struct net *net, const struct repro_node *node, int64_t rows,
                               int precision)
{
    const struct repro_node *src = &net->nodes[node->src[0]];
    return (struct dnn_conv){.bf16 = precision == REPRO_PRECISION_BF16,
                             .tensor_cores = precision == REPRO_PRECISION_TF32,
                             .rows = rows,
                             .channels = src->channels,
                             .height = src->height,
                             .width = src->width,
                             .dst_channels = node->channels,
                             .dst_height = node->height,
                             .dst_width = node->width,
                             .kernel_h = node->kernel_h,
                             .kernel_w = node->kernel_w,
                             .stride_h = node->stride_h,
                             .stride_w = node->stride_w,
                             .pad_top = node->pad_top,
                             .pad_left = node->pad_left};
}

/* The execution twice: the same engine, allowed by the rule. */
static void check_execution(const struct engine_target *target, const struct dnn_conv *conv,
                            enum dnn_direction direction, int add)
{
    struct dnn_execution execution, again;
    struct repro_error error = {0};
    if (choice_make(&execution, target, NULL, conv, direction, add, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(choice_make(&again, target, NULL, conv, direction, add, &error), 0);
    assert_int_equal(execution.engine, again.engine);
    assert_int_equal(execution.workspace, again.workspace);
    assert_int_equal(execution.notes >> CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC & 1, 0);
    assert_int_equal(execution.notes >> CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION & 1, 0);
    if (!conv->bf16 && !conv->tensor_cores)
        assert_int_equal(execution.notes >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1, 0);
    assert_in_range(execution.workspace, 0, ENGINE_WORKSPACE_MAX);
    dnn_release(&execution);
    dnn_release(&again);
}

/* Every convolution of a net; returns how many executions. */
static int check_net(const struct net *net, int64_t rows)
{
    int executions = 0;
    for (int d = 0; d < DEVICES; d++)
        for (int i = 0; i < net->graph.node_count; i++)
            for (int precision = REPRO_PRECISION_F32;
                 net->nodes[i].op == REPRO_OP_CONV && precision <= REPRO_PRECISION_BF16;
                 precision++) {
                struct engine_target target = {.properties = properties[d]};
                struct dnn_conv conv = conv_of(net, &net->nodes[i], rows, precision);
                for (int direction = 0; direction < DNN_DIRECTIONS; direction++)
                    check_execution(&target, &conv, (enum dnn_direction)direction, 0);
                check_execution(&target, &conv, DNN_DATA, 1);
                check_execution(&target, &conv, DNN_FORWARD, 1);
                executions += DNN_DIRECTIONS + 2;
                if (net->nodes[i].src[0] != 0)
                    continue;
                conv.channels = conv.bf16 ? 8 : 4; /* the image filled up to 16 bytes a pixel */
                check_execution(&target, &conv, DNN_FORWARD, 0);
                check_execution(&target, &conv, DNN_WEIGHTS, 0);
                executions += 2;
            }
    return executions;
}

static void named(const char *name, int64_t rows)
{
    static const float mean[3] = {0}, deviation[3] = {1, 1, 1};
    struct net net;
    struct err err = {0};
    assert_int_equal(net_named(&net, name, 3, 32, 32, 10, mean, deviation, &err), 0);
    print_message("# %s, %d rows: %d executions\n", name, (int)rows, check_net(&net, rows));
    net_release(&net);
}

static void wide_residual_nets(void **state)
{
    (void)state;
    need();
    named("wrn-16-4", 128);
    named("wrn-16-4", 640);
    named("wrn-16-4", 784); /* what an evaluation of 10000 leaves over */
    named("wrn-16-4", 1024);
    named("wrn-16-1", 32);
}

static void odd_shapes(void **state)
{
    (void)state;
    need();
    for (int i = 0; i < graph_case_count; i++) {
        struct net net;
        struct err err = {0};
        assert_int_equal(graph_build(&graph_cases[i], &net, &err), 0);
        check_net(&net, graph_cases[i].ghost * graph_cases[i].ghosts);
        net_release(&net);
    }
}

/* ---- Built again ---- */

/* What cuDNN writes of an execution; the caller frees. */
static char *written(const struct dnn_execution *execution)
{
    int64_t size = 0, given = 0;
    assert_int_equal(cudnnBackendGetAttribute(execution->descriptor,
                                              CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION,
                                              CUDNN_TYPE_CHAR, 0, &size, NULL),
                     CUDNN_STATUS_SUCCESS);
    char *text = test_calloc((size_t)size + 1, 1);
    assert_int_equal(cudnnBackendGetAttribute(execution->descriptor,
                                              CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION,
                                              CUDNN_TYPE_CHAR, size, &given, text),
                     CUDNN_STATUS_SUCCESS);
    return text;
}

struct seen {
    int convolutions, executions, with_knobs, knobs_most;
};

static void same_again(const struct engine_search *search, const struct dnn_execution *execution,
                       struct seen *seen)
{
    struct dnn_execution again;
    char knobs[KNOBS_TEXT];
    struct knobs read;
    assert_int_equal(knobs_text(&execution->knobs, knobs, sizeof knobs), 0);
    assert_int_equal(knobs_parse(knobs, &read), 0);
    cudnnStatus_t status = engine_rebuild(search, execution->engine, &read, &again);
    if (status != CUDNN_STATUS_SUCCESS || again.descriptor == NULL)
        fail_msg("engine %d with knobs %s: %s", (int)execution->engine, knobs,
                 cudnnGetErrorString(status));
    assert_int_equal(again.engine, execution->engine);
    assert_int_equal(again.workspace, execution->workspace);
    assert_int_equal(again.notes, execution->notes);
    assert_true(knobs_same(&again.knobs, &execution->knobs));
    char *a = written(execution), *b = written(&again);
    if (strcmp(a, b) != 0)
        fail_msg("engine %d with knobs %s: %s and %s", (int)execution->engine, knobs, a, b);
    test_free(a);
    test_free(b);
    dnn_release(&again);
    seen->executions++;
    seen->with_knobs += execution->knobs.count > 0;
    seen->knobs_most = execution->knobs.count > seen->knobs_most ? execution->knobs.count
                                                                 : seen->knobs_most;
}

static void all_again(const struct engine_target *target, const struct dnn_conv *conv,
                      enum dnn_direction direction, int add, struct seen *seen)
{
    struct operation operation;
    struct repro_error error = {0};
    static struct dnn_execution executions[TUNE_CANDIDATES];
    assert_int_equal(operation_init(&operation, target->handle, conv, direction, add, &error), 0);
    struct engine_search search = {.target = target,
                                   .graph = operation.graph,
                                   .forbidden = engine_forbidden(target, conv),
                                   .knobs = 1};
    int count = engine_collect(&search, executions, TUNE_CANDIDATES);
    assert_in_range(count, 1, TUNE_CANDIDATES);
    for (int i = 0; i < count; i++)
        same_again(&search, &executions[i], seen);
    for (int i = 1; i < count; i++) { /* what is compared there tells executions apart */
        char *a = written(&executions[i - 1]), *b = written(&executions[i]);
        assert_string_not_equal(a, b);
        test_free(a);
        test_free(b);
    }
    for (int i = 0; i < count; i++)
        dnn_release(&executions[i]);
    seen->convolutions++;
    operation_release(&operation);
}

static void built_again(void **state)
{
    static const float mean[3] = {0}, deviation[3] = {1, 1, 1};
    struct net net;
    struct err err = {0};
    (void)state;
    need();
    assert_int_equal(net_named(&net, "wrn-16-4", 3, 32, 32, 10, mean, deviation, &err), 0);
    for (int d = 0; d < DEVICES; d++)
        for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++) {
            struct engine_target target = {.properties = properties[d]};
            struct seen seen = {0};
            for (int i = 0; i < net.graph.node_count; i++) {
                if (net.nodes[i].op != REPRO_OP_CONV)
                    continue;
                struct dnn_conv conv = conv_of(&net, &net.nodes[i], 128, precision);
                for (int direction = 0; direction < DNN_DIRECTIONS; direction++)
                    all_again(&target, &conv, (enum dnn_direction)direction, 0, &seen);
                all_again(&target, &conv, DNN_DATA, 1, &seen);
            }
            print_message("# device %d, precision %d: %d convolutions, %d executions, %d with "
                          "knobs, at most %d\n",
                          d, precision, seen.convolutions, seen.executions, seen.with_knobs,
                          seen.knobs_most);
        }
    net_release(&net);
}

static void not_built_again(void **state)
{
    struct engine_target target = {.properties = properties[0]};
    struct dnn_conv conv = {.rows = 8,
                            .channels = 16,
                            .height = 8,
                            .width = 8,
                            .dst_channels = 16,
                            .dst_height = 8,
                            .dst_width = 8,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .stride_h = 1,
                            .stride_w = 1};
    struct operation operation;
    struct repro_error error = {0};
    struct knobs knobs = {0};
    struct dnn_execution execution;
    (void)state;
    need();
    assert_int_equal(operation_init(&operation, target.handle, &conv, DNN_FORWARD, 0, &error), 0);
    struct engine_search search = {.target = &target, .graph = operation.graph, .knobs = 1};
    assert_int_not_equal(engine_rebuild(&search, 123456, &knobs, &execution), CUDNN_STATUS_SUCCESS);
    assert_null(execution.descriptor);
    assert_int_equal(engine_collect(&search, &execution, 1), 1);
    knobs = execution.knobs;
    knobs.list[knobs.count].type = CUDNN_KNOB_TYPE_TILE_SIZE;
    knobs.list[knobs.count++].value = 987654;
    struct dnn_execution again;
    assert_int_not_equal(engine_rebuild(&search, execution.engine, &knobs, &again),
                         CUDNN_STATUS_SUCCESS);
    assert_null(again.descriptor);
    /* every engine has a note, or has none and nothing is forbidden to it */
    search.forbidden = ~0u;
    if (execution.notes != 0) {
        assert_int_equal(engine_rebuild(&search, execution.engine, &execution.knobs, &again),
                         CUDNN_STATUS_SUCCESS);
        assert_null(again.descriptor);
    }
    dnn_release(&execution);
    operation_release(&operation);
}

/* A shape that no convolution has is refused in a sentence, not passed on. */
static void refusal_names_the_shape(void **state)
{
    struct engine_target target = {.properties = properties[0]};
    struct dnn_conv conv = {.rows = 0,
                            .channels = 3,
                            .height = 4,
                            .width = 4,
                            .dst_channels = 5,
                            .dst_height = 4,
                            .dst_width = 4,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .stride_h = 1,
                            .stride_w = 1};
    struct dnn_execution execution;
    struct repro_error error = {0};
    (void)state;
    need();
    assert_int_not_equal(choice_make(&execution, &target, NULL, &conv, DNN_FORWARD, 0, &error), 0);
    assert_non_null(strstr(error.text, "cuDNN"));
    dnn_release(&execution);
}

static void versions(void **state)
{
    struct repro_error error = {0};
    (void)state;
    assert_int_equal(driver_check_version(91900, 91900, &error), 0);
    /* an older minor serves: nothing newer is used */
    assert_int_equal(driver_check_version(91900, 90100, &error), 0);
    assert_int_equal(driver_check_version(90100, 92600, &error), 0);
    assert_int_equal(driver_check_version(91900, 8907, &error), REPRO_LIBRARY);
    assert_non_null(strstr(error.text, "9.19"));
    assert_non_null(strstr(error.text, "8.9"));
    assert_int_equal(driver_check_version(91900, 100200, &error), REPRO_LIBRARY);
    assert_non_null(strstr(error.text, "10.2"));
}

/* The matrix products by which rates.c measures a device, within the gibibyte that device_rates()
 * may take. */
static void matrix_products(void **state)
{
    static const int64_t sides[] = {256, 2048, 4096, 8192};
    (void)state;
    need();
    for (int k = 0; k < DEVICES; k++)
        for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++)
            for (int i = 0; i < 4; i++) {
                struct engine_target target = {.properties = properties[k]};
                struct dnn_execution execution;
                struct repro_error error = {0};
                struct dnn_conv conv = {.bf16 = precision == REPRO_PRECISION_BF16,
                                        .tensor_cores = precision == REPRO_PRECISION_TF32,
                                        .rows = sides[i],
                                        .channels = sides[i],
                                        .height = 1,
                                        .width = 1,
                                        .dst_channels = sides[i],
                                        .dst_height = 1,
                                        .dst_width = 1,
                                        .kernel_h = 1,
                                        .kernel_w = 1,
                                        .stride_h = 1,
                                        .stride_w = 1};
                if (choice_make(&execution, &target, NULL, &conv, DNN_FORWARD, 0, &error) != 0)
                    fail_msg("%s", error.text);
                int64_t bytes = 3 * sides[i] * sides[i] * (conv.bf16 ? 2 : 4) + execution.workspace;
                print_message("# device %d, precision %d, side %d: engine %d, workspace %.1f MiB\n",
                              k, precision, (int)sides[i], (int)execution.engine,
                              (double)execution.workspace / (1 << 20));
                dnn_release(&execution);
                /* there the next smaller will do */
                assert_true(bytes <= (int64_t)1 << 30 || sides[i] == 8192);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_residual_nets), cmocka_unit_test(odd_shapes),
        cmocka_unit_test(built_again),        cmocka_unit_test(not_built_again),
        cmocka_unit_test(matrix_products),    cmocka_unit_test(refusal_names_the_shape),
        cmocka_unit_test(versions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("dnn", tests, open_devices, NULL);
}
