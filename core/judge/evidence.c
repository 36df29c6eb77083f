#include "judge/evidence.h"

#include "base/err.h"
#include "base/mem.h"
#include "results/curves.h"

/* The logs of every finished seed, one curve behind the other. */
static int load_logs(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                     struct evidence *evidence, struct err *err)
{
    struct curves curves = {0};
    int code = curves_find(store, facts, first, seeds, &curves, err);
    size_t count = 0;
    for (size_t i = 0; code == 0 && i < curves.count; i++)
        count += curves.curve[i].count;
    if (code == 0 && (evidence->logs = mem_new(count, sizeof *evidence->logs, err)) == NULL)
        code = ERR_MEMORY;
    struct runlog *next = evidence->logs;
    for (size_t i = 0; code == 0 && i < curves.count; i++) {
        const struct curve *curve = &curves.curve[i];
        evidence->curves[i] = (struct claim_curves){.count = curve->count, .logs = next};
        for (size_t s = 0; code == 0 && s < curve->count; s++) {
            const struct runlog *log = NULL;
            code = stored_log(curve->seeds[s], &log, err);
            if (code == 0)
                *next++ = *log;
        }
    }
    curves_release(&curves);
    return code;
}

int evidence_load(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                  struct evidence *evidence, struct err *err)
{
    const struct experiment *experiment = facts->experiment;
    size_t runs = experiment->run_count;
    *evidence = (struct evidence){.paper = mem_new(runs, sizeof *evidence->paper, err),
                                  .here = mem_new(runs, sizeof *evidence->here, err),
                                  .curves = mem_new(runs, sizeof *evidence->curves, err)};
    int code = evidence->paper == NULL || evidence->here == NULL || evidence->curves == NULL
                   ? ERR_MEMORY
                   : 0;
    for (size_t i = 0; i < runs && code == 0; i++) {
        code = schedule_build(&experiment->runs[i].spec, &evidence->paper[i], err);
        if (code == 0)
            code = experiment_schedule(experiment, facts->profile, &experiment->runs[i],
                                       &evidence->here[i], err);
    }
    if (code == 0 && store != NULL && !experiment->schedules_only)
        code = load_logs(store, facts, first, seeds, evidence, err);
    evidence->claims = (struct claim_evidence){
        .experiment = experiment,
        .profile = (size_t)(facts->profile - experiment->profiles),
        .test_n = facts->profile->test_n,
        .paper = evidence->paper,
        .here = evidence->here,
        .curves = evidence->curves};
    if (code != 0)
        evidence_release(evidence);
    return code;
}

void evidence_release(struct evidence *evidence)
{
    mem_free(evidence->logs);
    mem_free(evidence->curves);
    mem_free(evidence->here);
    mem_free(evidence->paper);
    *evidence = (struct evidence){0};
}
