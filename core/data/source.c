#include "data/source.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/suggest.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT (sizeof table / sizeof *table)
#define CIFAR10_SIDE 32
#define SYNTHETIC_SEED 1 /* the synthetic set is one fixed set, whatever the run's seed */

static int open_cifar10(const char *folder, int64_t train_n, int64_t test_n,
                        const struct folder_options *options, struct dataset *out, struct err *err)
{
    if (options->side != 0 && options->side != CIFAR10_SIDE)
        return err_set(err, ERR_INPUT,
                       "CIFAR-10's images are %d pixels on a side; %d cannot be had", CIFAR10_SIDE,
                       options->side);
    return source_cifar10(folder, train_n, test_n, out, err);
}

static int open_synthetic(const char *folder, int64_t train_n, int64_t test_n,
                          const struct folder_options *options, struct dataset *out,
                          struct err *err)
{
    (void)folder;
    return source_synthetic(SYNTHETIC_SEED, train_n, test_n, options->side, out, err);
}

static const struct source table[] = {
    {"cifar10", "CIFAR-10", "Own files in the form of CIFAR-10, not CIFAR-10", "synthetic",
     "REPRO_DATA", 0, 3, CIFAR10_SIDE, 10, open_cifar10},
    {"synthetic", "Synthetic data, not CIFAR-10", NULL, NULL, NULL, 0, 3, CIFAR10_SIDE, 10,
     open_synthetic},
    {"imagenet", "ImageNet", NULL, "synthetic-imagenet", "REPRO_IMAGENET", 1, 3, FOLDER_SIDE, 1000,
     folder_open},
    {"synthetic-imagenet", "Synthetic data, not ImageNet", NULL, NULL, NULL, 0, 3, CIFAR10_SIDE, 10,
     open_synthetic},
};

const struct source *source_table(size_t *count)
{
    *count = COUNT;
    return table;
}

const struct source *source_find(const char *name, struct err *err)
{
    const char *names[COUNT];
    char mend[SUGGEST_TEXT];
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
        names[i] = table[i].name;
    }
    err_set(err, ERR_USAGE, "unknown data set '%s'%s", name,
            suggest_phrase(mend, name, names, COUNT, '\'', NULL));
    return NULL;
}

/* The source's folder, NULL where there is none; *path is freed by the caller. */
static int choose_folder(const struct source *source, const char *folder, char **path,
                         struct err *err)
{
    struct stat status;
    if ((folder == NULL || *folder == '\0') && source->variable != NULL)
        folder = getenv(source->variable);
    if (folder == NULL || *folder == '\0')
        return 0;
    *path = mem_format(err, "%s/%s", folder, source->name);
    if (*path != NULL && (stat(*path, &status) != 0 || !S_ISDIR(status.st_mode))) {
        mem_free(*path);
        *path = mem_string(folder, err);
    }
    return *path == NULL ? ERR_MEMORY : 0;
}

static int check_options(const struct source *source, const struct folder_options *options,
                         struct err *err)
{
    if (source->decodes || !(options->aliased || options->coloured || options->oriented))
        return 0;
    return err_set(err, ERR_USAGE,
                   "the data set '%s' is no folder of image files; leave out the conventions "
                   "antialias, colour and orientation",
                   source->name);
}

int source_open(const char *name, const char *folder, int64_t train_n, int64_t test_n,
                const struct folder_options *options, struct dataset *out, struct err *err)
{
    const struct source *source = source_find(name, err);
    char *path = NULL;
    int code = source == NULL ? ERR_USAGE : check_options(source, options, err);
    if (code == 0)
        code = choose_folder(source, folder, &path, err);
    if (code == 0 && path == NULL && source->stand_in != NULL &&
        (source = source_find(source->stand_in, err)) == NULL)
        code = ERR_USAGE;
    if (code == 0)
        code = source->open(path, train_n, test_n, options, out, err);
    mem_free(path);
    if (code != 0)
        return code;
    out->name = source->name;
    out->title = out->own_files > 0 ? source->own_title : source->title;
    return 0;
}

void source_own_title(const char *name, char *title, size_t size)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(table[i].name, name) == 0 && table[i].own_title != NULL)
            snprintf(title, size, "%s", table[i].own_title);
}

void source_title(const char *name, const char *augment, char *title, size_t size)
{
    for (size_t i = 0; i < COUNT; i++) {
        char words[FOLDER_WORDS] = "";
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (table[i].decodes)
            folder_unusual(augment, words);
        snprintf(title, size, "%s%s%s%s", table[i].title, words[0] == '\0' ? "" : " (", words,
                 words[0] == '\0' ? "" : ")");
        return;
    }
    title[0] = '\0';
}
