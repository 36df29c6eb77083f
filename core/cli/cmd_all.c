/* repro all: every figure there is, one after the other. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "experiment/figures.h"

#include <stdio.h>

static const char *word(int status)
{
    switch (status) {
    case EXIT_DONE:
        return "done, no claim failed";
    case EXIT_CLAIM_FAILED:
        return "done, a claim failed";
    case EXIT_CANNOT_RUN:
        return "cannot run here";
    default:
        return "not finished";
    }
}

/* What the whole command says: the worst of what the figures said. */
static int worse(int a, int b)
{
    static const int ranks[] = {EXIT_DONE, EXIT_CLAIM_FAILED, EXIT_CANNOT_RUN, EXIT_USAGE,
                                EXIT_FAILED};
    for (size_t i = sizeof ranks / sizeof ranks[0]; i-- > 0;)
        if (a == ranks[i] || b == ranks[i])
            return ranks[i];
    return EXIT_FAILED;
}

int command_all(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    char **names = NULL;
    size_t count = 0;
    int *statuses = NULL, worst = EXIT_DONE;
    options_parse(
        argc, argv, "",
        "Makes every figure of the experiments folder: trains what is missing, draws, judges.  "
        "Runs that figures share are trained once.  Goes on where it was cut off.  Ends with the "
        "report.",
        0, &options);
    char *folder = mem_format(&err, "%s/experiments", share_folder());
    int code = folder == NULL ? ERR_MEMORY : figures_list(folder, &names, &count, &err);
    mem_free(folder);
    if (code == 0 && (statuses = mem_new(count, sizeof *statuses, &err)) == NULL)
        code = ERR_MEMORY;
    if (code != 0) {
        figures_free(names, count);
        return report_error(&err);
    }
    size_t made = 0;
    while (made < count && err.code != ERR_STOPPED) {
        options.figure = names[made];
        err = (struct err){0};
        printf("%s== %s ==\n", made == 0 ? "" : "\n", names[made]);
        if (make_figure(&options, &statuses[made], &err) != 0)
            statuses[made] = report_error(&err);
        worst = worse(worst, statuses[made++]);
    }
    if (err.code != ERR_STOPPED) {
        struct err report = {0};
        printf("\n== report ==\n");
        if (report_results(results_folder(&options), options.conventions, &report) != 0)
            worst = worse(worst, report_error(&report));
    }
    printf("\n");
    for (size_t i = 0; i < made; i++)
        printf("%-12s %s\n", names[i], word(statuses[i]));
    figures_free(names, count);
    mem_free(statuses);
    return worst;
}
