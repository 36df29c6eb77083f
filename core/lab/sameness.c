#include "lab/sameness.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/figure.h"
#include "train/ranks.h"

#include <inttypes.h>
#include <xxhash.h>

#define PROGRAM_LIMIT ((size_t)1 << 30)

/* Takes the text's bytes; a rank that has no text of its own says so to all. */
static int compare(struct ranks *ranks, struct text *text, struct err *err)
{
    char *facts = NULL;
    int code = ranks_agree(ranks, text_take(text, &facts, "what this rank has", err), err);
    if (code == 0)
        code = ranks_same(ranks, facts, err);
    mem_free(facts);
    return code;
}

int sameness_program(struct ranks *ranks, const char *version, const char *commit, struct err *err)
{
    struct text text = {0};
    char *bytes = NULL;
    size_t size = 0;
    int code = ranks_agree(ranks, file_read("/proc/self/exe", PROGRAM_LIMIT, &bytes, &size, err),
                           err);
    if (code != 0)
        return code;
    text_put(&text, "program\trepro %s (%s), file %016" PRIx64 "\n", version, commit,
             (uint64_t)XXH3_64bits(bytes, size));
    mem_free(bytes);
    return compare(ranks, &text, err);
}

int sameness_figure(struct ranks *ranks, const struct figure *figure, struct err *err)
{
    const struct facts *facts = &figure->session.facts;
    const struct facts_backend *backend = &facts->backend;
    struct text text = {0};
    if (!ranks_are_several(ranks))
        return 0;
    text_put(&text, "experiment\t%s\n", facts->experiment->name);
    text_put(&text, "profile\t%s\n", facts->profile->name);
    text_put(&text, "data set\t%s (%s)\n", facts->data.name, facts->data.digest);
    text_put(&text, "backend\t%s %s\n", backend->name, backend->version);
    text_put(&text, "library\t%s\n", backend->library);
    text_put(&text, "choice of algorithms\t%s%s\n", backend->algorithms,
             backend->tuned ? ", tuned" : "");
    text_put(&text, "precision\t%s\n", precision_name(backend->precision));
    text_put(&text, "processor\t%s\n", backend->device);
    text_put(&text, "number of threads\t%d\n", backend->threads);
    text_put(&text, "first seed\t%" PRIu64 "\n", figure->first_seed);
    text_put(&text, "number of runs\t%zu\n", figure->seed_count * figure->run_count);
    for (size_t i = 0; i < figure->seed_count * figure->run_count; i++)
        text_put(&text, "identity of run %s, seed %" PRIu64 "\t%s\n", figure->runs[i].what->name,
                 figure->runs[i].seed, figure->runs[i].hash);
    return compare(ranks, &text, err);
}
