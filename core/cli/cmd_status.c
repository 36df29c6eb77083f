/* repro status: what is trained, in training, stopped and done, asked from another terminal. */
#include "cli/command.h"

#include "base/err.h"
#include "base/text.h"
#include "base/text_json.h"
#include "cli/options.h"
#include "cli/say.h"
#include "results/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct status_options {
    const char *out;
    int json;
};

static const struct option_row rows[] = {
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where results are (default: results)",
     .kind = OPTION_TEXT,
     .offset = offsetof(struct status_options, out)},
    {.name = "json",
     .help = "one JSON object",
     .kind = OPTION_FLAG,
     .offset = offsetof(struct status_options, json)},
};

/* ---- JSON ---- */

static json_t *text_or_null(const char *text)
{
    return *text == '\0' ? json_null() : say_text(text);
}

static json_t *count_or_null(int64_t count)
{
    return count > 0 ? json_integer(count) : json_null();
}

static json_t *known_or_null(double value)
{
    return value > 0.0 ? say_number(value) : json_null();
}

static json_t *run_json(const struct status_run *run)
{
    const struct run_holder *holder = &run->holder;
    json_t *object = json_pack("{s:s, s:o, s:o, s:o, s:I, s:o}", "status", status_word(run->state),
                               "figure", text_or_null(run->figure), "profile",
                               text_or_null(run->profile), "run", text_or_null(run->name), "seed",
                               (json_int_t)run->seed, "folder", say_text(run->stored->folder));
    int bad = json_object_update_new(
        object, json_pack("{s:i, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "epoch", run->epoch, "epochs",
                          count_or_null(run->epochs), "update", (json_int_t)run->update, "updates",
                          count_or_null(run->updates), "test_accuracy",
                          say_number(run->test_accuracy), "train_loss", say_number(run->train_loss),
                          "images_per_second", known_or_null(run->images_per_second),
                          "seconds_left", known_or_null(run->seconds_left)));
    bad |= json_object_update_new(
        object,
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "process", count_or_null(holder->process),
                  "host", text_or_null(holder->host), "since", text_or_null(holder->since), "noted",
                  text_or_null(holder->noted), "command", text_or_null(holder->command),
                  "command_folder", text_or_null(holder->folder), "damage",
                  text_or_null(run->stored->damage.text)));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static int print_json(const struct status *status, const char *out, struct err *err)
{
    struct text text = {0};
    json_t *list = json_array();
    int bad = list == NULL;
    for (size_t i = 0; i < status->count && !bad; i++)
        bad = json_array_append_new(list, run_json(&status->runs[i]));
    json_t *all = bad ? NULL : json_pack("{s:o, s:O}", "out", say_text(out), "runs", list);
    text_put_json(&text, all, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    text_put_char(&text, '\n');
    int code = text.failed ? err_set(err, ERR_MEMORY, "out of memory while writing JSON") : 0;
    if (code == 0)
        fwrite(text.bytes, 1, text.size, stdout);
    json_decref(all);
    json_decref(list);
    text_release(&text);
    return code;
}

/* ---- prose ---- */

static void print_counts(const struct status *status, const char *out)
{
    const char *comma = ": ";
    printf("%s: %zu run%s", out, status->count, status->count == 1 ? "" : "s");
    for (int state = STATUS_RUNNING; state <= STATUS_DAMAGED; state++)
        if (status->states[state] > 0) {
            printf("%s%zu %s", comma, status->states[state], status_word(state));
            comma = ", ";
        }
    printf("\n");
}

/* Where the run's lock says no command: what its manifest knows of it. */
static void print_made_up(const struct status_run *run, const char *out)
{
    const json_t *identity = stored_identity(run->stored);
    const char *data = json_string_value(
        json_object_get(json_object_get(identity, "data"), "name"));
    const char *backend = json_string_value(
        json_object_get(json_object_get(identity, "backend"), "name"));
    printf("          goes on with: repro %s --profile %s", run->figure, run->profile);
    if (backend != NULL)
        printf(" --backend %s", backend);
    if (run->seed != 1)
        printf(" --seed %" PRIu64, run->seed);
    if (strcmp(out, "results") != 0)
        printf(" --out %s", out);
    if (data != NULL && strcmp(data, "synthetic") != 0)
        printf(" --data FOLDER-OF-%s", data);
    printf(" and what else it was begun with\n");
}

static void print_who(const struct status_run *run, const char *out)
{
    const struct run_holder *holder = &run->holder;
    char here[4096];
    if (run->state == STATUS_RUNNING && holder->process == 0)
        printf("          by a process that does not say who it is\n");
    else if (run->state == STATUS_RUNNING)
        printf("          by process %" PRId64 " on %s, since %s%s%s\n", holder->process,
               holder->host, holder->since, holder->noted[0] == '\0' ? "" : ", as of ",
               holder->noted);
    else if (run->state == STATUS_STOPPED && holder->command[0] == '\0')
        print_made_up(run, out);
    else if (run->state == STATUS_STOPPED) {
        printf("          goes on with: %s\n", holder->command);
        if (getcwd(here, sizeof here) == NULL || strcmp(here, holder->folder) != 0)
            printf("          in %s\n", holder->folder);
    }
}

static void print_run(const struct status_run *run, const char *out)
{
    char left[SAY_DURATION];
    printf("%-8s  %s", status_word(run->state), run->name);
    if (run->state == STATUS_DAMAGED) {
        printf("%s\n", run->stored->damage.text);
        return;
    }
    printf(", seed %" PRIu64 ": epoch %d/%d, update %" PRId64 "/%" PRId64, run->seed, run->epoch,
           run->epochs, run->update, run->updates);
    if (run->test_accuracy >= 0.0)
        printf(", test accuracy %.2f %%", 100.0 * run->test_accuracy);
    if (run->state == STATUS_RUNNING && run->images_per_second > 0.0)
        printf(",\n          %.0f images/s", run->images_per_second);
    if (run->seconds_left > 0.0)
        printf(", left %s", say_duration(run->seconds_left, left));
    printf("\n");
    print_who(run, out);
}

static void print_all(const struct status *status, const char *out)
{
    const struct status_run *before = NULL;
    print_counts(status, out);
    for (size_t i = 0; i < status->count; i++) {
        const struct status_run *run = &status->runs[i];
        int other = before == NULL || strcmp(before->figure, run->figure) != 0 ||
                    strcmp(before->profile, run->profile) != 0;
        if (other && run->state != STATUS_DAMAGED)
            printf("\n%s, profile %s\n", run->figure, run->profile);
        print_run(run, out);
        before = run;
    }
}

int command_status(int argc, char **argv)
{
    struct status_options options = {.out = "results"};
    const struct option_table table = {
        .usage = "",
        .about = "Says which runs under --out are done, which are in training, by whom, since "
                 "when, how far and how fast, and which are stopped, and how these go on.  From "
                 "what is on the disk alone: it needs neither data nor backend, and disturbs no "
                 "training.",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0]};
    struct store store = {0};
    struct status status = {0};
    struct err err = {0};
    option_table_parse(&table, argc, argv, &options);
    int code = store_open(&store, options.out, &err);
    if (code == 0)
        code = status_find(&store, &status, &err);
    if (code == 0 && options.json)
        code = print_json(&status, options.out, &err);
    else if (code == 0)
        print_all(&status, options.out);
    status_release(&status);
    store_close(&store);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
