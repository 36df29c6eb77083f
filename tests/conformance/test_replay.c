/* The cudnn backend on an emulated GPU where repeating steps goes wrong: what cannot be captured is
 * run call by call, to the same bits; what fails for good ends in a sentence.
 * $REPRO_CONFORMANCE_BACKEND is the emulated plugin; see tests/device/emulator.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "backend/loader.h"
#include "base/err.h"
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIDE 4
#define ROWS 4
#define CLASSES 3
#define IMAGE (SIDE * SIDE * 3)
#define IMAGES 16
#define UPDATES 8

/* How a child's run ended. */
struct outcome {
    int32_t code;
    char text[508];
    /* the one that failed, from 1; 0: before them, UPDATES + 1: reading the results */
    int64_t update;
    uint64_t bits; /* of PARAM, the moments, RUNNING and the records */
};

struct run {
    struct repro_backend backend;
    struct repro_device *device;
    struct net net;
    struct repro_net *compiled;
    struct repro_resident *data;
    struct outcome *outcome;
    struct repro_error error;
};

static int setup_run(struct run *run)
{
    static const float mean[] = {120.0f, 120.0f, 120.0f}, deviation[] = {60.0f, 60.0f, 60.0f};
    static uint8_t pixels[IMAGES * IMAGE];
    static int32_t labels[IMAGES];
    struct repro_device_options open = {.struct_size = sizeof open};
    struct repro_net_options options = {
        .struct_size = sizeof options, .micro = ROWS, .ghost = ROWS, .slots = 1};
    struct err err = {0};
    for (int i = 0; i < IMAGES * IMAGE; i++)
        pixels[i] = (uint8_t)(i * i * 31 + i);
    for (int i = 0; i < IMAGES; i++)
        labels[i] = i % CLASSES;
    struct repro_images images = {.struct_size = sizeof images,
                                  .channels = 3,
                                  .height = SIDE,
                                  .width = SIDE,
                                  .count = IMAGES,
                                  .pixels = pixels,
                                  .labels = labels};
    if (backend_load(getenv("REPRO_CONFORMANCE_BACKEND"), &run->backend, &err) != 0 ||
        net_named(&run->net, "tiny", 3, SIDE, SIDE, CLASSES, mean, deviation, &err) != 0)
        return -1;
    int32_t code = run->backend.device_open(&open, &run->device, &run->error);
    if (code == 0)
        code = run->backend.data_put(run->device, &images, &run->data, &run->error);
    if (code == 0)
        code = run->backend.net_compile(run->device, &run->net.graph, &options, &run->compiled,
                                        &run->error);
    if (code != 0)
        return code;
    float *param = calloc((size_t)run->net.graph.param_count, sizeof *param);
    float *running = calloc((size_t)run->net.graph.running_count, sizeof *running);
    net_initial(&run->net, 1, param, running);
    code = run->backend.net_write(run->compiled, REPRO_ARENA_PARAM, 0, run->net.graph.param_count,
                                  param, &run->error);
    free(param);
    free(running);
    return code;
}

/* Three micros in two groups, then a recorded step. */
static int32_t one_update(struct run *run, int64_t update)
{
    const struct repro_backend *backend = &run->backend;
    struct repro_net *net = run->compiled;
    struct repro_crop crops[ROWS];
    struct repro_rows rows = {.struct_size = sizeof rows,
                              .mode = REPRO_MODE_TRAIN,
                              .count = ROWS,
                              .data = run->data,
                              .crops = crops};
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_MOMENTUM,
                              .lr = 0.05,
                              .momentum = 0.9,
                              .update = update,
                              .keep = 0.9,
                              .ghosts = 3,
                              .flags = REPRO_STEP_RECORD};
    int32_t code = 0;
    for (int m = 0; m < 3 && code == 0; m++) {
        for (int i = 0; i < ROWS; i++)
            crops[i] = (struct repro_crop){.image = ((int32_t)update * 5 + m * 3 + i) % IMAGES,
                                           .top = (int8_t)(update % 3 - 1),
                                           .flip = (uint8_t)(i % 2)};
        if (m != 1)
            code = backend->net_zero(net, &run->error);
        if (code == 0)
            code = backend->net_forward(net, &rows, &run->error);
        if (code == 0)
            code = backend->net_backward(net, 1.0 / 12.0, &run->error);
        if (code == 0 && m == 1)
            code = backend->net_keep(net, 0, &run->error);
    }
    if (code == 0)
        code = backend->net_join(net, 0, &run->error);
    return code == 0 ? backend->net_update(net, &step, &run->error) : code;
}

static uint64_t add_bits(uint64_t sum, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return sum;
}

static int32_t look(struct run *run)
{
    struct repro_history history = {.struct_size = sizeof history};
    int32_t code = run->backend.net_history(run->compiled, UPDATES, &history, &run->error);
    uint64_t bits = add_bits(UINT64_C(14695981039346656037), history.loss, sizeof history.loss);
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_RUNNING && code == 0; arena++) {
        int64_t count = arena == REPRO_ARENA_RUNNING ? run->net.graph.running_count
                                                     : run->net.graph.param_count;
        float *values = calloc((size_t)count, sizeof *values);
        code = run->backend.net_read(run->compiled, arena, 0, count, values, &run->error);
        bits = add_bits(bits, values, (size_t)count * sizeof *values);
        free(values);
    }
    run->outcome->bits = bits;
    return code;
}

static void child(struct outcome *outcome)
{
    struct run run = {.outcome = outcome};
    int32_t code = setup_run(&run);
    for (int64_t update = 1; update <= UPDATES && code == 0; update++) {
        outcome->update = update;
        code = one_update(&run, update);
    }
    if (code == 0) {
        outcome->update = UPDATES + 1;
        code = look(&run);
    }
    if (code == 0 && run.error.code != 0)
        code = -2; /* a sentence of an error that was none */
    outcome->code = code;
    memcpy(outcome->text, run.error.text, sizeof outcome->text);
    if (run.device == NULL)
        return;
    run.backend.net_free(run.compiled);
    run.backend.data_free(run.data);
    run.backend.device_close(run.device);
}

/* The run in a process of its own, on a device of these words besides those of the environment. */
static struct outcome under(const char *words)
{
    struct outcome outcome = {.code = -99};
    const char *before = getenv("REPRO_EMULATED_GPU");
    char setting[512];
    int ends[2], status = -1;
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        snprintf(setting, sizeof setting, "%s %s", before != NULL ? before : "", words);
        setenv("REPRO_EMULATED_GPU", setting, 1);
        child(&outcome);
        _exit(write(ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], &outcome, sizeof outcome);
    close(ends[0]);
    assert_true(waitpid(pid, &status, 0) == pid);
    if (status != 0 || got != sizeof outcome)
        fail_msg("under '%s' the process ended with status 0x%x", words, (unsigned)status);
    return outcome;
}

static void need(void)
{
    const char *name = getenv("REPRO_CONFORMANCE_BACKEND");
    if (name != NULL && strstr(name, "emulated") != NULL)
        return;
    print_message("# REPRO_CONFORMANCE_BACKEND names no emulated device\n");
    skip();
}

static void same_under(const char *words, const struct outcome *want)
{
    struct outcome got = under(words);
    if (got.code != 0 || got.bits != want->bits)
        fail_msg("under '%s': code %d (%.508s), bits %016llx for %016llx", words, (int)got.code,
                 got.text, (unsigned long long)got.bits, (unsigned long long)want->bits);
}

static void fails_under(const char *words, int32_t code, int64_t update, const char *text)
{
    struct outcome got = under(words);
    if (got.code != code || (update >= 0 && got.update != update) ||
        strstr(got.text, text) == NULL || strchr(got.text, '\n') != NULL)
        fail_msg("under '%s': code %d at update %d: %.508s", words, (int)got.code, (int)got.update,
                 got.text);
}

/* Of equal updates the first runs call by call, the second is captured, and it and all behind it
 * are replays. */
static void updates_are_replays(void **state)
{
    (void)state;
    need();
    struct outcome plain = under("");
    assert_int_equal(plain.code, 0);
    for (int k = 1; k < UPDATES; k++) {
        char words[64];
        snprintf(words, sizeof words, "cudaGraphLaunch@%d=719", k);
        fails_under(words, REPRO_DEVICE, k + 1, "a step: the GPU failed");
    }
    char beyond[64];
    snprintf(beyond, sizeof beyond, "cudaGraphLaunch@%d=719", UPDATES);
    same_under(beyond, &plain);
    same_under("cudaStreamBeginCapture@2=719", &plain); /* captured once */
}

static void captures_that_fail(void **state)
{
    static const char *const words[] = {
        "cudaStreamBeginCapture@1=1",
        "cudaStreamBeginCapture@1=900",
        "cudaStreamEndCapture@1=901",
        "cudaStreamEndCapture@1=2",
        "cudaGraphInstantiate@1=2",
        "cudaGraphInstantiate@1=1",
        /* not tried again: no launch follows */
        "cudaStreamBeginCapture@1=900 cudaGraphLaunch@1=719",
        "cudaGraphInstantiate@1=2 cudaGraphLaunch@1=719 cudaStreamBeginCapture@2=719",
    };
    (void)state;
    need();
    struct outcome plain = under("");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        same_under(words[i], &plain);
}

/* A call that fails while it is captured: of a kernel, of a copy, of a convolution.  The step is
 * then run by itself. */
static void calls_that_fail_in_a_capture(void **state)
{
    (void)state;
    need();
    struct outcome plain = under("");
    static const char *const calls[] = {"launch", "execute", "cudaMemsetAsync"};
    for (int i = 0; i < 3; i++) {
        int mended = 0, failed = 0;
        for (int n = 1; n < 2000; n = n < 8 ? n + 1 : n + n / 4) {
            char words[64];
            snprintf(words, sizeof words, "%s@%d=%d", calls[i], n, i == 1 ? 3001 : 1);
            struct outcome got = under(words);
            if (got.code == 0 && got.bits != plain.bits)
                fail_msg("under '%s' other bits", words);
            mended += got.code == 0;
            failed += got.code != 0;
            if (got.code != 0 && (got.text[0] == '\0' || (got.update > 2 && got.update <= UPDATES)))
                fail_msg("under '%s': code %d at update %d: %.508s", words, (int)got.code,
                         (int)got.update, got.text);
        }
        if (mended == 0 || failed == 0)
            fail_msg("%s: %d of the runs went well, %d failed", calls[i], mended, failed);
    }
}

/* A device that is lost says so where it is lost, and from then on. */
static void lost_devices(void **state)
{
    (void)state;
    need();
    fails_under("cudaMalloc@1=2", REPRO_MEMORY, 0, "out of device memory: the images need");
    fails_under("cudaMemcpyAsync@1=719", REPRO_DEVICE, 0, "copying the data set");
    fails_under("cudaMemcpyAsync@2=719", REPRO_DEVICE, 0, "copying the data set");
    fails_under("cudaStreamSynchronize@1=719", REPRO_DEVICE, 0, "copying the data set");
    fails_under("memory=400", REPRO_MEMORY, 0, "out of device memory: the images need");
    fails_under("cudaStreamEndCapture@1=719", REPRO_DEVICE, 2, "the GPU failed");
    fails_under("cudaGraphInstantiate@1=700", REPRO_DEVICE, 2, "the GPU failed");
    fails_under("cudaGraphLaunch@5=46", REPRO_DEVICE, 6, "GPU");
    for (int n = 1; n < 200; n = n < 16 ? n + 1 : n + n / 5) {
        static const char *const calls[] = {"cudaEventSynchronize", "cudaEventRecord",
                                            "cudaMemcpyAsync", "cudaSetDevice"};
        for (int i = 0; i < 4; i++) {
            char words[64];
            snprintf(words, sizeof words, "%s@%d=719", calls[i], n);
            struct outcome got = under(words);
            if (got.code != 0 && got.code != REPRO_DEVICE)
                fail_msg("under '%s': code %d at update %d: %.508s", words, (int)got.code,
                         (int)got.update, got.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_replays),
        cmocka_unit_test(captures_that_fail),
        cmocka_unit_test(calls_that_fail_in_a_capture),
        cmocka_unit_test(lost_devices),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
