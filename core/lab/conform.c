#include "lab/conform.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const struct conform_part parts[] = {
    {"contract", "what is refused, struct sizes, the same calls give the same bits"},
    {"ops", "each operation, forward and backward, against plain double loops"},
    {"net", "whole networks against the loops, gradients against differences, arenas"},
    {"update", "optimizers and running statistics against the formulas"},
    {"counts", "the numbers of rows that calls bring"},
    {"heap", "a step allocates nothing"},
    {"resident", "rows of a data set on the device"},
    {"recorded", "updates that leave a record behind"},
    {"queued", "updates that nobody waits for"},
    {"measure", "rates, marks, profiles"},
    {"pair", "beside openblas, at every precision"},
};

const struct conform_part *conform_parts(size_t *count)
{
    *count = sizeof parts / sizeof *parts;
    return parts;
}

void conform_release(struct conform_result *result)
{
    text_release(&result->failures);
    text_release(&result->reasons);
    *result = (struct conform_result){0};
}

/* ---- TAP ---- */

static const char *after(const char *line, const char *start)
{
    size_t length = strlen(start);
    return strncmp(line, start, length) == 0 ? line + length : NULL;
}

/* "# worst 3.1e-07 of 1e-05: gradients of conv1.weights" */
static int read_worst(struct conform_result *result, const char *line)
{
    double error, bound;
    int behind = 0;
    if (sscanf(line, "# worst %lf of %lf: %n", &error, &bound, &behind) != 2 || behind == 0)
        return 0;
    result->error = error;
    result->bound = bound;
    snprintf(result->worst, sizeof result->worst, "%s", line + behind);
    return 1;
}

/* What was said of a test, its last line, which has the reason. */
static const char *last_said(const struct text *pending)
{
    return pending->size == 0 ? "no reason was given" : pending->bytes;
}

/* A line of reasons, unless it is there. */
static void add_reason(struct conform_result *result, const char *reason)
{
    size_t length = strlen(reason);
    for (const char *at = result->reasons.bytes; at != NULL && *at != '\0';
         at = strchr(at, '\n') + 1)
        if (strncmp(at, reason, length) == 0 && at[length] == '\n')
            return;
    text_put(&result->reasons, "%s\n", reason);
}

/* "../tests/conformance/test_ops.c:61: error: Failure!" behind a failed test: where it stands. */
static int add_place(struct conform_result *result, const char *said)
{
    const char *end = strstr(said, ": error: "), *name = said;
    struct text *failures = &result->failures;
    if (end == NULL)
        return 0;
    for (const char *at = said; at < end; at++)
        name = *at == '/' ? at + 1 : name;
    if (failures->size > 0) {
        failures->bytes[--failures->size] = '\0'; /* its newline */
        text_put(failures, " (%.*s)\n", (int)(end - name), name);
    }
    return 1;
}

void conform_line(struct conform_result *result, struct text *pending, const char *line)
{
    const char *rest = after(line, "not ok "), *said;
    if (rest != NULL && strstr(rest, "# SKIP") != NULL) {
        result->skipped++;
        add_reason(result, last_said(pending));
    } else if (rest != NULL) {
        const char *name = strstr(rest, " - ");
        result->failed++;
        text_put(&result->failures, "%s: %s\n", name == NULL ? rest : name + 3, last_said(pending));
    } else if (after(line, "ok ") != NULL) {
        result->passed++;
    } else {
        said = after(line, "ERROR: ");
        if (said == NULL && !read_worst(result, line))
            said = after(line, "# ");
        if (said == NULL || *said == '\0' || add_place(result, said))
            return;
        text_release(pending);
        text_put_string(pending, said);
        return;
    }
    text_release(pending);
}

/* ---- One program ---- */

struct reader {
    struct conform_result *result;
    struct text line, pending;
};

static void take(void *context, const char *bytes, size_t size)
{
    struct reader *reader = context;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            text_put_char(&reader->line, bytes[i]);
            continue;
        }
        if (reader->line.bytes != NULL)
            conform_line(reader->result, &reader->pending, reader->line.bytes);
        text_release(&reader->line);
    }
}

static void say_end(struct conform_result *result, int status)
{
    if (WIFSIGNALED(status))
        snprintf(result->end, sizeof result->end, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0 && result->failed == 0)
        snprintf(result->end, sizeof result->end, "ended with status %d", WEXITSTATUS(status));
    else if (result->passed + result->failed + result->skipped == 0)
        snprintf(result->end, sizeof result->end, "tested nothing");
}

int conform_run(const char *folder, const struct conform_part *part, struct conform_result *result,
                struct err *err)
{
    struct reader reader = {.result = result};
    char *program = mem_format(err, "%s/test_%s", folder, part->name);
    const char *argv[] = {program, NULL};
    struct process process = {.argv = argv, .said = take, .context = &reader};
    int code = program == NULL ? ERR_MEMORY : 0;
    if (code == 0 && !file_exists(program))
        code = err_set(err, ERR_CANNOT_RUN,
                       "%s: no such program; it is built where cmocka is (Debian: libcmocka-dev), "
                       "and installed beside the contract's header (Debian: repro-dev)",
                       program);
    if (code == 0)
        code = process_run(&process, err);
    if (code == 0) {
        say_end(result, process.status);
        if (result->end[0] != '\0' && reader.pending.size > 0)
            text_put(&result->failures, "%s\n", reader.pending.bytes);
    }
    if (code == 0 && (result->failures.failed || result->reasons.failed))
        code = err_set(err, ERR_MEMORY, "out of memory for what %s says", program);
    text_release(&reader.line);
    text_release(&reader.pending);
    mem_free(program);
    return code;
}

/* ---- What is left out ---- */

static const struct {
    size_t offset;
    const char *name, *what;
} optional[] = {
#define OPTIONAL(name, what)                              \
    {                                                     \
        offsetof(struct repro_backend, name), #name, what \
    }
    OPTIONAL(net_describe, "saying what it chose"),
    OPTIONAL(net_profile, "the time of each kind of operation"),
    OPTIONAL(net_bare, "its library's own limit"),
    OPTIONAL(data_put, "data sets on the device"),
    OPTIONAL(net_keep, "sums of groups that stay there"),
    OPTIONAL(net_history, "updates that nobody waits for"),
    OPTIONAL(device_rates, "the device's rates"),
    OPTIONAL(net_mark, "the device's own clock"),
#undef OPTIONAL
};

static void put_missing(struct text *text, const char *what, uint32_t mask,
                        const char *const *names, int count)
{
    const char *between = "";
    for (int i = 1; i <= count; i++)
        if ((mask >> i & 1) == 0) {
            if (*between == '\0')
                text_put(text, "%s ", what);
            text_put(text, "%s%s", between, names[i - 1]);
            between = ", ";
        }
    if (*between != '\0')
        text_put_char(text, '\n');
}

void conform_unclaimed(const struct repro_backend *backend, const struct repro_caps *caps,
                       struct text *text)
{
    put_missing(text, "operations", caps->ops, op_names, REPRO_OP_COUNT);
    put_missing(text, "precisions", caps->precisions, precision_names, PRECISION_COUNT);
    put_missing(text, "optimizers", caps->optimizers, optimizer_names, OPTIMIZER_COUNT);
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        void (*function)(void);
        memcpy(&function, (const char *)backend + optional[i].offset, sizeof function);
        if (function == NULL)
            text_put(text, "%s: %s\n", optional[i].name, optional[i].what);
    }
    if ((caps->flags & REPRO_CAPS_ANY_THREADS) == 0)
        text_put_string(text, "REPRO_CAPS_ANY_THREADS: the same bits on any number of threads\n");
}
