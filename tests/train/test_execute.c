/* A whole run through session, run and execute: done once, stopped anywhere, locked, and refused
 * when damaged.
 *
 * Called with "--train EXPERIMENT OUT UPDATE" the program is the other process: it trains until
 * that update, writes one byte to stdout, waits for the end of stdin and stops. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "fixture.h"
#include "lab/execute.h"
#include "lab/session.h"
#include "scratch.h"
#include "results/runlog.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define UPDATES 10 /* 96 images: 6 of 16, 3 of 32, 1 of 64 */

static const char experiment_text[] =
    "name = \"trial\"; title = \"A trial\"; dataset = \"synthetic\"; train_n = 96; epochs = 3; "
    "groups = 2;\n"
    "defaults = { optimizer = \"momentum\"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8; "
    "weight_decay = 5e-4;\n"
    "  steps = [ 1, 2 ]; factor = 2.0; action = \"grow_batch\"; };\n"
    "runs = ( { name = \"growing\"; title = \"Growing\"; },\n"
    "  { name = \"exploding\"; title = \"Exploding\"; lr = 1.0; } );\n"
    "default_profile = \"smoke\";\n"
    "profiles = ( { name = \"smoke\"; words = \"small\"; network = \"tiny\"; divide = 1; epochs = "
    "3; test_n = 20;\n"
    "  micro_ghosts = 1; } );\n";

static struct scratch scratch;
static struct session session;
static char experiment_path[SCRATCH_PATH], reason[1200];
extern char **environ;

/* ---- One run ---- */

struct stopper {
    int64_t at; /* 0: never */
    int64_t update;
    int finished;      /* epochs told */
    int not_kept;      /* of those, without their checkpoint on the disk at that moment */
    int out_of_order;  /* or not the one behind the one before */
    int last_finished; /* 0: none yet */
};

static void watch(void *context, const struct execute_progress *progress)
{
    struct stopper *stopper = context;
    stopper->update = progress->update;
}

/* The update of the checkpoint on the disk; -1 where there is none. */
static int64_t kept_update(const char *path)
{
    struct err err = {0};
    char *bytes;
    size_t size;
    if (file_read(path, 1u << 26, &bytes, &size, &err) != 0)
        return -1;
    static const char key[] = "\"update\"";
    const char *found = memmem(bytes, size, key, strlen(key));
    int64_t update = found == NULL
                         ? -1
                         : strtoll(found + strlen(key) + strspn(found + strlen(key), ": \""), NULL,
                                   10);
    mem_free(bytes);
    return update;
}

/* By another thread than watch(), while the writer is busy with nothing else. */
static void watch_epoch(void *context, const struct execute_progress *progress)
{
    struct stopper *stopper = context;
    stopper->finished++;
    stopper->not_kept += kept_update(progress->run->checkpoint_path) != progress->update;
    stopper->out_of_order += stopper->last_finished != 0 &&
                             progress->epoch != stopper->last_finished + 1;
    stopper->last_finished = progress->epoch;
}

static int stop(void *context)
{
    const struct stopper *stopper = context;
    return stopper->at != 0 && stopper->update >= stopper->at;
}

static int attempt(const char *out, const char *name, struct stopper *stopper, struct run *run,
                   struct err *err)
{
    const struct experiment_run *what = experiment_run(session.experiment, name, err);
    struct execute_options options = {.commit = "abc",
                                      .version = "1",
                                      .checkpoint_seconds = 1e9,
                                      .context = stopper,
                                      .progress = watch,
                                      .epoch = watch_epoch,
                                      .stop = stop};
    assert_non_null(what);
    int code = run_init(run, &session.facts, what, 1, out, err);
    return code != 0 ? code : execute_run(&session, run, &session.device, &options, err);
}

static void need(void)
{
    if (reason[0] == '\0')
        return;
    if (fixture_required("openblas"))
        fail_msg("%s (required by REPRO_REQUIRE)", reason);
    print_message("# %s\n", reason);
    skip();
}

/* Trains to the end in one go and leaves *run for looking at. */
static void whole(const char *out, struct run *run)
{
    struct err err = {0};
    struct stopper stopper = {0};
    if (attempt(out, "growing", &stopper, run, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(run->status, RUN_DONE);
}

static char *bytes_of(const char *path, size_t *size)
{
    struct err err = {0};
    char *bytes;
    if (file_read(path, 1u << 26, &bytes, size, &err) != 0)
        fail_msg("%s", err.text);
    return bytes;
}

static void same_file(const char *a, const char *b)
{
    size_t size_a, size_b;
    char *bytes_a = bytes_of(a, &size_a), *bytes_b = bytes_of(b, &size_b);
    if (size_a != size_b || memcmp(bytes_a, bytes_b, size_a) != 0)
        fail_msg("'%s' and '%s' differ", a, b);
    mem_free(bytes_a);
    mem_free(bytes_b);
}

/* The same log but for the last two columns, which are times. */
static void same_log(const char *a, const char *b)
{
    struct err err = {0};
    struct runlog logs[2] = {{0}, {0}};
    const char *paths[] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (runlog_read(&logs[i], paths[i], &err) != 0)
            fail_msg("%s", err.text);
        for (size_t r = 0; r < logs[i].count; r++)
            logs[i].rows[r].images_per_second = logs[i].rows[r].seconds = 0.0;
    }
    assert_int_equal(logs[0].count, logs[1].count);
    assert_memory_equal(logs[0].rows, logs[1].rows, logs[0].count * sizeof *logs[0].rows);
    runlog_release(&logs[0]);
    runlog_release(&logs[1]);
}

static void same_result(const struct run *a, const struct run *b)
{
    assert_string_equal(a->hash, b->hash);
    same_file(a->checkpoint_path, b->checkpoint_path);
    same_log(a->log_path, b->log_path);
}

/* ---- Set-up ---- */

static int write_experiment(const char *folder)
{
    struct err err = {0};
    snprintf(experiment_path, sizeof experiment_path, "%s/experiments", folder);
    int code = file_make_folders(experiment_path, &err);
    if (code != 0)
        return code;
    snprintf(experiment_path, sizeof experiment_path, "%s/experiments/trial.exp", folder);
    return file_replace(experiment_path, experiment_text, sizeof experiment_text - 1, &err);
}

static int open_session(struct err *err)
{
    struct session_options options = {.share = "/nowhere", .figure = experiment_path, .threads = 1};
    unsetenv("REPRO_DATA");
    setenv("REPRO_DATA_HOME", "/nowhere", 1);
    return session_open(&options, &session, err);
}

static int set_up(void **state)
{
    struct err err = {0};
    (void)state;
    if (scratch_make(&scratch) != 0)
        return -1;
    if (write_experiment(scratch.folder) != 0) {
        scratch_remove(&scratch); /* cmocka tears down only what was set up */
        return -1;
    }
    int code = open_session(&err);
    if (code == 0)
        session.experiment->runs[1].spec.lr = 1e30; /* more than a file may say */
    if (code == ERR_BACKEND || code == ERR_CANNOT_RUN)
        snprintf(reason, sizeof reason, "%s", err.text);
    if (code == 0 || reason[0] != '\0')
        return 0;
    print_error("%s\n", err.text);
    scratch_remove(&scratch);
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    session_close(&session);
    return scratch_remove(&scratch);
}

/* ---- Tests ---- */

static void counts_agree(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run;
    struct runlog log = {0};
    whole(scratch_path(&scratch, "counts"), &run);
    assert_int_equal(run.schedule.updates, UPDATES);
    assert_int_equal(runlog_read(&log, run.log_path, &err), 0);
    assert_int_equal(log.count, 3);
    static const int64_t updates[] = {6, 9, 10}, images[] = {96, 192, 256},
                         batches[] = {16, 32, 64};
    for (int e = 0; e < 3; e++) {
        const struct runlog_row *row = &log.rows[e];
        assert_int_equal(row->epoch, e + 1);
        assert_int_equal(row->updates, updates[e]);
        assert_int_equal(row->updates, schedule_updates_before(&run.schedule, e + 1));
        assert_int_equal(row->images, images[e]);
        assert_int_equal(row->batch, batches[e]);
        assert_true(fabs(row->noise_scale - 0.5 * (96.0 / (double)batches[e] - 1.0)) < 1e-5);
        assert_true(row->train_loss_l2 > row->train_loss && row->train_loss > 0.0 &&
                    row->test_loss > 0.0);
        assert_true(row->test_accuracy >= 0.0 && row->test_accuracy <= 1.0);
    }
    json_t *manifest = json_load_file(run.manifest_path, 0, NULL);
    json_int_t planned = 0, trained = 0, first = -1, last = 0;
    const char *status = NULL, *hash = NULL;
    assert_int_equal(json_unpack(manifest, "{s:I, s:{s:I}, s:s, s:s, s:[{s:I, s:I}!]}",
                                 "planned_updates", &planned, "result", "updates", &trained,
                                 "status", &status, "identity_hash", &hash, "sessions",
                                 "first_update", &first, "last_update", &last),
                     0);
    assert_int_equal(planned, UPDATES);
    assert_int_equal(trained, UPDATES);
    assert_int_equal(first, 0);
    assert_int_equal(last, UPDATES);
    assert_string_equal(status, "done");
    assert_string_equal(hash, run.hash);
    assert_true(json_equal(json_object_get(manifest, "identity"), run.identity));
    json_decref(manifest);
    runlog_release(&log);
    run_release(&run);
}

struct kept {
    struct stat status;
    char *bytes;
    size_t size;
};

static void keep(const char *path, struct kept *kept)
{
    assert_int_equal(stat(path, &kept->status), 0);
    kept->bytes = bytes_of(path, &kept->size);
}

static void untouched(const char *path, struct kept *kept)
{
    struct kept now;
    keep(path, &now);
    assert_int_equal(now.status.st_ino, kept->status.st_ino);
    assert_memory_equal(&now.status.st_mtim, &kept->status.st_mtim, sizeof now.status.st_mtim);
    assert_int_equal(now.size, kept->size);
    assert_memory_equal(now.bytes, kept->bytes, now.size);
    mem_free(now.bytes);
    mem_free(kept->bytes);
}

/* A second call, and one that was prepared before the first had finished, do nothing. */
static void done_is_left_alone(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run early, run, late;
    struct kept kept[3];
    const char *out = scratch_path(&scratch, "done");
    struct execute_options options = {.commit = "abc", .version = "1", .checkpoint_seconds = 1e9};
    assert_int_equal(run_init(&early, &session.facts,
                              experiment_run(session.experiment, "growing", &err), 1, out, &err),
                     0);
    assert_int_equal(early.status, RUN_NEW);
    whole(out, &run);
    const char *paths[] = {run.manifest_path, run.log_path, run.checkpoint_path};
    for (int i = 0; i < 3; i++)
        keep(paths[i], &kept[i]);
    struct stopper stopper = {0};
    assert_int_equal(attempt(out, "growing", &stopper, &late, &err), 0);
    assert_int_equal(stopper.update, 0); /* nothing was trained */
    assert_int_equal(late.status, RUN_DONE);
    assert_int_equal(execute_run(&session, &early, &session.device, &options, &err), 0);
    assert_int_equal(early.status, RUN_DONE);
    for (int i = 0; i < 3; i++)
        untouched(paths[i], &kept[i]);
    run_release(&early);
    run_release(&run);
    run_release(&late);
}

static void stopped_once(void **state)
{
    (void)state;
    need();
    struct run run, other;
    whole(scratch_path(&scratch, "reference"), &run);
    for (int64_t at = 1; at <= UPDATES; at++) {
        char name[32];
        snprintf(name, sizeof name, "stopped-%d", (int)at);
        const char *out = scratch_path(&scratch, name);
        struct err err = {0};
        struct stopper stopper = {.at = at}, rest = {0};
        assert_int_equal(attempt(out, "growing", &stopper, &other, &err), ERR_STOPPED);
        snprintf(name, sizeof name, "after update %d of", (int)at);
        assert_non_null(strstr(err.text, name));
        assert_int_equal(other.status, RUN_NEW);
        run_release(&other);
        if (attempt(out, "growing", &rest, &other, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(stopper.finished + rest.finished, 3);
        assert_int_equal(stopper.not_kept + rest.not_kept, 0);
        assert_int_equal(stopper.out_of_order + rest.out_of_order, 0);
        same_result(&run, &other);
        run_release(&other);
    }
    run_release(&run);
}

static void stopped_after_every_update(void **state)
{
    (void)state;
    need();
    struct run run, other;
    const char *out = scratch_path(&scratch, "every");
    whole(scratch_path(&scratch, "reference"), &run);
    int code = ERR_STOPPED, sessions = 0;
    for (int64_t at = 1; code == ERR_STOPPED && sessions < 20; at++, sessions++) {
        struct err err = {0};
        struct stopper stopper = {.at = at};
        code = attempt(out, "growing", &stopper, &other, &err);
        if (code == ERR_STOPPED)
            run_release(&other);
    }
    assert_int_equal(code, 0);
    assert_int_equal(sessions, UPDATES + 1);
    same_result(&run, &other);
    json_t *manifest = json_load_file(other.manifest_path, 0, NULL), *session_entry;
    size_t i;
    json_array_foreach(json_object_get(manifest, "sessions"), i, session_entry)
        assert_int_equal(json_integer_value(json_object_get(session_entry, "first_update")), i);
    assert_int_equal(i, UPDATES + 1);
    json_decref(manifest);
    run_release(&run);
    run_release(&other);
}

/* Killed after the log was written and before the checkpoint: rows that the checkpoint does not
 * know are made anew. */
static void a_log_ahead_of_its_checkpoint(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run, other;
    struct stopper stopper = {.at = 7}, rest = {0};
    size_t checkpoint_size, manifest_size;
    const char *out = scratch_path(&scratch, "ahead");
    whole(scratch_path(&scratch, "reference"), &run);
    assert_int_equal(attempt(out, "growing", &stopper, &other, &err), ERR_STOPPED);
    char *checkpoint = bytes_of(other.checkpoint_path, &checkpoint_size);
    char *manifest = bytes_of(other.manifest_path, &manifest_size);
    run_release(&other);
    assert_int_equal(attempt(out, "growing", &rest, &other, &err), 0);
    assert_int_equal(file_replace(other.checkpoint_path, checkpoint, checkpoint_size, &err), 0);
    assert_int_equal(file_replace(other.manifest_path, manifest, manifest_size, &err), 0);
    run_release(&other);
    assert_int_equal(attempt(out, "growing", &rest, &other, &err), 0);
    same_result(&run, &other);
    mem_free(checkpoint);
    mem_free(manifest);
    run_release(&run);
    run_release(&other);
}

/* ---- Another process ---- */

static int wait_for_end(void *context)
{
    const struct stopper *stopper = context;
    char byte = '!';
    if (stopper->update < stopper->at)
        return 0;
    if (write(STDOUT_FILENO, &byte, 1) == 1)
        while (read(STDIN_FILENO, &byte, 1) > 0)
            continue;
    return 1;
}

/* The other process's main; its exit status is the error's code. */
static int other_process(char **argv)
{
    struct err err = {0};
    struct run run;
    struct stopper stopper = {.at = strtoll(argv[4], NULL, 10)};
    struct execute_options options = {.commit = "abc",
                                      .version = "1",
                                      .checkpoint_seconds = 0.0,
                                      .context = &stopper,
                                      .progress = watch,
                                      .epoch = watch_epoch,
                                      .stop = wait_for_end};
    snprintf(experiment_path, sizeof experiment_path, "%s", argv[2]);
    int code = open_session(&err);
    if (code == 0)
        code = run_init(&run, &session.facts, experiment_run(session.experiment, "growing", &err),
                        1, argv[3], &err);
    if (code == 0) {
        code = execute_run(&session, &run, &session.device, &options, &err);
        run_release(&run);
    }
    session_close(&session);
    return code;
}

/* Starts it and waits until it stands after the update.  *to is what it reads. */
static pid_t start_other(const char *out, int64_t at, int *to)
{
    int in[2], back[2];
    char number[24], byte;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    snprintf(number, sizeof number, "%d", (int)at);
    char *argv[] = {
        (char *)"test_execute", (char *)"--train", experiment_path, (char *)out, number, NULL};
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(back, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, back[1], STDOUT_FILENO);
    assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(back[1]);
    if (read(back[0], &byte, 1) != 1)
        fail_msg("the other process ended before update %d", (int)at);
    close(back[0]);
    *to = in[1];
    return pid;
}

static void two_processes(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run, other;
    int to, status;
    struct stopper stopper = {0};
    const char *out = scratch_path(&scratch, "locked");
    whole(scratch_path(&scratch, "reference"), &run);
    pid_t pid = start_other(out, 4, &to);
    int code = attempt(out, "growing", &stopper, &other, &err);
    close(to); /* the other one stops */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(code, ERR_IO);
    if (strstr(err.text, "another process is training this run") == NULL ||
        strstr(err.text, "/lock") == NULL)
        fail_msg("'%s'", err.text);
    assert_int_equal(stopper.update, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_STOPPED);
    run_release(&other);
    if (attempt(out, "growing", &stopper, &other, &err) != 0)
        fail_msg("%s", err.text);
    same_result(&run, &other);
    run_release(&run);
    run_release(&other);
}

/* Killed without a chance to save: the last checkpoint is one update old. */
static void killed(void **state)
{
    (void)state;
    need();
    struct run run, other;
    whole(scratch_path(&scratch, "reference"), &run);
    static const int64_t places[] = {1, 3, 7, 10};
    for (int i = 0; i < 4; i++) {
        char name[32];
        struct err err = {0};
        int to, status;
        struct stopper stopper = {0};
        snprintf(name, sizeof name, "killed-%d", (int)places[i]);
        const char *out = scratch_path(&scratch, name);
        pid_t pid = start_other(out, places[i], &to);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(to);
        assert_true(WIFSIGNALED(status));
        if (attempt(out, "growing", &stopper, &other, &err) != 0)
            fail_msg("%s", err.text);
        same_result(&run, &other);
        run_release(&other);
    }
    run_release(&run);
}

/* ---- What is wrong ---- */

static void diverging(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run;
    struct stopper stopper = {0};
    assert_int_equal(
        attempt(scratch_path(&scratch, "diverging"), "exploding", &stopper, &run, &err),
        ERR_NOT_FINITE);
    assert_non_null(strstr(err.text, "update "));
    assert_int_not_equal(run.status, RUN_DONE);
    json_t *manifest = json_load_file(run.manifest_path, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(manifest, "status")), "running");
    assert_null(json_object_get(manifest, "result"));
    json_decref(manifest);
    run_release(&run);
}

static void rewrite(const char *path, const char *text)
{
    struct err err = {0};
    if (file_replace(path, text, strlen(text), &err) != 0)
        fail_msg("%s", err.text);
}

/* Run again with one file of a stopped run replaced. */
static void refused(const char *out, int file, const char *text, const char *words)
{
    struct err err = {0};
    struct run run, again;
    struct stopper stopper = {.at = 7}, none = {0};
    char path[SCRATCH_PATH];
    out = scratch_path(&scratch, out);
    assert_int_equal(attempt(out, "growing", &stopper, &run, &err), ERR_STOPPED);
    const char *paths[] = {run.manifest_path, run.log_path, run.checkpoint_path};
    snprintf(path, sizeof path, "%s", paths[file]);
    run_release(&run);
    if (text == NULL)
        assert_int_equal(unlink(path), 0);
    else
        rewrite(path, text);
    int code = attempt(out, "growing", &none, &again, &err);
    if (code != (text == NULL ? ERR_IO : ERR_INPUT) || strstr(err.text, words) == NULL ||
        strstr(err.text, path) == NULL)
        fail_msg("%d: '%s' lacks '%s' or '%s'", code, err.text, words, path);
    assert_int_equal(none.update, 0);
    run_release(&again);
}

static void damaged_files(void **state)
{
    (void)state;
    need();
    refused("bad-1", 0, "", "damaged");
    refused("bad-2", 0, "{\"status\": \"done\"", "damaged");
    refused("bad-3", 0, "{\"status\": \"done\"}", "belongs to another run");
    refused("bad-4", 0, "[]", "belongs to another run");
    refused("bad-5", 0, "{\"identity_hash\": \"0\", \"status\": \"done\"}", "(identity 0)");
    refused("bad-6", 1, "epoch\n", ":1: ");
    refused("bad-7", 1, NULL, "cannot open");
    refused("bad-8", 2, "short", "delete it to begin the run anew");
}

/* The identity's hash fits, but there is no list of sessions. */
static void a_manifest_without_sessions(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run, again;
    struct stopper stopper = {.at = 2}, none = {0};
    char text[128];
    const char *out = scratch_path(&scratch, "sessions");
    assert_int_equal(attempt(out, "growing", &stopper, &run, &err), ERR_STOPPED);
    snprintf(text, sizeof text, "{\"identity_hash\": \"%s\", \"status\": \"running\"}", run.hash);
    rewrite(run.manifest_path, text);
    assert_int_equal(attempt(out, "growing", &none, &again, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "no list of sessions"));
    run_release(&run);
    run_release(&again);
}

/* What can change a bit changes the folder. */
static void identity(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run one, two, seeded;
    const struct experiment_run *growing = experiment_run(session.experiment, "growing", &err);
    const struct experiment_run *exploding = experiment_run(session.experiment, "exploding", &err);
    const char *out = scratch_path(&scratch, "identity");
    assert_int_equal(run_init(&one, &session.facts, growing, 1, out, &err), 0);
    assert_int_equal(run_init(&two, &session.facts, exploding, 1, out, &err), 0);
    assert_int_equal(run_init(&seeded, &session.facts, growing, 2, out, &err), 0);
    assert_string_not_equal(one.hash, two.hash);
    assert_string_not_equal(one.hash, seeded.hash);
    assert_string_not_equal(one.folder, two.folder);
    assert_false(file_exists(out)); /* nothing was written */
    run_release(&one);
    run_release(&two);
    run_release(&seeded);
}

static void session_refusals(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct session other = {0};
    struct session_options options = {.share = scratch.folder, .figure = "trail", .threads = 1};
    assert_int_equal(session_open(&options, &other, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'trial'"));
    options.figure = "trial";
    options.profile = "smok";
    assert_int_equal(session_open(&options, &other, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "did you mean 'smoke'"));
    options.profile = NULL;
    options.backend = "no-such-backend";
    assert_int_equal(session_open(&options, &other, &err), ERR_BACKEND);
    options.share = "/nowhere";
    assert_int_equal(session_open(&options, &other, &err), ERR_INPUT);
    session_close(&other);
    session_close(&other);
}

/* The experiment says whose data the folder holds; without a folder the synthetic set stands in. */
static void the_experiment_names_the_data(void **state)
{
    static const struct {
        const char *dataset, *words; /* NULL: it opens */
        int with_folder;
    } cases[] = {{"cifar10", NULL, 0},
                 {"synthetic", NULL, 1},
                 {"cifar10", "data_batch_1.bin' is missing", 1},
                 {"cifar01", "unknown data set 'cifar01'; did you mean 'cifar10'?", 0}};
    (void)state;
    need();
    const char *path = scratch_path(&scratch, "named.exp");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        struct session other = {0};
        struct session_options options = {
            .share = scratch.folder, .figure = path, .backend = "openblas", .threads = 1};
        const char *behind = strstr(experiment_text, "synthetic") + strlen("synthetic");
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "name = \"trial\"; title = \"A trial\"; dataset = \"%s%s", cases[i].dataset,
                behind);
        assert_int_equal(fclose(file), 0);
        options.data = cases[i].with_folder ? scratch.folder : "";
        int code = session_open(&options, &other, &err);
        if ((code == 0) != (cases[i].words == NULL))
            fail_msg("%s: %d, '%s'", cases[i].dataset, code, err.text);
        if (code == 0)
            assert_string_equal(other.data.name, "synthetic");
        else
            assert_non_null(strstr(err.text, cases[i].words));
        session_close(&other);
    }
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--train") == 0)
        return other_process(argv);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_agree),
        cmocka_unit_test(done_is_left_alone),
        cmocka_unit_test(stopped_once),
        cmocka_unit_test(stopped_after_every_update),
        cmocka_unit_test(a_log_ahead_of_its_checkpoint),
        cmocka_unit_test(two_processes),
        cmocka_unit_test(killed),
        cmocka_unit_test(diverging),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(a_manifest_without_sessions),
        cmocka_unit_test(identity),
        cmocka_unit_test(session_refusals),
        cmocka_unit_test(the_experiment_names_the_data),
    };
    return cmocka_run_group_tests_name("execute", tests, set_up, tear_down);
}
