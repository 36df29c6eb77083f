#include "experiment/figures.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "experiment/experiment.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".exp"
#define FIRST_CAPACITY 16

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int is_experiment(const char *file)
{
    size_t length = strlen(file), suffix = strlen(SUFFIX);
    return length > suffix && file[0] != '.' && strcmp(file + length - suffix, SUFFIX) == 0;
}

/* Appends the file's name without its suffix. */
static int append(char ***list, size_t *count, size_t *capacity, const char *file, struct err *err)
{
    if (*count == *capacity) {
        size_t wanted = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
        char **larger = mem_new(wanted, sizeof *larger, err);
        if (larger == NULL)
            return ERR_MEMORY;
        if (*count > 0)
            memcpy(larger, *list, *count * sizeof *larger);
        mem_free(*list);
        *list = larger;
        *capacity = wanted;
    }
    char *name = mem_format(err, "%.*s", (int)(strlen(file) - strlen(SUFFIX)), file);
    if (name == NULL)
        return ERR_MEMORY;
    (*list)[(*count)++] = name;
    return 0;
}

int figures_list(const char *folder, char ***names, size_t *count, struct err *err)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return err_set(
            err, ERR_INPUT,
            "%s: no such folder; set REPRO_SHARE to the one that has experiments/ and plots/",
            folder);
    char **list = NULL;
    size_t found = 0, capacity = 0;
    int code = 0;
    for (struct dirent *entry; code == 0 && (entry = readdir(directory)) != NULL;)
        if (is_experiment(entry->d_name))
            code = append(&list, &found, &capacity, entry->d_name, err);
    closedir(directory);
    if (code == 0 && found == 0)
        code = err_set(err, ERR_INPUT, "%s: no experiment file (*.exp) there", folder);
    if (code != 0) {
        figures_free(list, found);
        return code;
    }
    qsort(list, found, sizeof *list, by_name);
    *names = list;
    *count = found;
    return 0;
}

void figures_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}

static int unknown_figure(const char *folder, const char *figure, struct err *err)
{
    char **names, mend[SUGGEST_TEXT];
    size_t count;
    int code = figures_list(folder, &names, &count, err);
    if (code != 0)
        return code;
    code = err_set(err, ERR_USAGE, "unknown figure '%s'%s", figure,
                   suggest_phrase(mend, figure, (const char *const *)names, count, '\'', NULL));
    figures_free(names, count);
    return code;
}

int figures_load(const char *folder, const char *figure, struct experiment **out, struct err *err)
{
    if (strchr(figure, '/') != NULL)
        return experiment_load(figure, out, err);
    char *path = mem_format(err, "%s/%s" SUFFIX, folder, figure);
    if (path == NULL)
        return ERR_MEMORY;
    int code = file_exists(path) ? experiment_load(path, out, err)
                                 : unknown_figure(folder, figure, err);
    mem_free(path);
    return code;
}
