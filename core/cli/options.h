/* options.h -- a command's options as a table, read into the command's own struct.
 *
 * argp prints help, usage and errors, and ends the program with EXIT_USAGE after an error.  A
 * number out of bounds, or a name that is none of a row's, is an error that names the option, what
 * was given and what can be. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX 32 /* rows of a table */

enum option_kind {
    OPTION_FLAG,   /* takes no argument; int, set to 1 */
    OPTION_TEXT,   /* const char *, borrowed from argv */
    OPTION_INT,    /* int, a whole number from low to high */
    OPTION_INT64,  /* int64_t or uint64_t, the same */
    OPTION_SIZE,   /* size_t, the same */
    OPTION_REAL,   /* double, from least to most, which `bounds` puts into words ("above 0") */
    OPTION_CHOICE, /* int, the place among the names, from 1 */
};

struct option_row {
    const char *name;     /* long, without "--" */
    int letter;           /* short, or 0 */
    const char *argument; /* as help names it; NULL for a flag */
    const char *help;
    enum option_kind kind;
    size_t offset; /* of the field that it is read into */
    int64_t low, high;
    double least, most;
    const char *bounds;
    const char *const *names;
    size_t name_count;
};

/* What stands on the line beside options. */
enum option_operands {
    OPTION_OPERANDS_NONE,
    OPTION_OPERANDS_ONE,  /* const char * */
    OPTION_OPERANDS_MANY, /* struct text, each with a blank behind it */
    OPTION_OPERANDS_ANY,  /* struct text, each with a newline behind it; none is fine */
};

struct option_table {
    const char *usage; /* behind the options: "FIGURE" */
    const char *about; /* what the command does, for --help */
    const struct option_row *rows;
    size_t count; /* at most OPTIONS_MAX */
    enum option_operands operands;
    size_t operand_offset;
    const char *operand_missing; /* what is said where none is given */
};

/* From now on option_table_parse() hands its table to `visit` and ends the program with EXIT_DONE:
 * for whoever wants to know a command's options and not to run it. */
void option_table_show(void (*visit)(const struct option_table *table, void *context),
                       void *context);

/* Reads argv, behind argv[0], which is the command's name, into the fields of *into; what is not
 * given stays as it is. */
void option_table_parse(const struct option_table *table, int argc, char **argv, void *into);

#endif
