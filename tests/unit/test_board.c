/* board.h: what the live view shows on terminals of every size. */
#include "cli/board.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#define COUNT 5

static struct board_run runs[COUNT] = {
    {"original", 1, BOARD_DONE, 1.0, 20, 20, 0.841, 0.1234, -1.0, -1.0},
    {"increasing-batch-size", 2, BOARD_RUNNING, 0.44, 9, 20, 0.8012, 0.3321, 1043.4, 80.0},
    {"increased-initial-learning-rate", 1, BOARD_WAITING, 0.0, 0, 20, -1.0, -1.0, -1.0, -1.0},
    {"\xe5\xad\xa6\xe7\xbf\x92\xe7\x8e\x87-wide", 1, BOARD_STOPPED, 0.5, 10, 20, 0.5, 2.0, -1.0,
     -1.0},
    {"bro\nken\xff", 1, BOARD_FAILED, 0.1, 2, 20, 0.1, 2.3, -1.0, -1.0},
};

static struct board board = {.title = "figure5",
                             .count = COUNT,
                             .runs = runs,
                             .part = 0.41,
                             .images_per_second = 1043.4,
                             .seconds_left = 3753.0};

/* A text's lines, colours taken out. */
struct lines {
    size_t count;
    char text[64][1024];
};

static struct lines lines_of(const struct board *what, const struct board_look *look)
{
    static struct lines lines;
    struct text text = {0};
    memset(&lines, 0, sizeof lines);
    board_put(what, look, &text);
    assert_false(text.failed);
    assert_true(text.size > 0 && text.bytes[text.size - 1] == '\n');
    size_t length = 0;
    for (const char *at = text.bytes; *at != '\0'; at++) {
        if (*at == '\033') {
            at += strcspn(at, "m");
            continue;
        }
        if (*at == '\n') {
            lines.count++;
            length = 0;
            continue;
        }
        assert_true(lines.count < 64 && length < 1023);
        lines.text[lines.count][length++] = *at;
    }
    text_release(&text);
    return lines;
}

/* By the C library, and not by what is tested. */
static int columns_of(const char *line)
{
    wchar_t wide[1024];
    size_t count = mbstowcs(wide, line, 1024);
    assert_true(count < 1024);
    return wcswidth(wide, count);
}

static int has_line(const struct lines *lines, const char *words)
{
    for (size_t i = 0; i < lines->count; i++)
        if (strstr(lines->text[i], words) != NULL)
            return 1;
    return 0;
}

static void needs_utf8(void)
{
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        skip();
}

static void no_line_is_longer_than_the_terminal(void **state)
{
    (void)state;
    needs_utf8();
    for (int utf8 = 0; utf8 <= 1; utf8++)
        for (size_t columns = 1; columns <= 220; columns++)
            for (size_t rows = 1; rows <= 12; rows++)
                for (int seeds = 0; seeds <= 1; seeds++) {
                    struct board_look look = {columns, rows, utf8, seeds};
                    board.seeds = seeds;
                    struct lines lines = lines_of(&board, &look);
                    assert_true(lines.count >= 1 && lines.count <= (rows > 1 ? rows - 1 : 1));
                    for (size_t i = 0; i < lines.count; i++) {
                        int width = columns_of(lines.text[i]);
                        assert_true(width >= 0);
                        assert_true((size_t)width <= (columns > 1 ? columns - 1 : 1));
                    }
                }
    board.seeds = 0;
}

/* Everything that is promised fits on the terminal that everybody has. */
static void eighty_columns_hold_all_of_it(void **state)
{
    (void)state;
    needs_utf8();
    struct board_look look = {80, 24, 1, 0};
    struct lines lines = lines_of(&board, &look);
    assert_int_equal(lines.count, COUNT + 2);
    const char *running = lines.text[2];
    assert_non_null(strstr(running, "increasing-batch-s"));
    const char *parts[] = {"running", "\xe2\x96\x88", "44%",  "9/20",
                           "80.12 %", "0.3321",       "1043", "1:20"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(running, parts[i]) == NULL)
            fail_msg("no '%s' in '%s'", parts[i], running);
    assert_true(has_line(&lines, "figure5 "));
    assert_true(has_line(&lines, "41%: 1 of 5 done, 1 running, 1 waiting, 1 stopped, 1 failed"));
    look.columns = 200;
    lines = lines_of(&board, &look);
    assert_true(has_line(&lines, "increased-initial-learning-rate "));
    assert_true(has_line(&lines, ", left 1:02:33, 1043 images/s"));
}

/* Columns stand under each other, whatever stands in them. */
static void columns_are_aligned(void **state)
{
    (void)state;
    needs_utf8();
    struct board_look look = {100, 24, 1, 1};
    struct lines lines = lines_of(&board, &look);
    for (size_t i = 0; i <= COUNT; i++)
        assert_int_equal(columns_of(lines.text[i]), 99);
}

static void ascii_is_ascii(void **state)
{
    (void)state;
    struct board_look look = {80, 24, 0, 0};
    struct lines lines = lines_of(&board, &look);
    for (size_t i = 0; i < lines.count; i++)
        for (const char *at = lines.text[i]; *at != '\0'; at++)
            assert_true(*at >= 0x20 && *at < 0x7f);
    assert_true(has_line(&lines, "##")); /* a bar */
    assert_true(has_line(&lines, "bro?ken?"));
}

static void colours_are_asked_for(void **state)
{
    (void)state;
    struct board_look look = {80, 24, 0, 0};
    struct text plain = {0}, coloured = {0};
    board_put(&board, &look, &plain);
    look.colour = 1;
    board_put(&board, &look, &coloured);
    assert_null(strchr(plain.bytes, '\033'));
    assert_non_null(strstr(coloured.bytes, "\033[32mdone\033[m"));
    const char *end = strchr(coloured.bytes, '\n');
    assert_int_equal(board_width(coloured.bytes, (size_t)(end - coloured.bytes), 0),
                     strcspn(plain.bytes, "\n"));
    text_release(&plain);
    text_release(&coloured);
}

static void more_runs_than_rows(void **state)
{
    (void)state;
    static struct board_run many[50];
    struct board all = {.title = "figure7",
                        .count = 50,
                        .runs = many,
                        .part = 0.1,
                        .images_per_second = -1.0,
                        .seconds_left = -1.0};
    struct board_look look = {80, 24, 0, 0};
    for (size_t i = 0; i < 50; i++)
        many[i] = runs[i == 7 || i == 30 ? 1 : i < 7 ? 0 : 2];
    struct lines lines = lines_of(&all, &look);
    assert_int_equal(lines.count, 4); /* titles, the two in training, the sum */
    assert_non_null(strstr(lines.text[1], "running"));
    assert_non_null(strstr(lines.text[2], "running"));
    assert_non_null(strstr(lines.text[3], "7 of 50 done, 2 running, 41 waiting, 48 not shown"));
    for (size_t i = 0; i < 50; i++)
        many[i] = runs[1];
    lines = lines_of(&all, &look);
    assert_int_equal(lines.count, 23); /* and the cursor's */
    assert_non_null(strstr(lines.text[22], "29 not shown"));
    look.rows = 54;
    assert_int_equal(lines_of(&all, &look).count, 52);
}

static void width_of_a_line(void **state)
{
    (void)state;
    needs_utf8();
    assert_int_equal(board_width("abc\n", 4, 1), 3);
    assert_int_equal(board_width("\033[32mab\033[mc", 11, 1), 3);
    assert_int_equal(board_width("\xe5\xad\xa6x", 4, 1), 3); /* a wide character */
    assert_int_equal(board_width("e\xcc\x81", 3, 1), 1);     /* one that takes no column */
    assert_int_equal(board_width("", 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_line_is_longer_than_the_terminal),
                                       cmocka_unit_test(eighty_columns_hold_all_of_it),
                                       cmocka_unit_test(columns_are_aligned),
                                       cmocka_unit_test(ascii_is_ascii),
                                       cmocka_unit_test(colours_are_asked_for),
                                       cmocka_unit_test(more_runs_than_rows),
                                       cmocka_unit_test(width_of_a_line)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
