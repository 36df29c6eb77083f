#include "data/source.h"

#include "base/err.h"
#include "base/suggest.h"

#include <string.h>

#define COUNT (sizeof table / sizeof *table)
#define SYNTHETIC_SEED 1 /* the synthetic set is one fixed set, whatever the run's seed */

static int open_synthetic(const char *folder, int64_t train_n, int64_t test_n, struct dataset *out,
                          struct err *err)
{
    (void)folder;
    return source_synthetic(SYNTHETIC_SEED, train_n, test_n, out, err);
}

static const struct source table[] = {
    {"cifar10", "CIFAR-10", "synthetic", source_cifar10},
    {"synthetic", "Synthetic data, not CIFAR-10", NULL, open_synthetic},
};

const struct source *source_table(size_t *count)
{
    *count = COUNT;
    return table;
}

static const struct source *find(const char *name, struct err *err)
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

int source_open(const char *name, const char *folder, int64_t train_n, int64_t test_n,
                struct dataset *out, struct err *err)
{
    const struct source *source = find(name, err);
    if (source != NULL && folder == NULL && source->stand_in != NULL)
        source = find(source->stand_in, err);
    if (source == NULL)
        return ERR_USAGE;
    int code = source->open(folder, train_n, test_n, out, err);
    if (code != 0)
        return code;
    out->name = source->name;
    out->title = source->title;
    return 0;
}
