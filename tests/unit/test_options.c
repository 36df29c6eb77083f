/* options.h: every kind of row, its bounds, operands, and the end of the program on an error. */
#include "cli/options.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 16

struct fields {
    const char *text, *operand;
    struct text operands;
    int whole, flag, choice, of_two;
    int64_t large;
    size_t size;
    double real;
};

#define FIELD(name) offsetof(struct fields, name)

static const char *const three[] = {"f32", "tf32", "bf16"};
static const char *const two[] = {"text", "json"};

static const struct option_row rows[] = {
    {.name = "text", .letter = 't', .argument = "T", .kind = OPTION_TEXT, .offset = FIELD(text)},
    {.name = "whole",
     .argument = "N",
     .kind = OPTION_INT,
     .offset = FIELD(whole),
     .low = -1,
     .high = 9},
    {.name = "large",
     .argument = "N",
     .kind = OPTION_INT64,
     .offset = FIELD(large),
     .low = 1,
     .high = INT64_MAX},
    {.name = "size",
     .argument = "N",
     .kind = OPTION_SIZE,
     .offset = FIELD(size),
     .low = 1,
     .high = 64},
    {.name = "real",
     .argument = "R",
     .kind = OPTION_REAL,
     .offset = FIELD(real),
     .least = 0,
     .most = 0.5,
     .bounds = "0 to 0.5"},
    {.name = "flag", .kind = OPTION_FLAG, .offset = FIELD(flag)},
    {.name = "choice",
     .argument = "C",
     .kind = OPTION_CHOICE,
     .offset = FIELD(choice),
     .names = three,
     .name_count = 3},
    {.name = "of-two",
     .argument = "C",
     .kind = OPTION_CHOICE,
     .offset = FIELD(of_two),
     .names = two,
     .name_count = 2},
};

static struct option_table table_of(enum option_operands operands)
{
    return (struct option_table){
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
        .operands = operands,
        .operand_offset = operands == OPTION_OPERANDS_MANY ? FIELD(operands) : FIELD(operand),
        .operand_missing = "which one?"};
}

/* The words of a line, behind the command's name. */
static void parse(enum option_operands operands, const char *line, struct fields *fields)
{
    char copy[256], name[] = "try", *argv[ARGS_MAX + 2] = {name};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL && argc <= ARGS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    const struct option_table table = table_of(operands);
    option_table_parse(&table, argc, argv, fields);
    assert_ptr_equal(argv[0], name);
}

static void every_kind(void **state)
{
    struct fields fields = {.flag = 0, .whole = 7};
    (void)state;
    parse(OPTION_OPERANDS_NONE, "", &fields);
    assert_true(fields.text == NULL && fields.whole == 7 && fields.real == 0);
    parse(OPTION_OPERANDS_NONE,
          "--whole=-1 --large 9223372036854775807 --size=64 --real .5 --flag --choice bf16 "
          "--of-two=text",
          &fields);
    assert_int_equal(fields.whole, -1);
    assert_true(fields.large == INT64_MAX);
    assert_true(fields.size == 64);
    assert_true(fields.real == 0.5);
    assert_int_equal(fields.flag, 1);
    assert_int_equal(fields.choice, 3);
    assert_int_equal(fields.of_two, 1);
}

static void operands(void **state)
{
    struct fields fields = {0};
    (void)state;
    parse(OPTION_OPERANDS_ONE, "--flag one --whole 3", &fields);
    assert_int_equal(fields.whole, 3);
    parse(OPTION_OPERANDS_MANY, "a --flag b c", &fields);
    assert_string_equal(fields.operands.bytes, "a b c ");
    text_release(&fields.operands);
}

/* The exit status of a process that parses the line; what it says is in `said`. */
static int status_of(enum option_operands operands_wanted, const char *line, char said[512])
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fields fields = {0};
        dup2(ends[1], STDERR_FILENO);
        parse(operands_wanted, line, &fields);
        _exit(0);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; used < 511 && (got = read(ends[0], said + used, 511 - used)) > 0;)
        used += (size_t)got;
    said[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void errors(void **state)
{
    static const struct {
        enum option_operands operands;
        const char *line, *says;
    } cases[] = {
        {OPTION_OPERANDS_NONE, "--whole 10", "--whole: '10' is no whole number from -1 to 9"},
        {OPTION_OPERANDS_NONE, "--whole=-2", "--whole: '-2' is no whole number from -1 to 9"},
        {OPTION_OPERANDS_NONE, "--whole 0x1", "--whole: '0x1' is no whole number"},
        {OPTION_OPERANDS_NONE, "--whole 1.5", "--whole: '1.5' is no whole number"},
        {OPTION_OPERANDS_NONE, "--large 9223372036854775808", "to 9223372036854775807"},
        {OPTION_OPERANDS_NONE, "--size 65", "--size: '65' is no whole number from 1 to 64"},
        {OPTION_OPERANDS_NONE, "--real 0x1p-2", "--real: '0x1p-2' is no decimal number"},
        {OPTION_OPERANDS_NONE, "--real nan", "--real: 'nan' is no decimal number"},
        {OPTION_OPERANDS_NONE, "--real 0.6", "--real: '0.6' is not 0 to 0.5"},
        {OPTION_OPERANDS_NONE, "--choice f16", "--choice: 'f16' is none of f32, tf32, bf16"},
        {OPTION_OPERANDS_NONE, "--of-two xml", "--of-two: 'xml' is neither text nor json"},
        {OPTION_OPERANDS_NONE, "-t", "repro try: option requires an argument"},
        {OPTION_OPERANDS_NONE, "--nosuch", "repro try: unrecognized option"},
        {OPTION_OPERANDS_NONE, "one", "'one' is one argument too many"},
        {OPTION_OPERANDS_ONE, "one two", "'two' is one argument too many"},
        {OPTION_OPERANDS_ONE, "--flag", "which one?"},
        {OPTION_OPERANDS_MANY, "", "which one?"},
    };
    char said[512];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (status_of(cases[i].operands, cases[i].line, said) != 2 ||
            strstr(said, cases[i].says) == NULL)
            fail_msg("'%s' says '%s', not '%s'", cases[i].line, said, cases[i].says);
    assert_int_equal(status_of(OPTION_OPERANDS_NONE, "--flag", said), 0);
    assert_string_equal(said, "");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(operands),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
