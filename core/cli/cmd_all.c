/* repro all: every figure there is, one after the other. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/say.h"
#include "experiment/figures.h"
#include "train/ranks.h"

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

/* Every figure in turn; one that fails is said and passed over. */
static int make_all(struct command_options *options, int *status, struct err *err)
{
    char **names = NULL;
    size_t count = 0, made = 0;
    int *statuses = NULL, in_step = 1;
    char *folder = mem_format(err, "%s/experiments", share_folder());
    int code = folder == NULL ? ERR_MEMORY : figures_list(folder, &names, &count, err);
    mem_free(folder);
    if (code == 0 && (statuses = mem_new(count, sizeof *statuses, err)) == NULL)
        code = ERR_MEMORY;
    while (code == 0 && made < count && in_step && err->code != ERR_STOPPED) {
        options->figure = names[made];
        *err = (struct err){0};
        say("%s== %s ==\n", made == 0 ? "" : "\n", names[made]);
        int failed = make_figure(options, &statuses[made], err);
        in_step = failed == 0 || !ranks_are_several(options->together) ||
                  options->together->in_step;
        if (!in_step)
            code = failed;
        else if (failed != 0)
            statuses[made] = ranks_is_first(options->together) ? report_error(err) : EXIT_FAILED;
        *status = worse(*status, statuses[made++]);
    }
    if (code == 0 && err->code != ERR_STOPPED && ranks_is_first(options->together)) {
        struct err report = {0};
        say("\n== report ==\n");
        if (report_results(results_folder(options), options->conventions, &report) != 0)
            *status = worse(*status, report_error(&report));
    }
    if (code == 0)
        say("\n");
    for (size_t i = 0; code == 0 && i < made; i++)
        say("%-12s %s\n", names[i], word(statuses[i]));
    figures_free(names, count);
    mem_free(statuses);
    return code;
}

int command_all(int argc, char **argv)
{
    struct command_options options = {0};
    options_parse_training(
        argc, argv, "",
        "Makes every figure of the experiments folder: trains what is missing, draws, judges.  "
        "Runs that figures share are trained once.  Goes on where it was cut off.  Ends with the "
        "report.",
        0, &options);
    return work_together(&options, make_all);
}
