/* page.c -- the table and three pictures go to .part files; when all of them are whole they take
 * their names. */
#include "draw/page.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPTION_COLUMNS 126 /* fits the width of the figure in the captions' type size */

static const char *const formats[] = {"png", "svg", "pdf"};
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

/* Breaks text at spaces so that no line is longer than `columns` characters where that can be;
 * returns the lines. */
static size_t wrap(char *text, size_t columns)
{
    size_t lines = 1, width = 0;
    char *space = NULL;
    for (char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at & 0xc0) == 0x80) /* inside a UTF-8 character */
            continue;
        width++;
        if (*at == '\n') {
            lines++;
            width = 0;
            space = NULL;
        } else if (*at == ' ') {
            space = at;
        }
        if (width > columns && space != NULL) {
            *space = '\n';
            lines++;
            width = 0;
            for (const char *c = space + 1; c <= at; c++)
                width += ((unsigned char)*c & 0xc0) != 0x80;
            space = NULL;
        }
    }
    return lines;
}

static void put_text(struct text *out, const char *name, const char *text)
{
    text_put(out, "%s = ", name);
    gnuplot_put_string(out, text);
    text_put_string(out, "; ");
}

static void put_path(struct text *out, const char *name, const char *path)
{
    text_put(out, "%s = ", name);
    gnuplot_put_path(out, path == NULL ? "" : path);
    text_put_string(out, "; ");
}

static int variables_text(const struct page *page, const char *format, const char *data,
                          const char *part, const char *look, char **text, struct err *err)
{
    char *caption = mem_string(page->caption, err);
    if (caption == NULL)
        return ERR_MEMORY;
    size_t lines = wrap(caption, CAPTION_COLUMNS);
    struct text out = {0};
    put_text(&out, "format", format);
    put_path(&out, "output", part);
    put_path(&out, "data", data);
    put_path(&out, "look", look);
    put_text(&out, "title", page->title);
    put_text(&out, "caption", caption);
    text_put(&out, "caption_lines = %zu; %s", lines, page->variables);
    mem_free(caption);
    return text_take(&out, text, "a figure's data", err);
}

/* The part must hold something and be on the disk before it takes the figure's name. */
static int settle(const char *part, struct err *err)
{
    struct stat found;
    int descriptor = open(part, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return err_errno(err, errno, "gnuplot wrote no %s", part);
    int code = 0;
    if (fstat(descriptor, &found) != 0 || fsync(descriptor) != 0)
        code = err_errno(err, errno, "cannot keep %s", part);
    else if (found.st_size == 0)
        code = err_set(err, ERR_CANNOT_RUN, "gnuplot wrote nothing to %s; is the disk full?", part);
    close(descriptor);
    return code;
}

static int draw_format(const struct page *page, const char *format, const char *data,
                       const char *part, const char *look, struct err *err)
{
    char *variables = NULL;
    int code = variables_text(page, format, data, part, look, &variables, err);
    if (code == 0)
        code = gnuplot_run(variables, page->script, err);
    if (code == 0)
        code = settle(part, err);
    mem_free(variables);
    return code;
}

/* Draws every format into its part, then renames them all. */
static int draw_all(const struct page *page, const char *data, const char *look, struct err *err)
{
    char *paths[FORMAT_COUNT] = {NULL}, *parts[FORMAT_COUNT] = {NULL};
    int code = 0;
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++) {
        paths[i] = mem_format(err, "%s.%s", page->stem, formats[i]);
        parts[i] = mem_format(err, "%s.%s.part", page->stem, formats[i]);
        code = paths[i] == NULL || parts[i] == NULL
                   ? ERR_MEMORY
                   : draw_format(page, formats[i], data, parts[i], look, err);
    }
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++)
        if (rename(parts[i], paths[i]) != 0)
            code = err_errno(err, errno, "cannot replace %s", paths[i]);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (code != 0 && parts[i] != NULL)
            unlink(parts[i]);
        mem_free(paths[i]);
        mem_free(parts[i]);
    }
    return code;
}

/* look.gp beside the script. */
static char *look_path(const char *script, struct err *err)
{
    const char *slash = strrchr(script, '/');
    return mem_format(err, "%.*slook.gp", slash == NULL ? 0 : (int)(slash - script + 1), script);
}

static int check_scripts(const struct page *page, const char *look, struct err *err)
{
    if (file_exists(page->script) && file_exists(look))
        return 0;
    return err_set(err, ERR_INPUT,
                   "%s: no such plot script; the plots folder of the installation is incomplete",
                   file_exists(page->script) ? look : page->script);
}

int page_picture(const struct page *page, const char *format, const char *path, struct err *err)
{
    char *look = look_path(page->script, err), *data = mem_format(err, "%s.tsv.part", path),
         *part = mem_format(err, "%s.part", path);
    int code = look == NULL || data == NULL || part == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = check_scripts(page, look, err);
    if (code == 0)
        code = file_replace(data, page->table, strlen(page->table), err);
    if (code == 0)
        code = draw_format(page, format, data, part, look, err);
    if (code == 0 && rename(part, path) != 0)
        code = err_errno(err, errno, "cannot replace %s", path);
    if (data != NULL)
        unlink(data);
    if (code != 0 && part != NULL)
        unlink(part);
    mem_free(look);
    mem_free(data);
    mem_free(part);
    return code;
}

/* The table is written first, drawn from, and named last: the commit also brings the folder to the
 * disk. */
int page_draw(const struct page *page, struct err *err)
{
    struct file_writer file = {0};
    char *look = look_path(page->script, err), *path = mem_format(err, "%s.tsv", page->stem);
    int code = look == NULL || path == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = check_scripts(page, look, err);
    if (code == 0)
        code = file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, page->table, strlen(page->table), err);
    if (code == 0)
        code = draw_all(page, file.part, look, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    mem_free(path);
    mem_free(look);
    return code;
}
