#include "cli/progress.h"

#include "base/clock.h"
#include "lab/execute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.2

void progress_init(struct progress *progress)
{
    memset(progress, 0, sizeof *progress);
    progress->terminal = isatty(STDERR_FILENO);
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

static int format(const struct progress *progress, const struct execute_progress *now, char *line, size_t size)
{
    char run_left[32], all_left[32] = "", accuracy[32] = "-";
    duration(now->seconds_left, run_left, sizeof run_left);
    if (progress->images_after > 0.0 && now->images_per_second > 0.0) {
        char text[24];
        duration(now->seconds_left + progress->images_after / now->images_per_second, text, sizeof text);
        snprintf(all_left, sizeof all_left, ", all %s", text);
    }
    if (now->test_accuracy >= 0.0)
        snprintf(accuracy, sizeof accuracy, "%.4f", now->test_accuracy);
    return snprintf(line, size,
                    "%zu/%zu %s: epoch %d/%d, update %" PRId64 "/%" PRId64 ", %.0f images/s, loss %.4f, test accuracy %s, "
                    "left %s%s",
                    progress->run, progress->run_count, now->run->what->name, now->epoch, now->run->schedule.epochs,
                    now->update, now->run->schedule.updates, now->images_per_second, now->loss, accuracy, run_left,
                    all_left);
}

void progress_show(void *context, const struct execute_progress *now)
{
    struct progress *progress = context;
    char line[512];
    if (!progress->terminal) {
        if (now->epoch_finished && format(progress, now, line, sizeof line) > 0)
            fprintf(stderr, "%s\n", line);
        return;
    }
    double seconds = clock_seconds();
    if (seconds - progress->drawn < REDRAW_SECONDS && !now->epoch_finished)
        return;
    progress->drawn = seconds;
    int width = format(progress, now, line, sizeof line);
    fprintf(stderr, "\r%s%*s", line, progress->width > width ? progress->width - width : 0, "");
    progress->width = width;
}

void progress_break(struct progress *progress)
{
    if (progress->terminal && progress->width > 0)
        fputc('\n', stderr);
    progress->width = 0;
}
