#include "cli/launcher.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* In the process that becomes mpirun: a group of its own, so that a ^C of the terminal comes to the
 * one who waits and not to all. */
static void become(char **arguments)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (freopen("/dev/null", "r", stdin) == NULL)
        _exit(EXIT_CANNOT_RUN);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        setenv(settings[i].name, settings[i].value, 0);
    execvp(arguments[0], arguments);
    fprintf(stderr,
            "repro: mpirun cannot be started: %s; install it (Debian: openmpi-bin) or put it into "
            "PATH\n",
            strerror(errno));
    _exit(EXIT_CANNOT_RUN);
}

static volatile sig_atomic_t child;

/* The first SIGINT or SIGTERM asks the ranks for a checkpoint and an end, by the signal that mpirun
 * hands on; the second one ends it. */
static void hand_on(int number)
{
    static volatile sig_atomic_t asked;
    (void)number;
    kill((pid_t)child, asked ? SIGTERM : SIGUSR1);
    asked = 1;
}

static int wait_for(pid_t id, struct err *err)
{
    int status;
    struct sigaction action = {.sa_handler = hand_on, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    child = (sig_atomic_t)id;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (waitpid(id, &status, 0) != id) {
        err_errno(err, errno, "mpirun cannot be waited for");
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

int launcher_run(int ranks, int *status, struct err *err)
{
    char mpirun[] = "mpirun", dash_n[] = "-n", program[4096], count[16], *line = NULL;
    size_t size;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    int code = length < 0 ? err_errno(err, errno, "/proc/self/exe: cannot be read")
                          : file_read("/proc/self/cmdline", ARGUMENTS_LIMIT, &line, &size, err);
    if (code != 0)
        return code;
    program[length] = '\0';
    snprintf(count, sizeof count, "%d", ranks);
    char *arguments[ARGUMENTS_MAX + 5] = {mpirun, dash_n, count, program};
    size_t n = 4;
    for (char *at = line + strlen(line) + 1; at < line + size && n < ARGUMENTS_MAX + 4;
         at += strlen(at) + 1)
        arguments[n++] = at;
    fflush(stdout);
    pid_t id = fork();
    if (id == 0)
        become(arguments);
    mem_free(line);
    if (id < 0)
        return err_errno(err, errno, "mpirun cannot be started");
    *status = wait_for(id, err);
    return *status < 0 ? ERR_IO : 0;
}
