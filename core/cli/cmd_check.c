/* repro check FIGURE: which of the paper's sentences held, by the plan and by what is trained. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "judge/evidence.h"
#include "lab/session.h"
#include "judge/verdicts.h"

#include <stdio.h>

/* Beside the figure, where there are results at all. */
static int keep(const struct verdicts *verdicts, const char *out, struct err *err)
{
    const struct claim_evidence *evidence = verdicts->evidence;
    if (!file_exists(out))
        return 0;
    const char *name = evidence->experiment->name,
               *profile = evidence->experiment->profiles[evidence->profile].name;
    char *path = evidence->experiment->schedules_only
                     ? mem_format(err, "%s/%s-%s-claims.tsv", out, name, profile)
                     : mem_format(err, "%s/%s-%s-%s-%s-claims.tsv", out, name, profile,
                                  verdicts->data, verdicts->backend);
    int code = path == NULL ? ERR_MEMORY : verdicts_write(verdicts, path, err);
    if (code == 0)
        printf("kept: %s\n", path);
    mem_free(path);
    return code;
}

int judge_claims(const struct session *session, const char *out, size_t seeds, int *status,
                 struct err *err)
{
    struct claim_evidence evidence = {0};
    struct verdicts verdicts = {0};
    char *text = NULL;
    *status = EXIT_DONE;
    if (session->experiment->claim_count == 0)
        return 0;
    int code = evidence_load(session, out, session->seed, seeds == 0 ? EVIDENCE_SEEDS : seeds,
                             &evidence, err);
    if (code == 0)
        code = session->experiment->schedules_only
                   ? verdicts_judge(&verdicts, &evidence, "-", "-", err)
                   : verdicts_judge(&verdicts, &evidence, session->data.name, session->label, err);
    if (code == 0)
        code = verdicts_text(&verdicts, &text, err);
    if (code == 0) {
        fputs(text, stdout);
        code = keep(&verdicts, out, err);
    }
    if (code == 0 && verdicts.outcomes[CLAIM_FAILS] > 0)
        *status = EXIT_CLAIM_FAILED;
    mem_free(text);
    verdicts_release(&verdicts);
    evidence_release(&evidence);
    return code;
}

int command_check(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    struct session session = {0};
    int status = EXIT_DONE;
    options_parse(argc, argv, "FIGURE",
                  "Judges the paper's claims behind a figure: numbers of updates by the plan, the "
                  "rest by the runs of this profile, data and backend that are done.  Every "
                  "finished seed counts, from "
                  "--seed on, or --seeds of them.  Trains nothing.",
                  1, &options);
    struct session_options chosen = session_choice(&options);
    int code = session_open(&chosen, &session, &err);
    if (code == 0 && session.experiment->claim_count == 0)
        printf("%s states no claims\n", session.experiment->path);
    if (code == 0)
        code = judge_claims(&session, options.out == NULL ? "results" : options.out, options.seeds,
                            &status, &err);
    session_close(&session);
    return code == 0 ? status : report_error(&err);
}
