#include "data/source.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "data/home.h"

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
    {.name = "cifar10",
     .title = "CIFAR-10",
     .own_title = "Own files in the form of CIFAR-10, not CIFAR-10",
     .stand_in = "synthetic",
     .variable = "REPRO_DATA",
     .fetched = "cifar10",
     .channels = 3,
     .side = CIFAR10_SIDE,
     .classes = 10,
     .mean = {SOURCE_CIFAR10_MEAN},
     .deviation = {SOURCE_CIFAR10_DEVIATION},
     .open = open_cifar10},
    {.name = "synthetic",
     .title = "Synthetic data, not CIFAR-10",
     .channels = 3,
     .side = CIFAR10_SIDE,
     .classes = 10,
     .mean = {SOURCE_SYNTHETIC_MEAN},
     .deviation = {SOURCE_SYNTHETIC_DEVIATION},
     .open = open_synthetic},
    {.name = "imagenet",
     .title = "ImageNet",
     .stand_in = "synthetic-imagenet",
     .variable = "REPRO_IMAGENET",
     .fetched = "imagenette",
     .decodes = 1,
     .channels = 3,
     .side = FOLDER_SIDE,
     .classes = 1000,
     .mean = {SOURCE_FOLDER_MEAN},
     .deviation = {SOURCE_FOLDER_DEVIATION},
     .open = folder_open},
    {.name = "synthetic-imagenet",
     .title = "Synthetic data, not ImageNet",
     .channels = 3,
     .side = CIFAR10_SIDE,
     .classes = 10,
     .mean = {SOURCE_SYNTHETIC_MEAN},
     .deviation = {SOURCE_SYNTHETIC_DEVIATION},
     .open = open_synthetic},
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

static int is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The copy of a source that was fetched into the data folder; *path stays NULL where there is
 * none, nor a data folder. */
static int find_fetched(const struct source *source, char **path, struct err *err)
{
    struct err ignored = {0};
    char *home = NULL;
    int code = data_home(&home, &ignored);
    if (code != 0)
        return code == ERR_MEMORY ? err_set(err, code, "%s", ignored.text) : 0;
    char *copy = mem_format(err, "%s/%s", home, source->fetched);
    mem_free(home);
    if (copy == NULL)
        return ERR_MEMORY;
    if (is_folder(copy))
        *path = copy;
    else
        mem_free(copy);
    return 0;
}

int source_folder(const struct source *source, const char *folder, char **path, int *fetched,
                  struct err *err)
{
    char *found = NULL;
    int code = 0;
    if ((folder == NULL || *folder == '\0') && source->variable != NULL)
        folder = getenv(source->variable);
    int given = folder != NULL && *folder != '\0';
    if (given && (found = mem_format(err, "%s/%s", folder, source->name)) == NULL)
        return ERR_MEMORY;
    if (given && !is_folder(found)) {
        mem_free(found);
        found = mem_string(folder, err);
        code = found == NULL ? ERR_MEMORY : 0;
    }
    if (!given && source->fetched != NULL)
        code = find_fetched(source, &found, err);
    if (code != 0)
        return code;
    *path = found;
    *fetched = !given && found != NULL;
    return 0;
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
    int fetched, code = source == NULL ? ERR_USAGE : check_options(source, options, err);
    if (code == 0)
        code = source_folder(source, folder, &path, &fetched, err);
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
