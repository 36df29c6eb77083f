/* repro plan FIGURE: what it comes to, before any compute. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "lab/plan.h"
#include "lab/session.h"

#include <stdio.h>

int command_plan(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    struct experiment *experiment = NULL;
    char *text = NULL;
    options_parse(argc, argv, "FIGURE", "Prints the phases, batch sizes, learning rates, exact updates and noise scales of "
                  "a figure's runs beside the paper's words.  Computes nothing else.", 1, &options);
    char *folder = mem_format(&err, "%s/experiments", share_folder());
    int code = folder == NULL ? ERR_MEMORY : session_experiment(folder, options.figure, &experiment, &err);
    if (code == 0) {
        const char *name = options.profile == NULL ? "paper" : options.profile;
        const struct experiment_profile *profile = experiment_profile(experiment, name, &err);
        code = profile == NULL ? ERR_USAGE : plan_text(experiment, profile, &text, &err);
    }
    if (code == 0)
        fputs(text, stdout);
    mem_free(text);
    mem_free(folder);
    experiment_free(experiment);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
