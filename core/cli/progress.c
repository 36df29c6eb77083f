#include "cli/progress.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/say.h"
#include "cli/screen.h"
#include "lab/figure.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum progress_kind progress_kind(int lines_wanted)
{
    if (say_mode() == SAY_EVENTS)
        return PROGRESS_EVENTS;
    if (say_mode() == SAY_QUIET)
        return PROGRESS_NONE;
    return !lines_wanted && screen_possible() ? PROGRESS_LIVE : PROGRESS_LINES;
}

/* ---- sums ---- */

/* What is in training, and what is left of everything at its speed. */
struct sum {
    size_t training, waiting;
    double images_per_second;
    double seconds_left; /* 0: not known */
    double part;         /* of all images */
};

static int is_waiting(const struct progress_run *run)
{
    return run->shown.state == BOARD_WAITING || run->shown.state == BOARD_BEGUN;
}

static struct sum sum_up(const struct progress *progress)
{
    struct sum sum = {0};
    double left = 0.0, longest = 0.0, all = 0.0, done = 0.0;
    for (size_t i = 0; i < progress->count; i++) {
        const struct progress_run *run = &progress->runs[i];
        int training = run->shown.state == BOARD_RUNNING, waiting = is_waiting(run);
        if (!run->wanted)
            continue;
        all += run->images;
        done += run->done;
        sum.training += (size_t)training;
        sum.waiting += (size_t)waiting;
        if (training && run->told && run->last.images_per_second > 0.0) {
            sum.images_per_second += run->last.images_per_second;
            left += run->last.seconds_left * run->last.images_per_second;
            longest = run->last.seconds_left > longest ? run->last.seconds_left : longest;
        } else if (training || waiting) {
            left += run->images - run->done;
        }
    }
    if (sum.images_per_second > 0.0)
        sum.seconds_left = left / sum.images_per_second;
    if (sum.seconds_left < longest)
        sum.seconds_left = longest;
    sum.part = all > 0.0 ? done / all : 0.0;
    return sum;
}

/* ---- the live view ---- */

static void draw(void *context, const struct screen_size *size, int utf8, struct text *out)
{
    struct progress *progress = context;
    struct board_look look = {
        .columns = size->columns, .rows = size->rows, .utf8 = utf8, .colour = progress->colour};
    size_t count = 0;
    pthread_mutex_lock(&progress->lock);
    struct sum sum = sum_up(progress);
    for (size_t i = 0; i < progress->count; i++)
        if (progress->runs[i].wanted)
            progress->shown[count++] = progress->runs[i].shown;
    pthread_mutex_unlock(&progress->lock);
    struct board board = {.title = progress->figure->session.facts.experiment->name,
                          .count = count,
                          .runs = progress->shown,
                          .seeds = progress->figure->seed_count > 1,
                          .part = sum.part,
                          .images_per_second = sum.images_per_second > 0.0 ? sum.images_per_second
                                                                           : -1.0,
                          .seconds_left = sum.seconds_left > 0.0 ? sum.seconds_left : -1.0};
    board_put(&board, &look, out);
}

/* ---- beginning and end ---- */

/* What an earlier start has left of it. */
static void look_back(const struct run *run, struct progress_run *shown)
{
    struct runlog log = {0};
    struct err unreadable = {0};
    if (run->status != RUN_NEW && file_exists(run->log_path) &&
        runlog_read(&log, run->log_path, &unreadable) == 0 && log.count > 0) {
        const struct runlog_row *row = &log.rows[log.count - 1];
        shown->done = (double)row->images;
        shown->shown.part = shown->images > 0.0 ? shown->done / shown->images : 0.0;
        shown->shown.epoch = row->epoch;
        shown->shown.accuracy = row->test_accuracy;
        shown->shown.loss = row->train_loss;
    }
    if (run->status == RUN_DONE) {
        shown->done = shown->images;
        shown->shown.part = 1.0;
    }
    runlog_release(&log);
}

static void fill(struct progress *progress, const struct run *only, int *missing)
{
    for (size_t i = 0; i < progress->count; i++) {
        const struct run *run = &progress->figure->runs[i];
        struct progress_run *shown = &progress->runs[i];
        shown->wanted = only == NULL || only == run;
        shown->images = (double)schedule_images(&run->schedule);
        shown->shown = (struct board_run){.name = run->what->name,
                                          .seed = run->seed,
                                          .state = run->status == RUN_DONE      ? BOARD_DONE
                                                   : run->status == RUN_PARTIAL ? BOARD_BEGUN
                                                                                : BOARD_WAITING,
                                          .epochs = run->schedule.epochs,
                                          .accuracy = -1.0,
                                          .loss = -1.0,
                                          .images_per_second = -1.0,
                                          .seconds_left = -1.0};
        look_back(run, shown);
        *missing += shown->wanted && run->status != RUN_DONE;
    }
}

int progress_init(struct progress *progress, const struct figure *figure, const struct run *only,
                  enum progress_kind kind, struct err *err)
{
    const char *no_colour = getenv("NO_COLOR");
    int missing = 0;
    *progress = (struct progress){.figure = figure,
                                  .kind = kind,
                                  .colour = no_colour == NULL || *no_colour == '\0',
                                  .count = figure->seed_count * figure->run_count};
    pthread_mutex_init(&progress->lock, NULL);
    progress->runs = mem_new(progress->count, sizeof *progress->runs, err);
    progress->shown = mem_new(progress->count, sizeof *progress->shown, err);
    if (progress->runs == NULL || progress->shown == NULL)
        return ERR_MEMORY;
    fill(progress, only, &missing);
    return kind == PROGRESS_LIVE && missing > 0 ? screen_new(&progress->screen, draw, progress, err)
                                                : 0;
}

void progress_finish(struct progress *progress)
{
    screen_free(progress->screen);
    progress->screen = NULL;
}

void progress_release(struct progress *progress)
{
    progress_finish(progress);
    mem_free(progress->runs);
    mem_free(progress->shown);
    pthread_mutex_destroy(&progress->lock);
    memset(progress, 0, sizeof *progress);
}

/* ---- lines and events ---- */

/* "3/12 original, seed 2" */
static void name(const struct progress *progress, const struct run *run, char *text, size_t size)
{
    char seed[32] = "";
    if (progress->figure->seed_count > 1)
        snprintf(seed, sizeof seed, ", seed %" PRIu64, run->seed);
    snprintf(text, size, "%zu/%zu %s%s", (size_t)(run - progress->figure->runs) + 1,
             progress->count, run->what->name, seed);
}

/* One run in full, and when everything will be done. */
static void print_line(const struct progress *progress, const struct execute_progress *now)
{
    char who[160], left[SAY_DURATION], all[SAY_DURATION + 8] = "", accuracy[16] = "-";
    struct sum sum = sum_up(progress);
    name(progress, now->run, who, sizeof who);
    if (now->test_accuracy >= 0.0)
        snprintf(accuracy, sizeof accuracy, "%.4f", now->test_accuracy);
    if (sum.training + sum.waiting > 1 && sum.seconds_left > 0.0)
        snprintf(all, sizeof all, ", all %s", say_duration(sum.seconds_left, left));
    fprintf(stderr,
            "%s: epoch %d/%d, update %" PRId64 "/%" PRId64
            ", %.0f images/s, loss %.4f, test accuracy %s, left %s%s\n",
            who, now->epoch, now->run->schedule.epochs, now->update, now->run->schedule.updates,
            now->images_per_second, now->loss, accuracy, say_duration(now->seconds_left, left),
            all);
}

static const char *figure_name(const struct progress *progress)
{
    return progress->figure->session.facts.experiment->name;
}

static void say_epoch(const struct progress *progress, const struct execute_progress *now)
{
    struct sum sum = sum_up(progress);
    const struct run *run = now->run;
    say_event("epoch", "{s:o, s:o, s:I, s:i, s:i, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}",
              "figure", say_text(figure_name(progress)), "run", say_text(run->what->name), "seed",
              (json_int_t)run->seed, "epoch", now->epoch, "epochs", run->schedule.epochs, "update",
              (json_int_t)now->update, "updates", (json_int_t)run->schedule.updates, "train_loss",
              say_number(now->loss), "train_accuracy", say_number(now->train_accuracy),
              "test_accuracy", say_number(now->test_accuracy), "images_per_second",
              say_number(now->images_per_second), "seconds_left", say_number(now->seconds_left),
              "figure_seconds_left",
              sum.seconds_left > 0.0 ? say_number(sum.seconds_left) : json_null());
}

/* ---- what the training tells ---- */

static struct progress_run *find(struct progress *progress, const struct run *run)
{
    return &progress->runs[run - progress->figure->runs];
}

static void set_done(struct progress_run *run)
{
    run->done = run->images;
    run->shown.part = 1.0;
    run->shown.epoch = run->shown.epochs;
    run->shown.state = BOARD_DONE;
    run->shown.images_per_second = run->shown.seconds_left = -1.0;
}

void progress_begin(struct progress *progress, const struct run *run)
{
    struct progress_run *begun = find(progress, run);
    pthread_mutex_lock(&progress->lock);
    if (run->status == RUN_DONE)
        set_done(begun);
    else
        begun->shown.state = BOARD_RUNNING;
    pthread_mutex_unlock(&progress->lock);
}

static void take(struct progress_run *run, const struct execute_progress *now)
{
    run->last = *now;
    run->told = 1;
    run->done = (double)now->images;
    run->shown.part = run->images > 0.0 ? run->done / run->images : 0.0;
    run->shown.epoch = now->epoch;
    run->shown.accuracy = now->test_accuracy;
    run->shown.loss = now->loss;
    run->shown.images_per_second = now->images_per_second;
    run->shown.seconds_left = now->seconds_left;
}

void progress_show(struct progress *progress, const struct execute_progress *now)
{
    pthread_mutex_lock(&progress->lock);
    take(find(progress, now->run), now);
    pthread_mutex_unlock(&progress->lock);
}

/* The next epoch may have told of itself already. */
void progress_epoch(struct progress *progress, const struct execute_progress *now)
{
    struct progress_run *run = find(progress, now->run);
    pthread_mutex_lock(&progress->lock);
    if (!run->told || run->last.update <= now->update)
        take(run, now);
    if (progress->kind == PROGRESS_LINES)
        print_line(progress, now);
    else if (progress->kind == PROGRESS_EVENTS)
        say_epoch(progress, now);
    pthread_mutex_unlock(&progress->lock);
}

void progress_end(struct progress *progress, const struct run *run, const struct err *err)
{
    struct progress_run *ended = find(progress, run);
    const char *words[] = {
        [BOARD_DONE] = "done", [BOARD_STOPPED] = "stopped", [BOARD_FAILED] = "failed"};
    pthread_mutex_lock(&progress->lock);
    if (err->code == 0)
        set_done(ended);
    else
        ended->shown.state = err->code == ERR_STOPPED ? BOARD_STOPPED : BOARD_FAILED;
    ended->shown.images_per_second = ended->shown.seconds_left = -1.0;
    say_event("run_ended", "{s:o, s:o, s:I, s:s, s:o, s:o}", "figure",
              say_text(figure_name(progress)), "run", say_text(run->what->name), "seed",
              (json_int_t)run->seed, "status", words[ended->shown.state], "message",
              err->code == 0 ? json_null() : say_text(err->text), "folder", say_text(run->folder));
    pthread_mutex_unlock(&progress->lock);
}
