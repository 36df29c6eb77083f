#include "doctor/probe.h"

#include "backend/names.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "doctor/selftest.h"
#include "lab/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS 5
#define WARM_UP 1

/* ---- In the child ---- */

static void tell(struct probe *probe, enum probe_outcome outcome, const char *text)
{
    probe->outcome = outcome;
    snprintf(probe->text, sizeof probe->text, "%.*s", PROBE_TEXT - 1, text);
}

static int measure(const struct bench *bench, struct probe *probe, struct err *err)
{
    static struct bench_result result; /* large */
    const struct bench_options options = {.batch = PROBE_BATCH,
                                          .precision = probe->precision,
                                          .steps = STEPS,
                                          .warm_up = WARM_UP,
                                          .brief = 1};
    int code = bench_measure(bench, &options, &result, err);
    if (code == 0)
        probe->images_per_second = PROBE_BATCH / result.median;
    bench_release(&result);
    return code;
}

static void try_plugin(const char *path, int brief, struct probe *probe)
{
    static struct bench bench;
    struct err err = {0};
    double losses[SELFTEST_UPDATES];
    struct repro_device_options options = {.struct_size = sizeof options};
    int code = bench_open(path, PROBE_NETWORK, 0, &options, &bench, &err);
    if (code != 0) {
        tell(probe,
             bench.backend.name == NULL && code != ERR_CANNOT_RUN ? PROBE_REFUSED
             : code == ERR_CANNOT_RUN                             ? PROBE_ABSENT
                                                                  : PROBE_FAILED,
             err.text);
        return;
    }
    backend_device_text(&bench.caps, probe->device);
    snprintf(probe->library, sizeof probe->library, "%.127s", bench.caps.library);
    probe->precisions = bench.caps.precisions;
    if ((probe->precisions >> probe->precision & 1u) == 0) {
        tell(probe, PROBE_LACKS, "");
        return;
    }
    code = selftest_losses(&bench.backend, bench.device, probe->precision, losses, &err);
    if (code == 0)
        code = selftest_judge(losses, probe->precision, &err);
    if (code == 0 && !brief)
        code = measure(&bench, probe, &err);
    tell(probe, code == 0 ? PROBE_FINE : PROBE_FAILED, code == 0 ? "" : err.text);
    bench_close(&bench);
}

/* Never returns. */
static void be_child(const char *path, int brief, struct probe *probe, int out)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive who asked */
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    try_plugin(path, brief, probe);
    const char *at = (const char *)probe;
    for (size_t left = sizeof *probe; left > 0;) {
        ssize_t put = write(out, at, left);
        if (put <= 0)
            break;
        at += put;
        left -= (size_t)put;
    }
    _exit(0);
}

/* ---- In the parent ---- */

/* Reads the whole answer, or what there is of it until the limit; returns the bytes. */
static size_t hear(int in, double limit, struct probe *answer)
{
    double end = clock_seconds() + limit;
    size_t have = 0;
    while (have < sizeof *answer) {
        struct pollfd wait = {.fd = in, .events = POLLIN};
        double left = end - clock_seconds();
        int ready = left <= 0.0 ? 0 : poll(&wait, 1, (int)(1000.0 * left) + 1);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            break;
        ssize_t got = read(in, (char *)answer + have, sizeof *answer - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

static void conclude(struct probe *probe, int status, int killed, double limit)
{
    char text[PROBE_TEXT];
    if (killed)
        snprintf(text, sizeof text, "gave no answer within %g seconds", limit);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "crashed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, sizeof text, "ended its process with status %d", WEXITSTATUS(status));
    tell(probe, PROBE_FAILED, text);
}

int probe_run(const char *path, int precision, int brief, double limit, struct probe *probe,
              struct err *err)
{
    struct probe answer = {.precision = precision};
    int ends[2], status = 0;
    *probe = answer;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, errno, "cannot make a pipe for the trial of '%s'", path);
    pid_t child = fork();
    if (child < 0) {
        int number = errno;
        close(ends[0]);
        close(ends[1]);
        return err_errno(err, number, "cannot start a process for the trial of '%s'", path);
    }
    if (child == 0)
        be_child(path, brief, &answer, ends[1]);
    close(ends[1]);
    double began = clock_seconds();
    int whole = hear(ends[0], limit, &answer) == sizeof answer;
    close(ends[0]);
    int late = !whole && clock_seconds() - began >= limit;
    kill(child, SIGKILL); /* whoever has answered has nothing left to do */
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "lost track of the trial of '%s'", path);
    if (whole)
        *probe = answer;
    else
        conclude(probe, status, late, limit);
    return 0;
}
