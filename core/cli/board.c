#include "cli/board.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define CELL 512 /* bytes of one */
#define NAME_LEAST 12
#define BAR_LEAST 6
#define BAR_MOST 40

enum column { NAME, SEED, STATE, BAR, PART, EPOCH, ACCURACY, LOSS, SPEED, LEFT, COLUMNS };

/* Widths, without the blank before; 0: not shown. */
struct widths {
    size_t of[COLUMNS];
};

static const char *const titles[COLUMNS] = {"run",   "seed",     "",     "",         "",
                                            "epoch", "accuracy", "loss", "images/s", "left"};

/* Which go first where there is no room. */
static const enum column dropped[] = {LOSS, EPOCH, SPEED, BAR, SEED, ACCURACY, STATE, LEFT};
#define DROPPED (sizeof dropped / sizeof dropped[0])

/* ---- characters ---- */

/* The character at *at, which moves behind it, as it is shown: its columns, and in *shown the
 * character, or what stands for it. */
static int next_character(const char **at, int utf8, const char **shown, size_t *size)
{
    const char *begin = *at;
    uint32_t value = utf8_next(at);
    int width = utf8 && value >= 0x80 ? wcwidth((wchar_t)value) : 1;
    *shown = begin;
    *size = (size_t)(*at - begin);
    if (value < 0x20 || value == 0x7f || (!utf8 && value >= 0x80) || width < 0 ||
        (value == UTF8_REPLACEMENT && *size == 1)) {
        *shown = "?";
        *size = 1;
        width = 1;
    }
    return width;
}

static size_t width_of(const char *text, int utf8)
{
    size_t columns = 0, size;
    for (const char *shown; *text != '\0';)
        columns += (size_t)next_character(&text, utf8, &shown, &size);
    return columns;
}

size_t board_width(const char *line, size_t size, int utf8)
{
    char text[4 * CELL];
    size_t length = 0;
    for (size_t i = 0; i < size && length < sizeof text - 1 && line[i] != '\n'; i++) {
        if (line[i] != '\033') {
            text[length++] = line[i];
            continue;
        }
        while (i < size && line[i] != 'm')
            i++;
    }
    text[length] = '\0';
    return width_of(text, utf8);
}

/* Puts as much of the text as `columns` hold, and says by a last character that more was there.
 * Returns its columns. */
static size_t put_cut(struct text *out, const char *text, size_t columns, int utf8)
{
    int cut = width_of(text, utf8) > columns;
    size_t room = cut && columns > 0 ? columns - 1 : columns, used = 0, size;
    while (*text != '\0') {
        const char *shown;
        size_t width = (size_t)next_character(&text, utf8, &shown, &size);
        if (used + width > room)
            break;
        text_put_bytes(out, shown, size);
        used += width;
    }
    if (cut && columns > 0) {
        text_put_string(out, utf8 ? "\xe2\x80\xa6" : "~");
        used++;
    }
    return used;
}

static void put_blanks(struct text *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_put_char(out, ' ');
}

/* One cell, filled up to its width: text to the left, numbers to the right. */
static void put_cell(struct text *out, const char *text, size_t width, int right,
                     const char *colour, int utf8)
{
    size_t own = width_of(text, utf8), filling = own < width ? width - own : 0;
    if (right)
        put_blanks(out, filling);
    if (*colour != '\0')
        text_put(out, "\033[%sm", colour);
    put_cut(out, text, width, utf8);
    if (*colour != '\0')
        text_put_string(out, "\033[m");
    if (!right)
        put_blanks(out, filling);
}

static void bar(char cell[CELL], double part, size_t width, int utf8)
{
    static const char *const eighths[] = {"",
                                          "\xe2\x96\x8f",
                                          "\xe2\x96\x8e",
                                          "\xe2\x96\x8d",
                                          "\xe2\x96\x8c",
                                          "\xe2\x96\x8b",
                                          "\xe2\x96\x8a",
                                          "\xe2\x96\x89"};
    size_t steps = utf8 ? 8 : 1,
           done = (size_t)(fmax(0.0, fmin(part, 1.0)) * (double)(width * steps)),
           used = done / steps;
    char *at = cell;
    for (size_t i = 0; i < used; i++)
        at = stpcpy(at, utf8 ? "\xe2\x96\x88" : "#");
    if (done % steps != 0) {
        at = stpcpy(at, eighths[done % steps]);
        used++;
    }
    for (size_t i = used; i < width; i++)
        at = stpcpy(at, utf8 ? "\xe2\x96\x91" : ".");
}

/* "0:42", "12:30", "1:02:33", "3 d 04 h". */
static void time_left(char cell[CELL], double seconds)
{
    long whole = (long)(seconds + 0.5);
    if (seconds < 0.0)
        cell[0] = '\0';
    else if (whole < 3600)
        snprintf(cell, CELL, "%ld:%02ld", whole / 60, whole % 60);
    else if (whole < 100 * 3600L)
        snprintf(cell, CELL, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(cell, CELL, "%ld d %02ld h", whole / 86400, whole / 3600 % 24);
}

static void percent(char cell[CELL], double part)
{
    snprintf(cell, CELL, "%d%%", (int)(100.0 * fmax(0.0, fmin(part, 1.0))));
}

/* ---- lines ---- */

static const struct {
    const char *word, *colour;
} states[] = {[BOARD_WAITING] = {"waiting", "2"},  [BOARD_BEGUN] = {"begun", "2"},
              [BOARD_RUNNING] = {"running", "1"},  [BOARD_DONE] = {"done", "32"},
              [BOARD_STOPPED] = {"stopped", "33"}, [BOARD_FAILED] = {"failed", "31"}};

static void fill_cell(const struct board_run *run, enum column column, const struct widths *widths,
                      int utf8, char cell[CELL])
{
    cell[0] = '\0';
    switch (column) {
    case NAME:
        snprintf(cell, CELL, "%s", run->name);
        break;
    case SEED:
        snprintf(cell, CELL, "%" PRIu64, run->seed);
        break;
    case STATE:
        snprintf(cell, CELL, "%s", states[run->state].word);
        break;
    case BAR:
        bar(cell, run->part, widths->of[BAR], utf8);
        break;
    case PART:
        percent(cell, run->part);
        break;
    case EPOCH:
        snprintf(cell, CELL, "%d/%d", run->epoch, run->epochs);
        break;
    case ACCURACY:
        if (run->accuracy >= 0.0)
            snprintf(cell, CELL, "%.2f %%", 100.0 * run->accuracy);
        break;
    case LOSS:
        if (run->loss >= 0.0)
            snprintf(cell, CELL, "%.4f", run->loss);
        break;
    case SPEED:
        if (run->images_per_second >= 0.0)
            snprintf(cell, CELL, "%.0f", run->images_per_second);
        break;
    case LEFT:
        time_left(cell, run->seconds_left);
        break;
    case COLUMNS:
        break;
    }
}

static int is_right(enum column column)
{
    return column == SEED || column >= PART;
}

/* Every column as wide as what may stand in it; the names and the bar take what is left. */
static void fit(const struct board *board, const struct board_look *look, struct widths *widths)
{
    size_t room = look->columns > 1 ? look->columns - 1 : 1, longest = strlen(titles[NAME]),
           most = 5, total = 0;
    char cell[CELL];
    for (size_t i = 0; i < board->count; i++) {
        size_t width = width_of(board->runs[i].name, look->utf8);
        longest = width > longest ? width : longest;
        width = (size_t)snprintf(cell, sizeof cell, "%d/%d", board->runs[i].epochs,
                                 board->runs[i].epochs);
        most = width > most ? width : most;
    }
    *widths = (struct widths){{[NAME] = longest < NAME_LEAST ? longest : NAME_LEAST,
                               [SEED] = board->seeds ? 4 : 0,
                               [STATE] = 7,
                               [BAR] = BAR_LEAST,
                               [PART] = 4,
                               [EPOCH] = most,
                               [ACCURACY] = 8,
                               [LOSS] = 6,
                               [SPEED] = 8,
                               [LEFT] = 8}};
    for (int i = NAME; i < COLUMNS; i++)
        total += widths->of[i] > 0 ? widths->of[i] + 1 : 0;
    total--; /* no blank before the first */
    for (size_t i = 0; i < DROPPED && total > room; i++) {
        total -= widths->of[dropped[i]] > 0 ? widths->of[dropped[i]] + 1 : 0;
        widths->of[dropped[i]] = 0;
    }
    while (total < room && widths->of[NAME] < longest) {
        widths->of[NAME]++;
        total++;
    }
    while (total < room && widths->of[BAR] > 0 && widths->of[BAR] < BAR_MOST) {
        widths->of[BAR]++;
        total++;
    }
}

/* One line of cells; of a terminal that is narrower than the least of them, as much as fits.
 * run NULL: the titles. */
static void put_row(const struct board_run *run, const struct widths *widths,
                    const struct board_look *look, struct text *out)
{
    size_t room = look->columns > 1 ? look->columns - 1 : 1, used = 0;
    char cell[CELL];
    for (int i = NAME; i < COLUMNS; i++) {
        size_t width = widths->of[i];
        if (width == 0 || used + (used > 0) >= room)
            continue;
        if (used > 0) {
            text_put_char(out, ' ');
            used++;
        }
        width = used + width > room ? room - used : width;
        if (run == NULL)
            snprintf(cell, sizeof cell, "%s", titles[i]);
        else
            fill_cell(run, (enum column)i, widths, look->utf8, cell);
        put_cell(out, cell, width, is_right((enum column)i),
                 !look->colour            ? ""
                 : run == NULL            ? "2"
                 : i == STATE || i == BAR ? states[run->state].colour
                                          : "",
                 look->utf8);
        used += width;
    }
    text_put_char(out, '\n');
}

static void put_count(struct text *out, size_t count, const char *word)
{
    if (count > 0)
        text_put(out, ", %zu %s", count, word);
}

/* "figure5 BAR words": the bar takes what the words leave. */
static void put_filled(const struct board *board, const struct board_look *look, const char *words,
                       size_t room, struct text *out)
{
    char cell[CELL];
    size_t title = width_of(board->title, look->utf8) + 1, own = width_of(words, look->utf8),
           used = title < room ? put_cut(out, board->title, title, look->utf8) : 0;
    if (used > 0) {
        text_put_char(out, ' ');
        used++;
    }
    if (used + own + 1 + BAR_LEAST <= room) {
        size_t width = room - used - own - 1;
        width = width > BAR_MOST ? BAR_MOST : width;
        bar(cell, board->part, width, look->utf8);
        text_put(out, "%s ", cell);
        used += width + 1;
    }
    put_cut(out, words, room - used, look->utf8);
}

static void put_summary(const struct board *board, const struct board_look *look, size_t hidden,
                        struct text *out)
{
    size_t count[BOARD_FAILED + 1] = {0}, room = look->columns > 1 ? look->columns - 1 : 1;
    struct text line = {0};
    char cell[CELL];
    for (size_t i = 0; i < board->count; i++)
        count[board->runs[i].state]++;
    percent(cell, board->part);
    text_put(&line, "%s: %zu of %zu done", cell, count[BOARD_DONE], board->count);
    put_count(&line, count[BOARD_RUNNING], "running");
    put_count(&line, count[BOARD_WAITING] + count[BOARD_BEGUN], "waiting");
    put_count(&line, count[BOARD_STOPPED], "stopped");
    put_count(&line, count[BOARD_FAILED], "failed");
    time_left(cell, board->seconds_left);
    if (*cell != '\0')
        text_put(&line, ", left %s", cell);
    if (board->images_per_second >= 0.0)
        text_put(&line, ", %.0f images/s", board->images_per_second);
    put_count(&line, hidden, "not shown");
    out->failed |= line.failed;
    if (!line.failed)
        put_filled(board, look, line.bytes, room, out);
    text_put_char(out, '\n');
    text_release(&line);
}

static int is_urgent(const struct board_run *run)
{
    return run->state == BOARD_RUNNING || run->state == BOARD_FAILED || run->state == BOARD_STOPPED;
}

void board_put(const struct board *board, const struct board_look *look, struct text *out)
{
    size_t room = look->rows > 3 ? look->rows - 3 : 0, shown = 0;
    int all = board->count <= room;
    struct widths widths;
    fit(board, look, &widths);
    for (size_t i = 0; i < board->count && shown < room; i++) {
        const struct board_run *run = &board->runs[i];
        if (!all && !is_urgent(run))
            continue;
        if (shown++ == 0)
            put_row(NULL, &widths, look, out);
        put_row(run, &widths, look, out);
    }
    put_summary(board, look, board->count - shown, out);
}
