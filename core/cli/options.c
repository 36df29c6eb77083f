#include "cli/options.h"

#include "base/number.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cli/command.h"

#include <argp.h>
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argp's key of a row without a letter is FIRST_KEY + its index: no letter is so large. */
#define FIRST_KEY 256

struct parse {
    const struct option_table *table;
    char *into;
    int operand_seen;
};

static int64_t whole(const struct option_row *row, const char *text, struct argp_state *state)
{
    int64_t value = 0;
    const char *end;
    if (!number_whole(text, &value, &end) || *end != '\0' || value < row->low || value > row->high)
        argp_error(state, "--%s: '%s' is no whole number from %" PRId64 " to %" PRId64, row->name,
                   text, row->low, row->high);
    return value;
}

static double real(const struct option_row *row, const char *text, struct argp_state *state)
{
    double value = 0;
    const char *end;
    if (!number_real(text, &value, &end) || *end != '\0')
        argp_error(state, "--%s: '%s' is no decimal number", row->name, text);
    else if (!(value >= row->least && value <= row->most))
        argp_error(state, "--%s: '%s' is not %s", row->name, text, row->bounds);
    return value;
}

static int choice(const struct option_row *row, const char *text, struct argp_state *state)
{
    char known[SUGGEST_TEXT];
    for (size_t i = 0; i < row->name_count; i++)
        if (strcmp(text, row->names[i]) == 0)
            return (int)i + 1;
    if (row->name_count == 2)
        argp_error(state, "--%s: '%s' is neither %s nor %s", row->name, text, row->names[0],
                   row->names[1]);
    else
        argp_error(state, "--%s: '%s' is none of %s", row->name, text,
                   suggest_names(known, row->names, row->name_count));
    return 0;
}

static void set(const struct option_row *row, char *argument, char *into, struct argp_state *state)
{
    void *field = into + row->offset;
    switch (row->kind) {
    case OPTION_FLAG:
        *(int *)field = 1;
        return;
    case OPTION_TEXT:
        if (*argument == '\0') /* a variable of a script that is not set */
            argp_error(state, "--%s is given an empty text; name something or leave it out",
                       row->name);
        *(const char **)field = argument;
        return;
    case OPTION_INT:
        *(int *)field = (int)whole(row, argument, state);
        return;
    case OPTION_INT64:
        *(int64_t *)field = whole(row, argument, state);
        return;
    case OPTION_SIZE:
        *(size_t *)field = (size_t)whole(row, argument, state);
        return;
    case OPTION_REAL:
        *(double *)field = real(row, argument, state);
        return;
    case OPTION_CHOICE:
        *(int *)field = choice(row, argument, state);
        return;
    }
}

static void add_operand(struct parse *parse, const char *argument, struct argp_state *state)
{
    const struct option_table *table = parse->table;
    void *field = parse->into + table->operand_offset;
    if (table->operands == OPTION_OPERANDS_MANY)
        text_put((struct text *)field, "%s ", argument);
    else if (table->operands == OPTION_OPERANDS_ANY)
        text_put((struct text *)field, "%s\n", argument);
    else if (table->operands == OPTION_OPERANDS_NONE || parse->operand_seen)
        argp_error(state, "'%s' is one argument too many", argument);
    else
        *(const char **)field = argument;
    parse->operand_seen = 1;
}

static int key_of(const struct option_table *table, size_t i)
{
    return table->rows[i].letter != 0 ? table->rows[i].letter : FIRST_KEY + (int)i;
}

static error_t parse_key(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;
    const struct option_table *table = parse->table;
    if (key == ARGP_KEY_ARG) {
        add_operand(parse, argument, state);
        return 0;
    }
    if (key == ARGP_KEY_END) {
        if (table->operands != OPTION_OPERANDS_NONE && table->operands != OPTION_OPERANDS_ANY &&
            !parse->operand_seen)
            argp_error(state, "%s", table->operand_missing);
        return 0;
    }
    for (size_t i = 0; i < table->count; i++)
        if (key == key_of(table, i)) {
            set(&table->rows[i], argument, parse->into, state);
            return 0;
        }
    return ARGP_ERR_UNKNOWN;
}

static struct {
    void (*visit)(const struct option_table *table, void *context);
    void *context;
} show;

void option_table_show(void (*visit)(const struct option_table *table, void *context),
                       void *context)
{
    show.visit = visit;
    show.context = context;
}

void option_table_parse(const struct option_table *table, int argc, char **argv, void *into)
{
    struct argp_option options[OPTIONS_MAX + 1] = {0};
    struct parse parse = {.table = table, .into = into};
    struct argp argp = {options, parse_key, table->usage, table->about, NULL, NULL, NULL};
    char *name = argv[0], label[256];
    assert(table->count <= OPTIONS_MAX);
    if (show.visit != NULL) {
        show.visit(table, show.context);
        exit(fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED);
    }
    for (size_t i = 0; i < table->count; i++)
        options[i] = (struct argp_option){.name = table->rows[i].name,
                                          .key = key_of(table, i),
                                          .arg = table->rows[i].argument,
                                          .doc = table->rows[i].help};
    snprintf(label, sizeof label, "repro %s", name); /* what the user would type before --help */
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = label;
    error_t failed = argp_parse(&argp, argc, argv, 0, NULL, &parse);
    argv[0] = name;
    if (failed != 0) { /* an error in the line has ended the program; this is one of argp's own */
        fprintf(stderr, "%s: the options cannot be read: %s\n", label, strerror(failed));
        exit(EXIT_FAILED);
    }
}
