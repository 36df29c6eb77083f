/* page.c -- the table and three pictures are written beside their old selves (file.h); when all of
 * them are whole they take their names. */
#include "draw/page.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"

#include <errno.h>
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

/* How a whole file of a format ends: a full disk cuts pictures short, and gnuplot says nothing. */
static const struct {
    const char *format, *end;
    size_t size;
} endings[] = {
    {"png", "IEND\xae\x42\x60\x82", 8},
    {"svg", "</svg>", 6},
    {"pdf", "%%EOF", 5},
};

static int ends_well(const char *format, const char *tail, size_t size)
{
    while (size > 0 && (tail[size - 1] == '\n' || tail[size - 1] == '\r'))
        size--;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strcmp(format, endings[i].format) == 0)
            return size >= endings[i].size &&
                   memcmp(tail + size - endings[i].size, endings[i].end, endings[i].size) == 0;
    return 0;
}

/* The part that gnuplot has written must be whole before it takes the picture's name. */
static int settle(const struct file_writer *file, const char *format, struct err *err)
{
    char tail[32];
    struct stat found, named;
    const char *kind = strrchr(format, '-'); /* "panel-svg" */
    if (fstat(file->descriptor, &found) != 0)
        return err_errno(err, errno, "cannot keep %s", file->path);
    if (lstat(file->part, &named) != 0 || named.st_ino != found.st_ino)
        return err_set(err, ERR_IO, "gnuplot wrote no %s", file->path);
    if (found.st_size == 0)
        return err_set(err, ERR_IO, "gnuplot wrote nothing to %s; is the disk full?", file->path);
    off_t size = found.st_size < (off_t)sizeof tail ? found.st_size : (off_t)sizeof tail;
    if (pread(file->descriptor, tail, (size_t)size, found.st_size - size) != size)
        return err_errno(err, errno, "cannot keep %s", file->path);
    if (!ends_well(kind == NULL ? format : kind + 1, tail, (size_t)size))
        return err_set(err, ERR_IO, "gnuplot wrote only a part of %s; is the disk full?",
                       file->path);
    return 0;
}

/* Opens the file for path and has gnuplot write its part. */
static int draw_format(const struct page *page, const char *format, const char *data,
                       const char *look, const char *path, struct file_writer *file,
                       struct err *err)
{
    char *variables = NULL;
    int code = file_open(file, path, err);
    if (code == 0)
        code = variables_text(page, format, data, file->part, look, &variables, err);
    if (code == 0)
        code = gnuplot_run(variables, page->script, err);
    if (code == 0)
        code = settle(file, format, err);
    mem_free(variables);
    return code;
}

/* Draws every format into its part, then renames them all. */
static int draw_all(const struct page *page, const char *data, const char *look, struct err *err)
{
    struct file_writer files[FORMAT_COUNT] = {{0}};
    int code = 0;
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++) {
        char *path = mem_format(err, "%s.%s", page->stem, formats[i]);
        code = path == NULL ? ERR_MEMORY
                            : draw_format(page, formats[i], data, look, path, &files[i], err);
        mem_free(path);
    }
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++)
        code = file_commit(&files[i], err);
    for (size_t i = 0; i < FORMAT_COUNT; i++)
        file_abandon(&files[i]);
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
    struct file_writer table = {0}, picture = {0};
    char *look = look_path(page->script, err), *data = mem_format(err, "%s.tsv", path);
    int code = look == NULL || data == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = check_scripts(page, look, err);
    if (code == 0)
        code = file_open(&table, data, err);
    if (code == 0)
        code = file_put(&table, page->table, strlen(page->table), err);
    if (code == 0)
        code = draw_format(page, format, table.part, look, path, &picture, err);
    if (code == 0)
        code = file_commit(&picture, err);
    file_abandon(&picture);
    file_abandon(&table); /* it was only drawn from */
    mem_free(look);
    mem_free(data);
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
