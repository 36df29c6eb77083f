#include "draw/study.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"
#include "draw/page.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)64 << 20)
#define SUMMARY "-summary.tsv"

int study_draw(const struct experiment *experiment, const char *share, const char *stem,
               const char *caption, const char *points, size_t measurements, struct err *err)
{
    char *script = mem_format(err, "%s/plots/%s.gp", share, experiment->plot);
    char *summary = mem_format(err, "%s" SUMMARY, stem), *variables = NULL;
    struct text out = {0};
    int code = script == NULL || summary == NULL ? ERR_MEMORY : 0;
    if (code == 0) {
        text_put(&out, "measurements = %zu; summary = ", measurements);
        gnuplot_put_path(&out, summary);
        text_put_string(&out, "; ");
        code = text_take(&out, &variables, "a figure", err);
    }
    if (code == 0) {
        struct page page = {.script = script,
                            .stem = stem,
                            .title = experiment->title,
                            .caption = caption,
                            .table = points,
                            .variables = variables};
        code = page_draw(&page, err);
    }
    mem_free(script);
    mem_free(summary);
    mem_free(variables);
    return code;
}

/* Cuts "# text\n" off the front of *at and returns the text; NULL where there is no such line. */
static char *take_comment(char **at)
{
    char *end = strchr(*at, '\n');
    if (strncmp(*at, "# ", 2) != 0 || end == NULL)
        return NULL;
    char *text = *at + 2;
    *end = '\0';
    *at = end + 1;
    return text;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

int study_redraw(const struct experiment *experiment, const char *share, const char *stem,
                 const char *caption, struct err *err)
{
    char *points = NULL, *head = NULL, *summary = NULL;
    char *points_path = mem_format(err, "%s.tsv", stem);
    char *summary_path = mem_format(err, "%s" SUMMARY, stem);
    size_t size;
    int code = points_path == NULL || summary_path == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = file_read(points_path, TABLE_LIMIT, &points, &size, err);
    if (code == 0)
        code = file_read(summary_path, TABLE_LIMIT, &summary, &size, err);
    if (code == 0 && lines_of(summary) < 2)
        code = err_set(err, ERR_INPUT, "%s: no measurement in it", summary_path);
    if (code == 0 && (head = mem_string(points, err)) == NULL)
        code = ERR_MEMORY;
    if (code == 0) {
        char *at = head;
        const char *kept = take_comment(&at) == NULL ? NULL : take_comment(&at);
        code = study_draw(experiment, share, stem, kept == NULL ? caption : kept, points,
                          lines_of(summary) - 1, err);
    }
    mem_free(points);
    mem_free(head);
    mem_free(summary);
    mem_free(points_path);
    mem_free(summary_path);
    return code;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Whether a file is a summary of the study; then where its stem ends. */
static int is_summary(const struct experiment *experiment, const char *file, size_t *stem)
{
    size_t length = strlen(file), name = strlen(experiment->name), suffix = strlen(SUMMARY);
    if (length <= name + 1 + suffix || strncmp(file, experiment->name, name) != 0 ||
        file[name] != '-' || strcmp(file + length - suffix, SUMMARY) != 0)
        return 0;
    *stem = length - suffix;
    return 1;
}

int study_stems(const struct experiment *experiment, const char *out, char ***stems, size_t *count,
                struct err *err)
{
    DIR *directory = opendir(out);
    size_t capacity = 0, stem, found = 0;
    char **list = NULL;
    if (directory == NULL && errno != ENOENT)
        return err_errno(err, errno, "%s: cannot be read", out);
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        capacity += is_summary(experiment, entry->d_name, &stem) != 0;
    list = mem_new(capacity, sizeof *list, err);
    int code = list == NULL ? ERR_MEMORY : 0;
    if (directory != NULL)
        rewinddir(directory);
    for (struct dirent *entry; code == 0 && directory != NULL && found < capacity &&
                               (entry = readdir(directory)) != NULL;) {
        if (!is_summary(experiment, entry->d_name, &stem))
            continue;
        list[found] = mem_format(err, "%.*s", (int)stem, entry->d_name);
        if (list[found] == NULL)
            code = ERR_MEMORY;
        else
            found++;
    }
    if (directory != NULL)
        closedir(directory);
    if (code != 0) {
        study_stems_free(list, found);
        return code;
    }
    if (found > 1)
        qsort(list, found, sizeof *list, by_name);
    *stems = list;
    *count = found;
    return 0;
}

void study_stems_free(char **stems, size_t count)
{
    for (size_t i = 0; stems != NULL && i < count; i++)
        mem_free(stems[i]);
    mem_free(stems);
}
