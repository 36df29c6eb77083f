#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "cli/version.h"
#include "experiment/figures.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    {"all", "", "every figure there is, one after the other", command_all},
    {"runs", "FIGURE", "one line a run: its id, whether it is done, what it costs", command_runs},
    {"run", "ID", "trains one run, for a batch system to start side by side", command_run},
    {"plan", "FIGURE",
     "phases, batch sizes, exact updates and noise scales; what is done, and time and memory for "
     "the rest",
     command_plan},
    {"check", "FIGURE", "which of the paper's claims held, by the plan and by what is trained",
     command_check},
    {"power", "FIGURE", "how many seeds each claim takes for a verdict, and how long that is here",
     command_power},
    {"plot", "FIGURE", "draws a figure again from results alone", command_plot},
    {"status", "", "what is done, in training, by whom and how far, and stopped", command_status},
    {"watch", "FIGURE", "redraws a figure while its runs are trained elsewhere", command_watch},
    {"report", "[FIGURE]", "the results of every figure, or of some, as a page and a PDF appendix",
     command_report},
    {"fetch", "[NAME...]",
     "downloads a data set to where a training finds it; without a name, which", command_fetch},
    {"doctor", "", "what is here, what is missing and what mends it; backends by trial",
     command_doctor},
    {"export", "FIGURE|ID",
     "parameters for PyTorch, curves as CSV and JSON, TensorBoard's files, schedules as code",
     command_export},
    {"verify", "[RUN]", "whether results are what was written: manifests, logs and checkpoints",
     command_verify},
    {"convert", "SCHEDULE", "a learning-rate schedule's batch-size twin, and back",
     command_convert},
    {"backends", "", "the plugins found, what they can do, and why others are refused",
     command_backends},
    {"conform", "PLUGIN", "holds a plugin against the contract of backends, part by part",
     command_conform},
    {"bench", "", "images per second, where the time goes, and the limit of the convolutions",
     command_bench},
    {"list", "", "the figures there are, their runs and profiles", command_list},
    {"complete", "WORD...", "what the last word could become, for the shells' completions",
     command_complete},
    {NULL, NULL, NULL, NULL},
};

static int print_help(FILE *file)
{
    fprintf(file, "usage: repro FIGURE [OPTION...]     train what is missing, draw the figure: "
                  "figure1 ... figure5, appendix-a\n"
                  "       repro COMMAND [OPTION...]\n\n"
                  "repro reproduces \"Don't Decay the Learning Rate, Increase the Batch Size\" "
                  "figure by figure.\n\n"
                  "commands:\n");
    for (const struct command *command = commands; command->name != NULL; command++)
        fprintf(file, "  %-10s %-9s %s\n", command->name, command->arguments, command->summary);
    fprintf(file, "  %-10s %-9s %s\n\n", "test", "",
            "build and run the test suite (from a source tree)");
    fprintf(file,
            "`repro FIGURE --help` and `repro COMMAND --help` list the options.\n"
            "exit codes: 0 done, 1 failed, 2 usage, 3 a claim did not hold, 77 cannot run here\n");
    return fflush(file) == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* The commands' names and, from *first_figure on, those of the figures, which live as long as
 * *figures.  Without a folder of experiments there are no figures.  *names is freed with
 * mem_free(). */
static int known_names(const char ***names, size_t *count, size_t *first_figure, char ***figures,
                       size_t *figure_count, struct err *err)
{
    struct err none = {0};
    size_t found = 0;
    char *folder = mem_format(err, "%s/experiments", share_folder());
    if (folder == NULL)
        return ERR_MEMORY;
    if (figures_list(folder, figures, figure_count, &none) != 0)
        *figure_count = 0;
    mem_free(folder);
    *names = mem_new(sizeof commands / sizeof *commands + *figure_count, sizeof **names, err);
    if (*names == NULL)
        return ERR_MEMORY;
    for (const struct command *command = commands; command->name != NULL; command++)
        (*names)[found++] = command->name;
    *first_figure = found;
    for (size_t i = 0; i < *figure_count; i++)
        (*names)[found++] = (*figures)[i];
    *count = found;
    return 0;
}

/* A name that is no command may be a user's own experiment file, whatever its name, or a slip. */
static int other_name(int argc, char **argv)
{
    struct err err = {0};
    const char **names = NULL, *name = argv[0];
    char **figures = NULL, mend[SUGGEST_TEXT];
    size_t first = 0, figure_count = 0, count = 0;
    int known = 0, status;
    int code = known_names(&names, &count, &first, &figures, &figure_count, &err);
    for (size_t i = first; i < count; i++)
        known |= strcmp(name, names[i]) == 0;
    if (code != 0) {
        status = report_error(&err);
    } else if (known) {
        status = command_figure(argc, argv);
    } else {
        fprintf(stderr, "repro: unknown %s '%s'%s\n", name[0] == '-' ? "option" : "command", name,
                suggest_phrase(mend, name, names, count, '\'', "`repro --help` lists them"));
        status = EXIT_USAGE;
    }
    mem_free(names);
    figures_free(figures, figure_count);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return print_help(stdout);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("repro %s (%s)\n", REPRO_VERSION, REPRO_COMMIT);
        return EXIT_DONE;
    }
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(name, command->name) == 0)
            return command->run(argc - 1, argv + 1);
    if (strncmp(name, "fig", 3) == 0 || strncmp(name, "appendix", 8) == 0 ||
        strchr(name, '/') != NULL)
        return command_figure(argc - 1, argv + 1);
    return other_name(argc - 1, argv + 1);
}
