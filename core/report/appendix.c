#include "report/appendix.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/text.h"
#include "report/tex_body.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS 2 /* of pdflatex: references are known in the second */

static const char *const sources[] = {"appendix.tex", "report.tex", "repro.bib"};
#define SOURCES (sizeof sources / sizeof sources[0])

/* Writes a text into a folder, and empties it. */
static int write_text(struct text *text, const char *folder, const char *name, struct err *err)
{
    size_t size = text->size;
    char *bytes = NULL, *path = mem_format(err, "%s/%s", folder, name);
    int code = path == NULL ? ERR_MEMORY : text_take(text, &bytes, name, err);
    if (code == 0)
        code = file_replace(path, bytes, size, err);
    mem_free(bytes);
    mem_free(path);
    return code;
}

static int write_sources(const struct report *report, const char *work, const char *figures,
                         struct err *err)
{
    struct text text = {0};
    int code = tex_body_put(&text, report, figures, err);
    if (code == 0)
        code = write_text(&text, work, sources[0], err);
    if (code == 0) {
        tex_document_put(&text, report);
        code = write_text(&text, work, sources[1], err);
    }
    if (code == 0) {
        tex_bibliography_put(&text);
        code = write_text(&text, work, sources[2], err);
    }
    text_release(&text);
    return code;
}

/* LaTeX marks the cause by "FILE:LINE: " or by "!", and what follows from it too. */
static const char *complaint(char *messages)
{
    char *line = strstr(messages, ".tex:"), *mark = strstr(messages, "\n! ");
    if (line == NULL || (mark != NULL && mark < line))
        line = mark;
    while (line != NULL && line > messages && line[-1] != '\n' && *line != '\n')
        line--;
    if (line == NULL)
        return process_last_line(messages);
    line += strspn(line, "\n");
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static int miss_latex(struct appendix_result *made, const char *what)
{
    size_t length = strlen(what);
    length -= length > 0 && what[length - 1] == '.';
    snprintf(made->reason, sizeof made->reason,
             "%.*s; install the packages texlive-latex-recommended and "
             "texlive-fonts-recommended, then run the same command again",
             (int)(length < 200 ? length : 200), what);
    return 0;
}

/* *made says why where there is no LaTeX, or too little of it. */
static int run_latex(const char *work, struct appendix_result *made, struct err *err)
{
    const char *const argv[] = {"pdflatex",
                                "-no-shell-escape",
                                "-interaction=nonstopmode",
                                "-halt-on-error",
                                "-file-line-error",
                                "report.tex",
                                NULL};
    for (int i = 0; i < RUNS; i++) {
        struct process process = {.argv = argv, .folder = work};
        struct err missing = {0};
        int code = process_run(&process, &missing);
        if (code == ERR_CANNOT_RUN)
            return miss_latex(made, missing.text);
        if (code != 0)
            return err_set(err, code, "%s", missing.text);
        if (WIFEXITED(process.status) && WEXITSTATUS(process.status) == 0)
            continue;
        const char *said = complaint(process.messages);
        if (strstr(said, ".sty' not found") != NULL)
            return miss_latex(made, said);
        return err_set(err, ERR_INPUT, "pdflatex cannot typeset report.tex: %.300s", said);
    }
    return 0;
}

/* Moves every file of a folder that is no link into another; names that begin with '.' stay. */
static int move_files(const char *from, const char *to, const char *suffix, struct err *err)
{
    int code = file_make_folders(to, err);
    DIR *directory = code == 0 ? opendir(from) : NULL;
    if (code == 0 && directory == NULL)
        return err_errno(err, errno, "%s: cannot be read", from);
    for (struct dirent *entry;
         code == 0 && directory != NULL && (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name), end = strlen(suffix);
        if (length <= end || strcmp(entry->d_name + length - end, suffix) != 0)
            continue;
        char *old = mem_format(err, "%s/%s", from, entry->d_name);
        char *new = mem_format(err, "%s/%s", to, entry->d_name);
        if (old == NULL || new == NULL)
            code = ERR_MEMORY;
        else if (rename(old, new) != 0)
            code = err_errno(err, errno, "cannot move %s to %s", old, to);
        mem_free(old);
        mem_free(new);
    }
    if (directory != NULL)
        closedir(directory);
    return code;
}

/* Removes the files of a folder that we made, and the folder. */
static void remove_folder(const char *folder)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    rmdir(folder);
}

static int keep_sources(const char *work, const char *figures, const char *to,
                        struct appendix_result *made, struct err *err)
{
    char *folder = mem_format(err, "%s/report-tex", to);
    char *pictures = mem_format(err, "%s/report-tex/figures", to);
    int code = folder == NULL || pictures == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = move_files(figures, pictures, ".pdf", err);
    if (code == 0)
        code = move_files(work, folder, ".tex", err);
    if (code == 0)
        code = move_files(work, folder, ".bib", err);
    if (code == 0) {
        made->folder = folder;
        folder = NULL;
    }
    mem_free(folder);
    mem_free(pictures);
    return code;
}

static int keep_pdf(const char *work, const char *to, struct appendix_result *made, struct err *err)
{
    char *from = mem_format(err, "%s/report.pdf", work),
         *path = mem_format(err, "%s/report.pdf", to);
    int code = from == NULL || path == NULL ? ERR_MEMORY : 0;
    if (code == 0 && rename(from, path) != 0)
        code = err_errno(err, errno, "cannot replace %s", path);
    mem_free(from);
    if (code != 0) {
        mem_free(path);
        return code;
    }
    made->pdf = path;
    return 0;
}

static int make(const struct report *report, const char *work, const char *to, int keep,
                struct appendix_result *made, struct err *err)
{
    char *figures = mem_format(err, "%s/figures", work);
    int code = figures == NULL ? ERR_MEMORY : file_make_folders(figures, err);
    if (code == 0)
        code = write_sources(report, work, figures, err);
    if (code == 0) {
        code = run_latex(work, made, err);
        struct err second = {0};
        int typeset = code == 0 && made->reason[0] == '\0';
        if (typeset)
            code = keep_pdf(work, to, made, err);
        if (keep || !typeset) {
            int moved = keep_sources(work, figures, to, made, &second);
            if (code == 0 && moved != 0) {
                *err = second;
                code = moved;
            }
        }
    }
    if (figures != NULL)
        remove_folder(figures);
    mem_free(figures);
    return code;
}

int appendix_write(const struct report *report, const char *to, int keep,
                   struct appendix_result *made, struct err *err)
{
    *made = (struct appendix_result){0};
    char *work = mem_format(err, "%s/.report-XXXXXX", to);
    if (work == NULL)
        return ERR_MEMORY;
    int code = mkdtemp(work) == NULL ? err_errno(err, errno, "cannot make a folder in %s", to)
                                     : make(report, work, to, keep, made, err);
    if (strstr(work, "XXXXXX") == NULL)
        remove_folder(work);
    mem_free(work);
    return code;
}

void appendix_result_release(struct appendix_result *made)
{
    mem_free(made->pdf);
    mem_free(made->folder);
    *made = (struct appendix_result){0};
}
