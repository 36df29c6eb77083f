#include "cli/command.h"

#include "base/err.h"
#include "base/suggest.h"
#include "cli/version.h"
#include "lab/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
    {"all", "", "every figure there is, one after the other", command_all},
    {"plan", "FIGURE",
     "phases, batch sizes, exact updates and noise scales; what is done, and time and memory for "
     "the rest",
     command_plan},
    {"check", "FIGURE", "which of the paper's claims held, by the plan and by what is trained",
     command_check},
    {"plot", "FIGURE", "draws a figure again from results alone", command_plot},
    {"convert", "SCHEDULE", "a learning-rate schedule's batch-size twin, and back",
     command_convert},
    {"backends", "", "the plugins found, what they can do, and why others are refused",
     command_backends},
    {"bench", "", "images per second, where the time goes, and the limit of the convolutions",
     command_bench},
    {"list", "", "the figures there are, their runs and profiles", command_list},
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

/* The nearest figure's name, copied; empty when none is near. */
static void nearest_figure(const char *name, char *near, size_t size)
{
    char **names, folder[4096];
    size_t count;
    struct err err = {0};
    near[0] = '\0';
    snprintf(folder, sizeof folder, "%s/experiments", share_folder());
    if (session_figures(folder, &names, &count, &err) != 0)
        return;
    const char *found = suggest(name, (const char *const *)names, count);
    if (found != NULL)
        snprintf(near, size, "%s", found);
    session_figures_free(names, count);
}

/* Names a user may have meant are commands and figures. */
static int unknown_command(const char *name)
{
    const char *names[16];
    char figure[256];
    size_t count = 0;
    for (const struct command *command = commands; command->name != NULL && count < 16; command++)
        names[count++] = command->name;
    const char *near = suggest(name, names, count);
    nearest_figure(name, figure, sizeof figure);
    if (near == NULL && figure[0] != '\0')
        near = figure;
    if (near != NULL)
        fprintf(stderr, "repro: unknown command '%s'; did you mean '%s'?\n", name, near);
    else
        fprintf(stderr, "repro: unknown command or option '%s'; `repro --help` lists them\n", name);
    return EXIT_USAGE;
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
    char figure[256];
    nearest_figure(name, figure, sizeof figure);
    if (strcmp(figure, name) == 0) /* a user's own experiment file, whatever its name */
        return command_figure(argc - 1, argv + 1);
    return unknown_command(name);
}
