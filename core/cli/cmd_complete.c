/* repro complete WORD...: what the last word could become, the others being what stands before it
 * on the line, behind the program's name.  The shells' completions ask it, so that no list of
 * names stands in them.
 *
 * A line a candidate: the word, a tab, what it is.  ":folders" and ":files" as a word say that
 * folders or files fit as well. */
#include "cli/command.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"
#include "experiment/experiment.h"
#include "experiment/figures.h"
#include "lab/conform.h"
#include "net/net.h"

#include <stdio.h>
#include <string.h>

/* The line: words[0] is the command, words[count - 1] what is being typed. */
struct line {
    char **words;
    int count;
    const struct command *command; /* NULL: a figure */
    const char *typed;             /* of the last word what a candidate begins with */
    const char *before;            /* what stands before it in the same word: "--profile=" */
    int before_length;
};

static void offer(const struct line *line, const char *word, const char *what)
{
    if (strncmp(word, line->typed, strlen(line->typed)) == 0)
        printf("%.*s%s\t%s\n", line->before_length, line->before, word, what);
}

/* ---- Names ---- */

static char **list_figures(char **folder, size_t *count)
{
    struct err err = {0};
    char **names = NULL;
    *folder = mem_format(&err, "%s/experiments", share_folder());
    if (*folder == NULL || figures_list(*folder, &names, count, &err) != 0)
        *count = 0;
    return names;
}

static void offer_figures(const struct line *line)
{
    size_t count;
    char *folder, **names = list_figures(&folder, &count);
    for (size_t i = 0; i < count; i++) {
        struct experiment *experiment = NULL;
        struct err err = {0};
        if (figures_load(folder, names[i], &experiment, &err) == 0)
            offer(line, names[i], experiment->title);
        experiment_free(experiment);
    }
    figures_free(names, count);
    mem_free(folder);
}

static int on_line(const struct line *line, const char *word)
{
    for (int i = 0; i < line->count - 1; i++)
        if (strcmp(line->words[i], word) == 0)
            return 1;
    return 0;
}

/* Offers a profile unless one of its name has been. */
static void offer_profile(const struct line *line, const struct experiment_profile *profile,
                          struct text *offered)
{
    char *word = mem_format(NULL, "%s\n", profile->name);
    if (word != NULL && (offered->bytes == NULL || strstr(offered->bytes, word) == NULL)) {
        text_put_string(offered, word);
        offer(line, profile->name, profile->words);
    }
    mem_free(word);
}

/* Those of the figure on the line, or of all. */
static void offer_profiles(const struct line *line)
{
    size_t count;
    int named = 0;
    struct text offered = {0};
    char *folder, **names = list_figures(&folder, &count);
    for (size_t i = 0; i < count; i++)
        named |= on_line(line, names[i]);
    for (size_t i = 0; i < count; i++) {
        struct experiment *experiment = NULL;
        struct err err = {0};
        if ((!named || on_line(line, names[i])) &&
            figures_load(folder, names[i], &experiment, &err) == 0)
            for (size_t k = 0; k < experiment->profile_count; k++)
                offer_profile(line, &experiment->profiles[k], &offered);
        experiment_free(experiment);
    }
    text_release(&offered);
    figures_free(names, count);
    mem_free(folder);
}

static void offer_backends(const struct line *line)
{
    struct backend_found *found = NULL;
    size_t count = 0;
    struct err err = {0};
    if (backend_discover(&found, &count, &err) != 0)
        return;
    for (size_t i = 0; i < count; i++)
        offer(line, found[i].name, found[i].accepted ? "plugin" : "plugin that is refused");
    backend_found_free(found, count);
}

static void offer_networks(const struct line *line)
{
    size_t count;
    const struct network *networks = net_table(&count);
    for (size_t i = 0; i < count; i++)
        offer(line, networks[i].example, networks[i].title);
}

static void offer_parts(const struct line *line)
{
    size_t count;
    const struct conform_part *parts = conform_parts(&count);
    for (size_t i = 0; i < count; i++)
        offer(line, parts[i].name, parts[i].title);
}

static void offer_folders(const struct line *line)
{
    (void)line;
    puts(":folders\t");
}

static void offer_files(const struct line *line)
{
    (void)line;
    puts(":files\t");
}

static void offer_plugins(const struct line *line)
{
    offer_backends(line);
    offer_files(line);
}

/* By an option's name or, as "=NAME", by what help calls its argument or a command's operand. */
static const struct {
    const char *name;
    void (*offer)(const struct line *line);
} values[] = {
    {"profile", offer_profiles}, {"backend", offer_backends}, {"against", offer_backends},
    {"network", offer_networks}, {"only", offer_parts},       {"=DIR", offer_folders},
    {"=FILE", offer_files},      {"=FIGURE", offer_figures},  {"=[FIGURE]", offer_figures},
    {"=PLUGIN", offer_plugins},
};

static int offer_value(const struct line *line, const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].name[0] == '=' ? values[i].name + 1 : values[i].name, name) == 0) {
            values[i].offer(line);
            return 1;
        }
    return 0;
}

/* ---- Options ---- */

/* The row of "--name", "--name=..." or "-n". */
static const struct option_row *find_row(const struct option_table *table, const char *word)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        if (strncmp(word, "--", 2) == 0
                ? strlen(row->name) == length - 2 && strncmp(row->name, word + 2, length - 2) == 0
                : word[0] == '-' && word[1] == row->letter && row->letter != 0 && length == 2)
            return row;
    }
    return NULL;
}

static void offer_values(const struct line *line, const struct option_row *row)
{
    if (row->kind == OPTION_CHOICE)
        for (size_t i = 0; i < row->name_count; i++)
            offer(line, row->names[i], row->argument);
    else if (!offer_value(line, row->name))
        offer_value(line, row->argument);
}

static void offer_options(const struct line *line, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        char *word = mem_format(NULL, "--%s", table->rows[i].name);
        if (word != NULL)
            offer(line, word, table->rows[i].help);
        mem_free(word);
    }
    offer(line, "--help", "what the command does, and its options");
}

/* The command's table is known: what the last word is. */
static void complete_with(const struct option_table *table, void *context)
{
    struct line line = *(struct line *)context;
    const char *equals = strchr(line.typed, '=');
    int last = line.count - 1;
    /* bash makes words of their own of "--profile", "=" and "sm" */
    if (strcmp(line.typed, "=") == 0 && last > 1) {
        line.typed = "";
        equals = NULL;
    } else if (last > 2 && strcmp(line.words[last - 1], "=") == 0) {
        last--;
    }
    const struct option_row *row = last > 1 ? find_row(table, line.words[last - 1]) : NULL;
    if (row != NULL && row->kind != OPTION_FLAG && strchr(line.words[last - 1], '=') == NULL) {
        offer_values(&line, row);
    } else if (strncmp(line.typed, "--", 2) == 0 && equals != NULL) {
        row = find_row(table, line.typed);
        line.before = line.typed;
        line.before_length = (int)(equals + 1 - line.typed);
        line.typed = equals + 1;
        if (row != NULL && row->kind != OPTION_FLAG)
            offer_values(&line, row);
    } else if (line.typed[0] == '-') {
        offer_options(&line, table);
    } else if (line.command != NULL) {
        offer_value(&line, line.command->arguments);
    }
}

int command_complete(int argc, char **argv)
{
    char none[] = "", help[] = "--help";
    char *empty[] = {none};
    struct line line = {
        .words = argc > 1 ? argv + 1 : empty, .count = argc > 1 ? argc - 1 : 1, .before = ""};
    line.typed = line.words[line.count - 1];
    const struct command *command = commands;
    if (line.count == 1) {
        for (; command->name != NULL; command++)
            if (command->run != command_complete)
                offer(&line, command->name, command->summary);
        offer_figures(&line);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    while (command->name != NULL && strcmp(command->name, line.words[0]) != 0)
        command++;
    line.command = command->name == NULL ? NULL : command;
    /* The command is asked for its table; one that has none only complains of the option. */
    if (freopen("/dev/null", "w", stderr) == NULL)
        return EXIT_FAILED;
    char *asked[] = {line.words[0], help, NULL};
    option_table_show(complete_with, &line);
    if (line.command == NULL)
        command_figure(2, asked);
    else if (command->run != command_complete)
        command->run(2, asked);
    return EXIT_DONE;
}
