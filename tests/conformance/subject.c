#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subject.h"

#include "backend/loader.h"
#include "base/err.h"
#include "guard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subject subject;

static int required(const char *name)
{
    const char *list = getenv("REPRO_REQUIRE");
    size_t length = strlen(name);
    for (; list != NULL && list[0] != '\0'; list += list[0] == ',') {
        size_t part = strcspn(list, ",");
        if (part == length && memcmp(list, name, length) == 0)
            return 1;
        list += part;
    }
    return 0;
}

/* A reason, which goes to stderr, and the test that it belongs to, in their order for whoever reads
 * both through one pipe. */
__attribute__((constructor)) static void by_line(void)
{
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}

int subject_open(void **state)
{
    struct repro_device_options options = {.struct_size = sizeof options};
    struct repro_error error = {0};
    struct err err = {0};
    (void)state;
    subject.name = getenv("REPRO_CONFORMANCE_BACKEND");
    if (subject.name == NULL || subject.name[0] == '\0')
        subject.name = "openblas";
    if (backend_load(subject.name, &subject.backend, &err) != 0) {
        snprintf(subject.reason, sizeof subject.reason, "%s", err.text);
        return 0;
    }
    int32_t code = subject.backend.device_open(&options, &subject.device, &error);
    if (code != 0) {
        snprintf(subject.reason, sizeof subject.reason, "%s: %s", subject.name, error.text);
        return code == REPRO_DEVICE ? 0 : -1;
    }
    subject.caps.struct_size = sizeof subject.caps;
    return subject.backend.device_caps(subject.device, &subject.caps, &error) == 0 ? 0 : -1;
}

static struct {
    double error, bound;
    char words[160];
} worst;

void subject_measured(double error, double bound, const char *format, ...)
{
    va_list args;
    double size = isnan(error) ? INFINITY : error;
    if (!(bound > 0.0) || (worst.bound > 0.0 && size / bound <= worst.error / worst.bound))
        return;
    worst.error = size;
    worst.bound = bound;
    va_start(args, format);
    vsnprintf(worst.words, sizeof worst.words, format, args);
    va_end(args);
}

int subject_close(void **state)
{
    (void)state;
    if (worst.bound > 0.0)
        print_message("# worst %.2g of %.2g: %s\n", worst.error, worst.bound, worst.words);
    if (subject.device != NULL)
        subject.backend.device_close(subject.device);
    subject.device = NULL;
    return 0;
}

void subject_need(void)
{
    if (subject.reason[0] == '\0')
        return;
    if (required(subject.name))
        fail_msg("%s (required by REPRO_REQUIRE)", subject.reason);
    print_message("# %s\n", subject.reason);
    skip();
}

void subject_need_function(int present, const char *name)
{
    subject_need();
    if (present)
        return;
    print_message("# %s has no %s\n", subject.name, name);
    skip();
}

void subject_refused(int32_t code, const struct repro_error *error, int32_t want, const char *word)
{
    if (code != want || error->code != want)
        fail_msg("code %d and error.code %d instead of %d: %.508s", (int)code, (int)error->code,
                 (int)want, error->text);
    assert_non_null(memchr(error->text, '\0', sizeof error->text));
    assert_null(strchr(error->text, '\n'));
    if (strcasestr(error->text, word) == NULL)
        fail_msg("the refusal does not speak of '%s': %s", word, error->text);
}

void subject_need_ops(const struct repro_graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        if ((graph->nodes[i].flags & ~REPRO_NODE_BIAS) != 0 && subject.backend.abi_minor < 4) {
            print_message("# %s is of contract 1.%u, which has none of the flags 0x%x\n",
                          subject.name, (unsigned)subject.backend.abi_minor,
                          (unsigned)graph->nodes[i].flags);
            skip();
        }
    for (int i = 0; i < graph->node_count; i++)
        if ((subject.caps.ops >> graph->nodes[i].op & 1u) == 0) {
            print_message("# %s does not offer op %d\n", subject.name, (int)graph->nodes[i].op);
            skip();
        }
}

struct repro_device *subject_device(int threads)
{
    struct repro_device_options options = {.struct_size = sizeof options, .threads = threads};
    struct repro_device *device = NULL;
    struct repro_error error = {0};
    subject_done(subject.backend.device_open(&options, &device, &error), &error);
    assert_non_null(device);
    return device;
}

void subject_done(int32_t code, const struct repro_error *error)
{
    if (code != 0)
        fail_msg("%s: error %d: %.508s", subject.name, (int)code, error->text);
}

void subject_write(struct repro_net *compiled, int arena, int64_t first, int64_t count,
                   const float *values)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_write(compiled, arena, first, count, values, &error), &error);
}

float *subject_read(struct repro_net *compiled, int arena, int64_t first, int64_t count)
{
    struct repro_error error = {0};
    float *values = guard_new((size_t)count, sizeof *values);
    subject_done(subject.backend.net_read(compiled, arena, first, count, values, &error), &error);
    return values;
}

void subject_zero(struct repro_net *compiled)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_zero(compiled, &error), &error);
}

void subject_forward(struct repro_net *compiled, const struct repro_rows *rows)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_forward(compiled, rows, &error), &error);
}

void subject_backward(struct repro_net *compiled, double scale)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_backward(compiled, scale, &error), &error);
}

void subject_update(struct repro_net *compiled, const struct repro_step *step)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_update(compiled, step, &error), &error);
}

struct repro_metrics subject_metrics(struct repro_net *compiled)
{
    struct repro_metrics metrics = {
        .struct_size = sizeof metrics, .loss = NAN, .correct = -1, .rows = -1};
    struct repro_error error = {0};
    subject_done(subject.backend.net_metrics(compiled, &metrics, &error), &error);
    return metrics;
}
