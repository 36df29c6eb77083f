/* repro verify: whether results are what was written, byte by byte. */
#include "cli/command.h"

#include "base/err.h"
#include "base/text.h"
#include "cli/options.h"
#include "results/store.h"
#include "results/verify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct settings {
    const char *out;
    int all;
    struct text runs; /* one a line; empty: all */
};

static const struct option_row rows[] = {
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where the results are (default: results)",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct settings, out)},
    {.name = "all",
     .letter = 'a',
     .help = "every run there is, as without RUN",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct settings, all)},
};

static const char *name_of(const struct stored *run)
{
    const char *slash = strrchr(run->folder, '/');
    return slash == NULL ? run->folder : slash + 1;
}

/* A run is named by its folder, with or without path, or by the first digits of its hash. */
static int is_named(const struct stored *run, const char *word, size_t length)
{
    const char *name = name_of(run), *dash = strrchr(name, '-');
    while (length > 1 && word[length - 1] == '/')
        length--;
    const char *last = word + length;
    while (last > word && last[-1] != '/')
        last--;
    size_t rest = (size_t)(word + length - last);
    return rest > 0 && ((strlen(name) == rest && strncmp(name, last, rest) == 0) ||
                        (dash != NULL && strncmp(dash + 1, word, length) == 0));
}

/* *worst is the worst that was found so far. */
static int print_run(struct stored *run, enum verify_state *worst, struct err *err)
{
    static const char *const words[] = {"good", "no digest", "damaged"};
    struct verification found;
    int code = verify_run(run, &found, err);
    if (code != 0)
        return code;
    printf("%-9s  %s: %s\n", words[found.state], name_of(run),
           found.state == VERIFY_DAMAGED ? found.damage.text : found.words);
    if (found.state > *worst)
        *worst = found.state;
    return 0;
}

/* Those that one word names. */
static int verify_named(struct store *store, const char *word, size_t length,
                        enum verify_state *worst, struct err *err)
{
    size_t found = 0;
    int code = 0;
    for (size_t i = 0; code == 0 && i < store->count; i++)
        if (is_named(&store->runs[i], word, length)) {
            found++;
            code = print_run(&store->runs[i], worst, err);
        }
    if (code == 0 && found == 0)
        code = err_set(err, ERR_USAGE,
                       "verify: no run under '%s/runs' is '%.*s'; a run is named by its folder or "
                       "by the first digits of its hash, and `repro verify` looks at all",
                       store->out, (int)length, word);
    return code;
}

static int verify(const struct settings *settings, enum verify_state *worst, struct err *err)
{
    struct store store = {0};
    const char *words = settings->runs.bytes;
    int code = store_open(&store, settings->out, err);
    if (code == 0 && store.count == 0)
        code = err_set(err, ERR_INPUT, "verify: no run under '%s/runs'; --out names another folder",
                       settings->out);
    for (size_t i = 0; code == 0 && words == NULL && i < store.count; i++)
        code = print_run(&store.runs[i], worst, err);
    for (size_t length; code == 0 && words != NULL && *words != '\0'; words += length + 1) {
        length = strcspn(words, "\n");
        code = verify_named(&store, words, length, worst, err);
    }
    store_close(&store);
    return code;
}

int command_verify(int argc, char **argv)
{
    struct settings settings = {.out = "results"};
    struct err err = {0};
    enum verify_state worst = VERIFY_GOOD;
    const struct option_table table = {
        .usage = "[RUN...]",
        .about = "Reads every byte of the runs' manifests, logs and checkpoints and holds them "
                 "against the digests in there: one line a run, \"good\", \"no digest\" for what "
                 "was made before there were any, or \"damaged\" with the file, what is wrong and "
                 "the mend; the exit status is 1 then.  RUN is a run's folder or the first digits "
                 "of its hash.  Writes nothing, and may run beside a training.",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
        .operands = OPTION_OPERANDS_ANY,
        .operand_offset = offsetof(struct settings, runs)};
    option_table_parse(&table, argc, argv, &settings);
    int code = settings.runs.failed ? err_set(&err, ERR_MEMORY, "verify: out of memory") : 0;
    if (code == 0 && settings.all && settings.runs.bytes != NULL)
        code = err_set(&err, ERR_USAGE, "verify: --all is every run; leave it out, or the names");
    if (code == 0)
        code = verify(&settings, &worst, &err);
    text_release(&settings.runs);
    if (code == 0 && (fflush(stdout) != 0 || ferror(stdout)))
        code = err_set(&err, ERR_IO, "standard output: cannot be written");
    if (code != 0)
        return report_error(&err);
    return worst == VERIFY_DAMAGED ? EXIT_FAILED : EXIT_DONE;
}
