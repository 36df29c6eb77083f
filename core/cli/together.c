/* One process of a job, or the start of one. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/version.h"
#include "lab/sameness.h"
#include "train/ranks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RANK_TIMEOUT 300.0
#define FIRST_SPEAKS 30 /* seconds that the others leave one rank to keep the state and say so */

#define ARGUMENTS_LIMIT ((size_t)4 << 20)
#define ARGUMENTS_MAX 1024

/* For Open MPI; what the user has set stays.  Other launchers do not look at it. */
static const struct {
    const char *name, *value;
} settings[] = {
    {"OMPI_MCA_rmaps_base_oversubscribe", "1"}, /* more ranks than cores is slow, not wrong */
    {"OMPI_MCA_hwloc_base_binding_policy", "none"},
    {"OMPI_MCA_odls_base_sigkill_timeout", "3"}, /* seconds for a checkpoint behind a SIGTERM */
    {"OMPI_MCA_orte_execute_quiet", "1"},        /* whatever happens, a rank says it */
    {"OMPI_ALLOW_RUN_AS_ROOT", "1"}, /* who starts repro as root has answered this question */
    {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
    {"OMPI_MCA_mca_base_env_list", "REPRO_SHARE;REPRO_BACKEND_PATH;REPRO_RANKS_PATH"},
};

/* Becomes `mpirun -n RANKS` around this command line, before anything is opened. */
static int start_launcher(int ranks, struct err *err)
{
    char program[4096], count[16], *line = NULL;
    size_t size;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    int code = length < 0 ? err_errno(err, errno, "/proc/self/exe: cannot be read")
                          : file_read("/proc/self/cmdline", ARGUMENTS_LIMIT, &line, &size, err);
    if (code != 0)
        return code;
    program[length] = '\0';
    snprintf(count, sizeof count, "%d", ranks);
    char *arguments[ARGUMENTS_MAX + 5] = {"mpirun", "-n", count, program};
    size_t n = 4;
    for (char *at = line + strlen(line) + 1; at < line + size && n < ARGUMENTS_MAX + 4;
         at += strlen(at) + 1)
        arguments[n++] = at;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i].name, settings[i].value, 0);
    fflush(stdout);
    execvp(arguments[0], arguments);
    mem_free(line);
    return err_set(err, ERR_CANNOT_RUN,
                   "mpirun cannot be started: %s; install it (Debian: openmpi-bin) or put it into "
                   "PATH",
                   strerror(errno));
}

/* Joins the job that this process is one of.  Without an error several say whether there is one. */
static int join(const struct command_options *options, struct ranks *ranks, struct err *err)
{
    struct ranks_launch launch = ranks_launch();
    if (options->ranks == 1 || (launch.count == 1 && options->ranks == 0))
        return 0;
    const struct ranks_link *link = ranks_load(err);
    if (link == NULL)
        return err->code;
    if (launch.count == 1)
        return start_launcher(options->ranks, err);
    if (options->ranks != 0 && options->ranks != launch.count)
        return err_set(err, ERR_USAGE,
                       "--ranks %d, but %s has started %d processes; leave out one of the two",
                       options->ranks, launch.name, launch.count);
    double limit = options->rank_timeout == 0.0 ? RANK_TIMEOUT : options->rank_timeout;
    int code = ranks_open(ranks, link, &launch, limit, err);
    return code == 0 ? sameness_program(ranks, REPRO_VERSION, REPRO_COMMIT, err) : code;
}

/* The others do not know what has happened here: says it, and ends them. */
static int give_up(struct ranks *ranks, struct err *err)
{
    int speaker = err->code == ERR_RANK && ranks->lost == 0; /* 1, where rank 0 cannot speak */
    if (err->code == ERR_RANK && ranks->rank != speaker)
        sleep(FIRST_SPEAKS);
    if (ranks->hurries && ranks->rank != speaker)
        _exit(EXIT_FAILED); /* the job is being ended, and it has spoken */
    if (ranks->hurries)
        err_prefix(err, "the launcher ends the job");
    if (err->code != ERR_RANK && ranks->rank > 0 && ranks->host != NULL)
        err_prefix(err, "rank %d, on %s", ranks->rank, ranks->host[ranks->rank]);
    int status = report_error(err);
    ranks_abort(ranks, status);
    return status;
}

int work_together(const struct command_options *given,
                  int (*work)(struct command_options *options, int *status, struct err *err))
{
    struct ranks ranks = {.count = 1};
    struct command_options options = *given;
    struct err err = {0};
    int status = EXIT_DONE, launched = ranks_launch().rank;
    int code = join(&options, &ranks, &err);
    if (code != 0 && ranks.link == NULL) /* every process finds the same; one says so */
        return launched == 0 ? report_error(&err) : EXIT_DONE;
    if (ranks_are_several(&ranks))
        options.together = &ranks;
    if (ranks.rank > 0 && freopen("/dev/null", "w", stdout) == NULL)
        code = err_errno(&err, errno, "/dev/null: cannot be opened");
    if (code == 0)
        code = work(&options, &status, &err);
    if (code != 0 && ranks_are_several(&ranks) && !ranks.in_step)
        return give_up(&ranks, &err);
    if (ranks.rank > 0)
        status = EXIT_DONE; /* the first one's is the job's */
    else if (code != 0)
        status = report_error(&err);
    fflush(stdout);
    ranks_close(&ranks);
    return status;
}
