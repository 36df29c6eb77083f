/* gnuplot.c -- the commands travel as an argument, so no temporary file is left behind. */
#include "draw/gnuplot.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"

#include <string.h>
#include <sys/wait.h>

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

static int missing(struct err *err)
{
    return err_set(
        err, ERR_CANNOT_RUN,
        "gnuplot is not on the PATH and draws the figures; install the package gnuplot-nox");
}

int gnuplot_run(const char *commands, const char *script, struct err *err)
{
    char *path = mem_format(err, "%s%s", script[0] == '/' ? "" : "./", script);
    if (path == NULL)
        return ERR_MEMORY;
    const char *const argv[] = {"gnuplot", "-d", "-e", commands, path, NULL};
    struct process process = {.argv = argv};
    int code = process_run(&process, err), status = process.status;
    mem_free(path);
    if (code != 0)
        return code == ERR_CANNOT_RUN ? missing(err) : code;
    if (WIFSIGNALED(status))
        return err_set(err, ERR_IO, "gnuplot was killed by signal %d while drawing with %s",
                       WTERMSIG(status), script);
    if (WEXITSTATUS(status) == 127)
        return missing(err);
    if (WEXITSTATUS(status) != 0) {
        const char *said = process_last_line(process.messages);
        return err_set(err, ERR_INPUT, "gnuplot cannot draw with %s: %s", script,
                       said[0] == '\0' ? "it gave no reason" : said);
    }
    return 0;
}
