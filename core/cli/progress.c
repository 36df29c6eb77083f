#include "cli/progress.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "lab/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.2
#define LINE_MAX_BYTES 512
#define UP "\033[%zuA" /* so many lines */
#define ERASE "\033[J" /* from here to the end of the screen */

int progress_init(struct progress *progress, const struct figure *figure, struct err *err)
{
    const char *kind = getenv("TERM");
    memset(progress, 0, sizeof *progress);
    progress->figure = figure;
    progress->count = figure->seed_count * figure->run_count;
    progress->terminal = isatty(STDERR_FILENO);
    progress->block = progress->terminal && figure->session.jobs > 1;
    if (progress->block && (kind == NULL || strcmp(kind, "dumb") == 0))
        progress->terminal = progress->block = 0;
    progress->text_size = progress->block ? ((size_t)figure->session.jobs + 2) * LINE_MAX_BYTES : 0;
    progress->text = mem_new(progress->text_size, 1, err);
    progress->runs = mem_new(progress->count, sizeof *progress->runs, err);
    if (progress->text == NULL || progress->runs == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < progress->count; i++) {
        const struct run *run = &figure->runs[i];
        progress->runs[i].images = (double)schedule_images(&run->schedule);
        progress->runs[i].state = run->status == RUN_DONE ? PROGRESS_ENDED : PROGRESS_WAITING;
    }
    return 0;
}

void progress_release(struct progress *progress)
{
    mem_free(progress->text);
    mem_free(progress->runs);
    memset(progress, 0, sizeof *progress);
}

static void duration(double seconds, char *text, size_t size)
{
    long whole = (long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(text, size, "%ld min %02ld s", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ld s", whole);
}

/* What is in training, and what is left of everything at its speed. */
struct sum {
    size_t ended, training, waiting;
    double images_per_second;
    double seconds_left; /* 0: not known */
};

static struct sum sum_up(const struct progress *progress)
{
    struct sum sum = {0};
    double images = 0.0, longest = 0.0;
    for (size_t i = 0; i < progress->count; i++) {
        const struct progress_run *run = &progress->runs[i];
        sum.ended += run->state == PROGRESS_ENDED;
        sum.training += run->state == PROGRESS_TRAINING;
        sum.waiting += run->state == PROGRESS_WAITING;
        if (run->state == PROGRESS_TRAINING && run->told && run->last.images_per_second > 0.0) {
            sum.images_per_second += run->last.images_per_second;
            images += run->last.seconds_left * run->last.images_per_second;
            longest = run->last.seconds_left > longest ? run->last.seconds_left : longest;
        } else if (run->state != PROGRESS_ENDED) {
            images += run->images;
        }
    }
    if (sum.images_per_second > 0.0)
        sum.seconds_left = images / sum.images_per_second;
    if (sum.seconds_left < longest)
        sum.seconds_left = longest;
    return sum;
}

/* "3/12 original, seed 2" */
static void name(const struct progress *progress, const struct run *run, char *text, size_t size)
{
    char seed[32] = "";
    if (progress->figure->seed_count > 1)
        snprintf(seed, sizeof seed, ", seed %" PRIu64, run->seed);
    snprintf(text, size, "%zu/%zu %s%s", (size_t)(run - progress->figure->runs) + 1,
             progress->count, run->what->name, seed);
}

static void accuracy(const struct execute_progress *now, char *text, size_t size)
{
    if (now->test_accuracy >= 0.0)
        snprintf(text, size, "%.4f", now->test_accuracy);
    else
        snprintf(text, size, "-");
}

/* One run in full, and when everything will be done. */
static int format(const struct progress *progress, const struct execute_progress *now, char *line,
                  size_t size)
{
    char who[160], run_left[32], all_left[40] = "", right[16];
    struct sum sum = sum_up(progress);
    name(progress, now->run, who, sizeof who);
    accuracy(now, right, sizeof right);
    duration(now->seconds_left, run_left, sizeof run_left);
    if (sum.training + sum.waiting > 1 && sum.seconds_left > 0.0) {
        char text[32];
        duration(sum.seconds_left, text, sizeof text);
        snprintf(all_left, sizeof all_left, ", all %s", text);
    }
    return snprintf(line, size,
                    "%s: epoch %d/%d, update %" PRId64 "/%" PRId64
                    ", %.0f images/s, loss %.4f, test accuracy %s, "
                    "left %s%s",
                    who, now->epoch, now->run->schedule.epochs, now->update,
                    now->run->schedule.updates, now->images_per_second, now->loss, right, run_left,
                    all_left);
}

/* One run of a block, what matters most first: a narrow screen cuts the rest. */
static void format_brief(const struct progress *progress, const struct execute_progress *now,
                         char *line, size_t size)
{
    char who[160], left[32], right[16];
    name(progress, now->run, who, sizeof who);
    accuracy(now, right, sizeof right);
    duration(now->seconds_left, left, sizeof left);
    snprintf(line, size, "%s: epoch %d/%d, test accuracy %s, %.0f images/s, left %s", who,
             now->epoch, now->run->schedule.epochs, right, now->images_per_second, left);
}

/* Appends a line, cut so that it does not wrap. */
static size_t append(struct progress *progress, size_t length, const char *line, size_t columns)
{
    int written = snprintf(
        progress->text + length, progress->text_size - length, "%.*s\n",
        (int)(columns > 1 && columns < LINE_MAX_BYTES ? columns - 1 : LINE_MAX_BYTES - 2), line);
    progress->lines++;
    return length + (size_t)written;
}

/* Over the old block: as many runs as fit on the screen, then the sum.  One write, so that nothing
 * flickers. */
static void draw_block(struct progress *progress)
{
    struct winsize screen = {0};
    char line[LINE_MAX_BYTES], left[40] = "";
    struct sum sum = sum_up(progress);
    ioctl(STDERR_FILENO, TIOCGWINSZ, &screen);
    size_t rows = screen.ws_row > 3 ? screen.ws_row - 2u : 22, shown = 0, length = 0;
    if (progress->lines > 0)
        length = (size_t)snprintf(progress->text, progress->text_size, UP, progress->lines);
    length += (size_t)snprintf(progress->text + length, progress->text_size - length, "\r" ERASE);
    progress->lines = 0;
    for (size_t i = 0; i < progress->count && shown < rows; i++) {
        const struct progress_run *run = &progress->runs[i];
        if (run->state != PROGRESS_TRAINING || !run->told)
            continue;
        format_brief(progress, &run->last, line, sizeof line);
        length = append(progress, length, line, screen.ws_col);
        shown++;
    }
    if (sum.seconds_left > 0.0) {
        char text[32];
        duration(sum.seconds_left, text, sizeof text);
        snprintf(left, sizeof left, ", left %s", text);
    }
    snprintf(line, sizeof line,
             "%zu of %zu runs done, %zu in training, %zu waiting: %.0f images/s%s", sum.ended,
             progress->count, sum.training, sum.waiting, sum.images_per_second, left);
    append(progress, length, line, screen.ws_col);
    fputs(progress->text, stderr);
}

static struct progress_run *find(struct progress *progress, const struct run *run)
{
    return &progress->runs[run - progress->figure->runs];
}

void progress_begin(struct progress *progress, const struct run *run)
{
    if (run->status != RUN_DONE)
        find(progress, run)->state = PROGRESS_TRAINING;
}

void progress_show(void *context, const struct execute_progress *now)
{
    struct progress *progress = context;
    struct progress_run *run = find(progress, now->run);
    char line[LINE_MAX_BYTES];
    run->last = *now;
    run->told = 1;
    if (!progress->terminal) {
        if (now->epoch_finished && format(progress, now, line, sizeof line) > 0)
            fprintf(stderr, "%s\n", line);
        return;
    }
    double seconds = clock_seconds();
    if (seconds - progress->drawn < REDRAW_SECONDS && (progress->block || !now->epoch_finished))
        return;
    progress->drawn = seconds;
    if (progress->block) {
        draw_block(progress);
        return;
    }
    int width = format(progress, now, line, sizeof line);
    fprintf(stderr, "\r%s%*s", line, progress->width > width ? progress->width - width : 0, "");
    progress->width = width;
}

void progress_clear(struct progress *progress)
{
    if (progress->lines > 0)
        fprintf(stderr, UP "\r" ERASE, progress->lines);
    if (progress->terminal && progress->width > 0)
        fputc('\n', stderr);
    progress->lines = 0;
    progress->width = 0;
    progress->drawn = 0.0;
}

void progress_end(struct progress *progress, const struct run *run)
{
    struct progress_run *ended = find(progress, run);
    char line[LINE_MAX_BYTES];
    progress_clear(progress);
    if (progress->block && ended->state == PROGRESS_TRAINING && ended->told) {
        format_brief(progress, &ended->last, line, sizeof line);
        fprintf(stderr, "%s\n", line);
    }
    ended->state = PROGRESS_ENDED;
}
