/* repro list: the figures there are, their runs and profiles. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "experiment/experiment.h"
#include "experiment/figures.h"

#include <stdio.h>
#include <string.h>

static void print_experiment(const struct experiment *experiment)
{
    printf("%s: %s\n", experiment->name, experiment->title);
    for (size_t i = 0; i < experiment->run_count; i++)
        printf("    run      %-32s %s\n", experiment->runs[i].name, experiment->runs[i].title);
    for (size_t i = 0; i < experiment->profile_count; i++) {
        const struct experiment_profile *profile = &experiment->profiles[i];
        printf("    profile  %-8s %-12s %3d epochs%s  %s\n", profile->name, profile->network,
               profile->epochs,
               strcmp(profile->name, experiment->default_profile) == 0 ? " (default)" : "",
               profile->words);
    }
}

int command_list(int argc, char **argv)
{
    struct err err = {0};
    char **names = NULL;
    size_t count = 0;
    if (argc > 1) {
        fprintf(stderr, "repro: list: takes no argument ('%s')\n", argv[1]);
        return EXIT_USAGE;
    }
    char *folder = mem_format(&err, "%s/experiments", share_folder());
    int code = folder == NULL ? ERR_MEMORY : figures_list(folder, &names, &count, &err);
    int status = code == 0 ? EXIT_DONE : report_error(&err);
    for (size_t i = 0; i < count; i++) {
        struct experiment *experiment = NULL;
        if (figures_load(folder, names[i], &experiment, &err) == 0)
            print_experiment(experiment);
        else
            status = report_error(&err);
        experiment_free(experiment);
    }
    figures_free(names, count);
    mem_free(folder);
    return status;
}
