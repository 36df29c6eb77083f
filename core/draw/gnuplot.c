/* gnuplot.c -- the messages are read through a pipe; the commands travel as an argument, so no
 * temporary file is left behind and a pipe that closes early cannot kill us. */
#include "draw/gnuplot.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES 4096 /* the end of what gnuplot said; the cause stands last */

extern char **environ;

void gnuplot_put_string(struct text *out, const char *text)
{
    text_put_char(out, '\'');
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '\'')
            text_put_string(out, "'.\"'\".'");
        else if (byte == '\n')
            text_put_string(out, "'.\"\\n\".'");
        else
            text_put_char(out, byte < 0x20 || byte == 0x7f ? ' ' : *text);
    }
    text_put_char(out, '\'');
}

void gnuplot_put_path(struct text *out, const char *path)
{
    if (path[0] != '/' && path[0] != '\0')
        text_put_string(out, "'./'.");
    gnuplot_put_string(out, path);
}

/* The last line of text that is not blank, cut off in place. */
static const char *last_line(char *text)
{
    size_t end = strlen(text);
    while (end > 0 && strchr(" \t\r\n", text[end - 1]) != NULL)
        end--;
    text[end] = '\0';
    char *line = strrchr(text, '\n');
    return line == NULL ? text : line + 1;
}

/* Reads to the end; keeps the last MESSAGES / 2 bytes at least.  text has MESSAGES + 1 bytes. */
static void read_messages(int descriptor, char *text)
{
    size_t size = 0;
    for (;;) {
        if (size == MESSAGES) {
            memmove(text, text + MESSAGES / 2, MESSAGES / 2);
            size = MESSAGES / 2;
        }
        ssize_t got = read(descriptor, text + size, MESSAGES - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    text[size] = '\0';
}

/* Starts gnuplot with nothing to read and both outputs on `messages`; 0 or an errno value. */
static int start(const char *commands, const char *script, int messages, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int number = posix_spawn_file_actions_init(&actions);
    if (number != 0)
        return number;
    /* posix_spawnp() takes char *const[] for history's sake and changes nothing. */
    char *argv[] = {"gnuplot", "-d", "-e", (char *)(uintptr_t)commands, (char *)(uintptr_t)script,
                    NULL};
    number = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&actions, messages, STDOUT_FILENO);
    if (number == 0)
        number = posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    if (number == 0)
        number = posix_spawnp(child, "gnuplot", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return number;
}

static int missing(struct err *err)
{
    return err_set(
        err, ERR_CANNOT_RUN,
        "gnuplot is not on the PATH and draws the figures; install the package gnuplot-nox");
}

int gnuplot_run(const char *commands, const char *script, struct err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, errno, "cannot make a pipe for gnuplot's messages");
    pid_t child = -1;
    char *path = mem_format(err, "%s%s", script[0] == '/' ? "" : "./", script);
    int number = path == NULL ? ENOMEM : start(commands, path, ends[1], &child);
    mem_free(path);
    close(ends[1]);
    if (number != 0) {
        close(ends[0]);
        if (number == ENOENT || number == ENOTDIR || number == EACCES)
            return missing(err);
        return err_errno(err, number, "cannot start gnuplot");
    }
    char messages[MESSAGES + 1];
    read_messages(ends[0], messages);
    close(ends[0]);
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_errno(err, errno, "lost track of gnuplot");
    if (WIFSIGNALED(status))
        return err_set(err, ERR_IO, "gnuplot was killed by signal %d while drawing with %s",
                       WTERMSIG(status), script);
    if (WEXITSTATUS(status) == 127)
        return missing(err);
    if (WEXITSTATUS(status) != 0) {
        const char *said = last_line(messages);
        return err_set(err, ERR_INPUT, "gnuplot cannot draw with %s: %s", script,
                       said[0] == '\0' ? "it gave no reason" : said);
    }
    return 0;
}
