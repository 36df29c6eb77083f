/* What a flipped bit or a cut does to the three files of a run: it is refused with the file,
 * healed, or harmless; no reader ever gets another row for the true one.
 *
 * Every bit and every cut where REPRO_LONG is set, as `make check-long` does; else a sample. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "base/text_json.h"
#include "fixture.h"
#include "lab/execute.h"
#include "lab/session.h"
#include "results/manifest.h"
#include "results/verify.h"
#include "scratch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CUT_AT 7 /* of 10 updates: in the second of three epochs */

static const char experiment_text[] =
    "name = \"trial\"; title = \"A trial\"; dataset = \"synthetic\"; train_n = 96; epochs = 3; "
    "groups = 2;\n"
    "defaults = { optimizer = \"momentum\"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8; "
    "weight_decay = 5e-4;\n"
    "  steps = [ 1, 2 ]; factor = 2.0; action = \"grow_batch\"; };\n"
    "runs = ( { name = \"growing\"; title = \"Growing\"; } );\n"
    "default_profile = \"smoke\";\n"
    "profiles = ( { name = \"smoke\"; words = \"small\"; network = \"tiny\"; divide = 1; epochs = "
    "3; test_n = 20;\n"
    "  micro_ghosts = 1; } );\n";

enum { MANIFEST, LOG, CHECKPOINT, FILES };

/* A run's folder as it should be. */
struct kept {
    char out[SCRATCH_PATH];
    struct run run;
    char *bytes[FILES];
    size_t size[FILES];
    struct runlog log;
};

static struct scratch scratch;
static struct session session;
static struct kept done, cut;
static char experiment_path[SCRATCH_PATH], reason[1200];

static const char *path_of(const struct run *run, int file)
{
    return file == MANIFEST ? run->manifest_path
           : file == LOG    ? run->log_path
                            : run->checkpoint_path;
}

static int stop_at;

static void watch(void *context, const struct execute_progress *progress)
{
    *(int64_t *)context = progress->update;
}

static int stop(void *context)
{
    return stop_at != 0 && *(int64_t *)context >= stop_at;
}

/* Trains, or goes on, until that update; 0: to the end. */
static int attempt(const char *out, int until, struct run *run, struct err *err)
{
    int64_t update = 0;
    struct execute_options options = {.commit = "abc",
                                      .version = "1",
                                      .checkpoint_seconds = 1e9,
                                      .context = &update,
                                      .progress = watch,
                                      .stop = stop};
    stop_at = until;
    int code = run_init(run, &session.facts, &session.experiment->runs[0], 1, out, err);
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

static char *bytes_of(const char *path, size_t *size)
{
    struct err err = {0};
    char *bytes;
    if (file_read(path, 1u << 26, &bytes, size, &err) != 0)
        fail_msg("%s", err.text);
    return bytes;
}

/* Without the flush of file_replace(): this is done thousands of times. */
static void put(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void restore(const struct kept *kept)
{
    for (int file = 0; file < FILES; file++)
        put(path_of(&kept->run, file), kept->bytes[file], kept->size[file]);
}

static void keep(struct kept *kept, const char *name, int until)
{
    struct err err = {0};
    snprintf(kept->out, sizeof kept->out, "%s/%s", scratch.folder, name);
    int code = attempt(kept->out, until, &kept->run, &err);
    if (code != (until == 0 ? 0 : ERR_STOPPED))
        fail_msg("%s", err.text);
    for (int file = 0; file < FILES; file++)
        kept->bytes[file] = bytes_of(path_of(&kept->run, file), &kept->size[file]);
    assert_int_equal(runlog_read(&kept->log, kept->run.log_path, &err), 0);
}

static void forget(struct kept *kept)
{
    for (int file = 0; file < FILES; file++)
        mem_free(kept->bytes[file]);
    runlog_release(&kept->log);
    run_release(&kept->run);
}

static int set_up(void **state)
{
    struct err err = {0};
    (void)state;
    if (scratch_make(&scratch) != 0)
        return -1;
    snprintf(experiment_path, sizeof experiment_path, "%s/trial.exp", scratch.folder);
    unsetenv("REPRO_DATA");
    struct session_options options = {.share = "/nowhere", .figure = experiment_path, .threads = 1};
    int code = file_replace(experiment_path, experiment_text, sizeof experiment_text - 1, &err);
    if (code == 0)
        code = session_open(&options, &session, &err);
    if (code == ERR_BACKEND || code == ERR_CANNOT_RUN)
        snprintf(reason, sizeof reason, "%s", err.text);
    if (code == 0) {
        keep(&done, "done", 0);
        keep(&cut, "cut", CUT_AT);
    }
    if (code == 0 || reason[0] != '\0')
        return 0;
    print_error("%s\n", err.text);
    scratch_remove(&scratch);
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    forget(&done);
    forget(&cut);
    session_close(&session);
    return scratch_remove(&scratch);
}

/* ---- What readers make of it ---- */

struct tally {
    size_t tried, refused, harmless, healed;
};

/* The error names the file that is damaged, or one of those that do not fit each other. */
static void assert_named(const struct kept *kept, const struct err *err)
{
    if (strstr(err->text, kept->run.folder) == NULL)
        fail_msg("no file is named: '%s'", err->text);
}

/* By one of the two digests. */
static int same_log(const struct runlog *a, const struct runlog *b,
                    int (*digest)(const struct runlog *, size_t, char *, struct err *))
{
    struct err err = {0};
    char digests[2][DIGEST_TEXT];
    assert_int_equal(digest(a, a->count, digests[0], &err), 0);
    assert_int_equal(digest(b, b->count, digests[1], &err), 0);
    return strcmp(digests[0], digests[1]) == 0;
}

/* Manifest and log by the store, everything by verify. */
static void look(const struct kept *kept, const char *what, struct tally *tally)
{
    struct err err = {0};
    struct store store;
    struct verification found;
    const struct runlog *log = NULL;
    assert_int_equal(store_open(&store, kept->out, &err), 0);
    assert_int_equal(store.count, 1);
    struct stored *run = &store.runs[0];
    int code = run->manifest == NULL ? run->damage.code : stored_log(run, &log, &err);
    if (code == 0 && run->done && !same_log(log, &kept->log, runlog_digest))
        fail_msg("%s: another log is read without a word", what);
    if (code != 0)
        assert_named(kept, run->manifest == NULL ? &run->damage : &err);
    if (verify_run(run, &found, &err) != 0)
        fail_msg("%s", err.text);
    if (found.state == VERIFY_DAMAGED)
        assert_named(kept, &found.damage);
    else if (code == 0 && !same_log(log, &kept->log, runlog_digest_timeless))
        fail_msg("%s: verify passes another log", what);
    else if (code != 0)
        fail_msg("%s: verify says %s, though it is not read: %s", what, found.words, err.text);
    tally->tried++;
    tally->refused += found.state == VERIFY_DAMAGED;
    tally->harmless += found.state != VERIFY_DAMAGED;
    store_close(&store);
}

static size_t every(size_t sample)
{
    return getenv("REPRO_LONG") != NULL ? 1 : sample;
}

/* Every cut and every bit of one file, of which `harmless` damages at most may pass. */
static void damage(const struct kept *kept, int file, size_t sample, size_t harmless)
{
    const char *path = path_of(&kept->run, file);
    size_t size = kept->size[file];
    char *bytes = mem_new(size, 1, NULL), what[SCRATCH_PATH + 64];
    struct tally tally = {0};
    memcpy(bytes, kept->bytes[file], size);
    for (size_t length = 0; length < size; length += every(sample / 8 + 1)) {
        snprintf(what, sizeof what, "%s cut to %zu bytes", path, length);
        put(path, bytes, length);
        look(kept, what, &tally);
    }
    put(path, bytes, size - 1);
    look(kept, "the last byte cut off", &tally);
    for (size_t bit = 0; bit < 8 * size; bit += every(sample)) {
        snprintf(what, sizeof what, "%s with bit %zu of byte %zu flipped", path, bit % 8, bit / 8);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        put(path, bytes, size);
        look(kept, what, &tally);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    print_message("# %s: %zu damages, %zu refused, %zu harmless\n", strrchr(path, '/') + 1,
                  tally.tried, tally.refused, tally.harmless);
    put(path, bytes, size);
    mem_free(bytes);
    assert_true(tally.harmless <= harmless);
    assert_int_equal(tally.tried, tally.refused + tally.harmless);
    struct tally whole = {0};
    look(kept, "as it was", &whole);
    assert_int_equal(whole.harmless, 1);
}

/* A manifest's last newline is nobody's; it is cut twice where all cuts are made. */
static void manifest_of_a_done_run(void **state)
{
    (void)state;
    need();
    damage(&done, MANIFEST, 67, 2);
}

static void log_of_a_done_run(void **state)
{
    (void)state;
    need();
    damage(&done, LOG, 11, 0);
}

static void checkpoint_of_a_done_run(void **state)
{
    (void)state;
    need();
    damage(&done, CHECKPOINT, 257, 0);
}

static void manifest_of_a_run_that_was_cut_off(void **state)
{
    (void)state;
    need();
    damage(&cut, MANIFEST, 67, 2);
}

static void log_of_a_run_that_was_cut_off(void **state)
{
    (void)state;
    need();
    damage(&cut, LOG, 11, SIZE_MAX); /* in the times, by look() */
}

static void checkpoint_of_a_run_that_was_cut_off(void **state)
{
    (void)state;
    need();
    damage(&cut, CHECKPOINT, 257, 0);
}

/* The run goes on to the bits of the one that was never cut off, or is refused and left alone. */
static void go_on(const char *what, struct tally *tally)
{
    struct err err = {0};
    struct run run;
    size_t size;
    int code = attempt(cut.out, 0, &run, &err);
    tally->tried++;
    if (code == 0) {
        char *bytes = bytes_of(run.checkpoint_path, &size);
        struct safetensors ours, theirs;
        assert_int_equal(safetensors_read(run.checkpoint_path, 1u << 26, &ours, &err), 0);
        assert_int_equal(safetensors_read(done.run.checkpoint_path, 1u << 26, &theirs, &err), 0);
        if (ours.data_bytes != theirs.data_bytes ||
            memcmp(ours.data, theirs.data, ours.data_bytes) != 0)
            fail_msg("%s: goes on to other bits", what);
        struct runlog log = {0};
        assert_int_equal(runlog_read(&log, run.log_path, &err), 0);
        if (!same_log(&log, &done.log, runlog_digest_timeless))
            fail_msg("%s: goes on to another log", what);
        runlog_release(&log);
        safetensors_release(&ours);
        safetensors_release(&theirs);
        mem_free(bytes);
        tally->healed++;
    } else {
        if (code != ERR_INPUT)
            fail_msg("%s: %s", what, err.text);
        assert_named(&cut, &err);
        tally->refused++;
    }
    if (code == 0)
        run_release(&run);
    restore(&cut);
}

/* Trained on from damage, nothing wrong becomes permanent. */
static void nothing_wrong_becomes_permanent(void **state)
{
    (void)state;
    need();
    for (int file = 0; file < FILES; file++) {
        struct tally tally = {0};
        const char *path = path_of(&cut.run, file);
        size_t size = cut.size[file],
               step = every(8 * size / 11) == 1 ? 8 * size / 499 : 8 * size / 11;
        char *bytes = mem_new(size, 1, NULL), what[SCRATCH_PATH + 64];
        memcpy(bytes, cut.bytes[file], size);
        for (size_t bit = 3; bit < 8 * size; bit += step) {
            snprintf(what, sizeof what, "%s, bit %zu of byte %zu", path, bit % 8, bit / 8);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            put(path, bytes, size);
            bytes[bit / 8] ^= (char)(1 << bit % 8);
            go_on(what, &tally);
        }
        mem_free(bytes);
        print_message("# %s: %zu damages, %zu refused, %zu healed\n", strrchr(path, '/') + 1,
                      tally.tried, tally.refused, tally.healed);
        assert_int_equal(tally.refused + tally.healed, tally.tried);
        assert_true(file == LOG || tally.healed == 0); /* its times are nobody's bits */
    }
    struct tally whole = {0};
    go_on("as it was", &whole);
    assert_int_equal(whole.healed, 1);
}

/* A kill between log and checkpoint leaves a row too many: it is legal, and what is wrong with that
 * row heals, since its epoch is trained again. */
static void a_log_may_be_ahead(void **state)
{
    (void)state;
    need();
    struct tally tally = {0};
    char *longer = mem_new(done.size[LOG] + cut.size[LOG], 1, NULL);
    size_t size = cut.size[LOG];
    memcpy(longer, cut.bytes[LOG], size);
    const char *second = done.bytes[LOG]; /* its row of the second epoch */
    for (int line = 0; line < 2; line++)
        second = strchr(second, '\n') + 1;
    size_t length = (size_t)(strchr(second, '\n') + 1 - second);
    memcpy(longer + size, second, length);
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            longer[size + i * length / 4] ^= 1;
        put(cut.run.log_path, longer, size + length - (i == 3));
        go_on("a row ahead", &tally);
    }
    mem_free(longer);
    assert_int_equal(tally.healed, 4);
}

/* A log that has lost its last line was drawn as final. */
static void a_log_that_lost_lines(void **state)
{
    (void)state;
    need();
    for (size_t lines = 1; lines <= done.log.count; lines++) {
        struct err err = {0};
        struct store store;
        const struct runlog *log;
        size_t size = done.size[LOG];
        for (size_t line = 0; line < lines; line++)
            do
                size--;
            while (done.bytes[LOG][size - 1] != '\n');
        put(done.run.log_path, done.bytes[LOG], size);
        assert_int_equal(store_open(&store, done.out, &err), 0);
        assert_int_equal(stored_log(&store.runs[0], &log, &err), ERR_INPUT);
        assert_named(&done, &err);
        store_close(&store);
    }
    restore(&done);
}

/* ---- Of before there were digests ---- */

static void write_json(const char *path, const json_t *value)
{
    struct text text = {0};
    text_put_json(&text, value, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    assert_false(text.failed);
    put(path, text.bytes, text.size);
    text_release(&text);
}

/* The manifest as format 1 had it. */
static void take_digests(const struct kept *kept)
{
    json_t *manifest = json_loadb(kept->bytes[MANIFEST], kept->size[MANIFEST], 0, NULL);
    json_object_del(manifest, "digest");
    json_object_del(manifest, "digests");
    json_object_set_new(manifest, "format", json_integer(1));
    write_json(kept->run.manifest_path, manifest);
    json_decref(manifest);
}

/* The checkpoint without "log" and "layout". */
static void take_marks(const struct kept *kept)
{
    struct err err = {0};
    struct safetensors file;
    struct text text = {0};
    char seal[DIGEST_TEXT];
    const char *path = kept->run.checkpoint_path;
    assert_int_equal(safetensors_read(path, 1u << 26, &file, &err), 0);
    json_object_del(file.meta, "log");
    json_object_del(file.meta, "layout");
    json_object_del(file.meta, "xxh3");
    assert_int_equal(safetensors_seal(file.meta, file.data, file.data_bytes, seal), 0);
    json_object_set_new(file.meta, "xxh3", json_string(seal));
    text_put_json(&text, file.header, JSON_COMPACT);
    while (text.size % 8 != 0)
        text_put_char(&text, ' ');
    uint64_t length = text.size;
    char *whole = mem_new(8 + length + file.data_bytes, 1, NULL);
    memcpy(whole, &length, 8);
    memcpy(whole + 8, text.bytes, length);
    memcpy(whole + 8 + length, file.data, file.data_bytes);
    put(path, whole, 8 + length + file.data_bytes);
    mem_free(whole);
    text_release(&text);
    safetensors_release(&file);
}

static enum verify_state verdict(const char *out)
{
    struct err err = {0};
    struct store store;
    struct verification found;
    assert_int_equal(store_open(&store, out, &err), 0);
    assert_int_equal(verify_run(&store.runs[0], &found, &err), 0);
    store_close(&store);
    return found.state;
}

static void results_of_before_are_read(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct store store;
    const struct runlog *log;
    assert_int_equal(verdict(done.out), VERIFY_GOOD);
    take_digests(&done);
    take_marks(&done);
    assert_int_equal(verdict(done.out), VERIFY_UNSEALED);
    assert_int_equal(remove(done.run.checkpoint_path), 0); /* as results are kept */
    assert_int_equal(verdict(done.out), VERIFY_UNSEALED);
    size_t size = done.size[LOG];
    do
        size--;
    while (done.bytes[LOG][size - 1] != '\n');
    put(done.run.log_path, done.bytes[LOG], size);
    assert_int_equal(store_open(&store, done.out, &err), 0);
    assert_int_equal(stored_log(&store.runs[0], &log, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "log.tsv:3: ends at update 9 where the run ended at 10"));
    store_close(&store);
    restore(&done);
}

static void a_run_of_before_goes_on_and_gets_digests(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct run run;
    take_digests(&cut);
    take_marks(&cut);
    assert_int_equal(verdict(cut.out), VERIFY_UNSEALED);
    if (attempt(cut.out, 0, &run, &err) != 0)
        fail_msg("%s", err.text);
    run_release(&run);
    assert_int_equal(verdict(cut.out), VERIFY_GOOD);
    restore(&cut);
}

/* Started over and over, a run's manifest stays one that can be read, and says how often. */
static void many_sessions(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    json_t *manifest;
    struct manifest_session begun = {.commit = "abc", .version = "1", .jobs = 1};
    char *choices = mem_new(60001, 1, NULL);
    memset(choices, 'x', 60000);
    begun.choices = choices;
    begun.first_update = CUT_AT;
    size_t size = 0, starts = 0;
    for (int i = 0; i < 60; i++) {
        if (manifest_begin(&cut.run, &begun, &manifest, &err) != 0 ||
            manifest_write(&cut.run, manifest, CUT_AT, NULL, &err) != 0)
            fail_msg("%s", err.text);
        json_decref(manifest);
    }
    mem_free(bytes_of(cut.run.manifest_path, &size));
    assert_true(size < 2u << 20);
    assert_int_equal(manifest_read(cut.run.manifest_path, &manifest, &err), 0);
    const json_t *sessions = json_object_get(manifest, "sessions");
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        json_int_t some = json_integer_value(
            json_object_get(json_array_get(sessions, i), "starts"));
        starts += some > 0 ? (size_t)some : 1;
    }
    assert_int_equal(starts, 61);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(sessions, 0), "first_update")), 0);
    json_decref(manifest);
    restore(&cut);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifest_of_a_done_run),
        cmocka_unit_test(log_of_a_done_run),
        cmocka_unit_test(checkpoint_of_a_done_run),
        cmocka_unit_test(manifest_of_a_run_that_was_cut_off),
        cmocka_unit_test(log_of_a_run_that_was_cut_off),
        cmocka_unit_test(checkpoint_of_a_run_that_was_cut_off),
        cmocka_unit_test(nothing_wrong_becomes_permanent),
        cmocka_unit_test(a_log_may_be_ahead),
        cmocka_unit_test(a_log_that_lost_lines),
        cmocka_unit_test(results_of_before_are_read),
        cmocka_unit_test(a_run_of_before_goes_on_and_gets_digests),
        cmocka_unit_test(many_sessions),
    };
    return cmocka_run_group_tests_name("damage", tests, set_up, tear_down);
}
