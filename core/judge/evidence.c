#include "judge/evidence.h"

#include "base/err.h"
#include "base/mem.h"
#include "lab/run.h"

#include <string.h>

/* The log of one seed, where it is done: *found is 1 then. */
static int load_seed(const struct session *session, const struct experiment_run *what,
                     const char *out, uint64_t seed, struct runlog *log, int *found,
                     struct err *err)
{
    struct session one = *session; /* borrows all of it */
    struct run run;
    one.seed = seed;
    int code = run_init(&run, &one, what, out, err);
    if (code != 0)
        return code;
    *found = run.status == RUN_DONE;
    if (*found)
        code = runlog_read(log, run.log_path, err);
    run_release(&run);
    return code;
}

static int load_run(const struct session *session, const struct experiment_run *what,
                    const char *out, uint64_t first, size_t count, struct claim_curves *curves,
                    struct err *err)
{
    struct runlog *logs = mem_new(count, sizeof *logs, err);
    if (logs == NULL)
        return ERR_MEMORY;
    curves->logs = logs;
    for (size_t i = 0; i < count; i++) {
        int found = 0;
        int code = load_seed(session, what, out, first + i, &logs[curves->count], &found, err);
        if (code != 0)
            return code;
        curves->count += (size_t)found;
    }
    return 0;
}

int evidence_load(const struct session *session, const char *out, uint64_t first, size_t count,
                  struct claim_evidence *evidence, struct err *err)
{
    const struct experiment *experiment = session->experiment;
    size_t runs = experiment->run_count;
    struct schedule *paper = mem_new(runs, sizeof *paper, err),
                    *here = mem_new(runs, sizeof *here, err);
    struct claim_curves *curves = mem_new(runs, sizeof *curves, err);
    *evidence = (struct claim_evidence){
        .experiment = experiment,
        .profile = (size_t)(session->profile - experiment->profiles),
        .test_n = session->data.test_n,
        .paper = paper,
        .here = here,
        .curves = curves};
    int code = paper == NULL || here == NULL || curves == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < runs && code == 0; i++) {
        code = schedule_build(&experiment->runs[i].spec, &paper[i], err);
        if (code == 0)
            code = experiment_schedule(experiment, session->profile, &experiment->runs[i], &here[i],
                                       err);
        if (code == 0 && !experiment->schedules_only)
            code = load_run(session, &experiment->runs[i], out, first, count, &curves[i], err);
    }
    if (code != 0)
        evidence_release(evidence);
    return code;
}

void evidence_release(struct claim_evidence *evidence)
{
    for (size_t i = 0; evidence->curves != NULL && i < evidence->experiment->run_count; i++) {
        struct runlog *logs = (struct runlog *)evidence->curves[i].logs;
        for (size_t s = 0; s < evidence->curves[i].count; s++)
            runlog_release(&logs[s]);
        mem_free(logs);
    }
    mem_free((void *)evidence->curves);
    mem_free((void *)evidence->paper);
    mem_free((void *)evidence->here);
    memset(evidence, 0, sizeof *evidence);
}
