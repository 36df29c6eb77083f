/* process.c -- the messages are read through a pipe, so that no temporary file is left behind and a
 * pipe that closes early cannot kill us. */
#include "base/process.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *process_last_line(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    text[end] = '\0';
    char *line = strrchr(text, '\n');
    return line == NULL ? text : line + 1;
}

/* Reads to the end; keeps the last half of messages' PROCESS_MESSAGES + 1 bytes at least. */
static void read_messages(int descriptor, struct process *process)
{
    char *text = process->messages;
    size_t size = 0;
    for (;;) {
        if (size == PROCESS_MESSAGES) {
            memmove(text, text + PROCESS_MESSAGES / 2, PROCESS_MESSAGES / 2);
            size = PROCESS_MESSAGES / 2;
        }
        ssize_t got = read(descriptor, text + size, PROCESS_MESSAGES - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (process->said != NULL)
            process->said(process->context, text + size, (size_t)got);
        size += (size_t)got;
    }
    text[size] = '\0';
}

/* Starts it with nothing to read and both outputs on `messages`; 0 or an errno value. */
static int start(const struct process *process, int messages, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return number;
    /* posix_spawnp() takes char *const[] for history's sake and changes nothing. */
    char *const *argv = (char *const *)(uintptr_t)process->argv;
    number = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&actions, messages, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    if (number == 0 && process->folder != NULL)
        number = posix_spawn_file_actions_addchdir_np(&actions, process->folder);
    if (number == 0)
        number = posix_spawnp(child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

int process_run(struct process *process, struct err *err)
{
    const char *name = process->argv[0];
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, errno, "cannot make a pipe for what %s says", name);
    pid_t child = -1;
    int number = start(process, ends[1], &child);
    close(ends[1]);
    if (number != 0) {
        close(ends[0]);
        if (number == ENOENT || number == ENOTDIR || number == EACCES)
            return err_set(err, ERR_CANNOT_RUN, "%s is not on the PATH", name);
        return err_errno(err, number, "cannot start %s", name);
    }
    read_messages(ends[0], process);
    close(ends[0]);
    while (waitpid(child, &process->status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "lost track of %s", name);
    return 0;
}
