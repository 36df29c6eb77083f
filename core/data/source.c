#include "data/source.h"

#include "base/err.h"
#include "base/suggest.h"
#include "data/folder.h"

#include <string.h>

#define COUNT (sizeof table / sizeof *table)
#define CIFAR10_SIDE 32
#define SYNTHETIC_SEED 1 /* the synthetic set is one fixed set, whatever the run's seed */

static int open_cifar10(const char *folder, int64_t train_n, int64_t test_n, int side,
                        struct dataset *out, struct err *err)
{
    if (side != 0 && side != CIFAR10_SIDE)
        return err_set(err, ERR_INPUT,
                       "CIFAR-10's images are %d pixels on a side; %d cannot be had", CIFAR10_SIDE,
                       side);
    return source_cifar10(folder, train_n, test_n, out, err);
}

static int open_folder(const char *folder, int64_t train_n, int64_t test_n, int side,
                       struct dataset *out, struct err *err)
{
    struct folder_options options = {.side = side};
    return folder_open(folder, train_n, test_n, &options, out, err);
}

static int open_synthetic(const char *folder, int64_t train_n, int64_t test_n, int side,
                          struct dataset *out, struct err *err)
{
    (void)folder;
    return source_synthetic(SYNTHETIC_SEED, train_n, test_n, side, out, err);
}

static const struct source table[] = {
    {"cifar10", "CIFAR-10", "synthetic", 3, CIFAR10_SIDE, 10, open_cifar10},
    {"synthetic", "Synthetic data, not CIFAR-10", NULL, 3, CIFAR10_SIDE, 10, open_synthetic},
    {"imagenet", "ImageNet", "synthetic-imagenet", 3, FOLDER_SIDE, 1000, open_folder},
    {"synthetic-imagenet", "Synthetic data, not ImageNet", NULL, 3, CIFAR10_SIDE, 10,
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

int source_open(const char *name, const char *folder, int64_t train_n, int64_t test_n, int side,
                struct dataset *out, struct err *err)
{
    const struct source *source = source_find(name, err);
    if (source != NULL && folder == NULL && source->stand_in != NULL)
        source = source_find(source->stand_in, err);
    if (source == NULL)
        return ERR_USAGE;
    int code = source->open(folder, train_n, test_n, side, out, err);
    if (code != 0)
        return code;
    out->name = source->name;
    out->title = source->title;
    return 0;
}
