/* A run goes on from its file as if nothing had happened; a damaged file is refused with a reason;
 * any safetensors reader opens it. */
#include "fixture.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"
#include "train/checkpoint.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#define IDENTITY "0123456789abcdef0123456789abcdef"

static struct scratch scratch;

static int set_up(void **state)
{
    if (scratch_make(&scratch) != 0)
        return -1;
    int failed = fixture_open(state);
    if (failed) /* cmocka tears down only what was set up */
        scratch_remove(&scratch);
    return failed;
}

static int tear_down(void **state)
{
    fixture_close(state);
    return scratch_remove(&scratch);
}

static void save(struct trainer *trainer, const char *path)
{
    struct err err = {0};
    if (checkpoint_save(trainer, path, IDENTITY, &err) != 0)
        fail_msg("%s", err.text);
}

static char *bytes_of(const char *path, size_t *size)
{
    struct err err = {0};
    char *bytes;
    if (file_read(path, 1u << 26, &bytes, size, &err) != 0)
        fail_msg("%s", err.text);
    return bytes;
}

/* Without the flush of file_replace(): this is done a thousand times. */
static void put(const char *path, const char *bytes, size_t size)
{
    remove(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static struct trainer *trained(const struct schedule *schedule, int64_t update)
{
    struct trainer_config config = fixture_config(schedule);
    struct trainer *trainer = fixture_trainer(&config);
    fixture_train(trainer, update);
    return trainer;
}

/* ---- Going on ---- */

/* Stopped after update k for every k of two epochs, the second at twice the batch: the end is the
 * same. */
static void stopped_anywhere(void **state)
{
    (void)state;
    fixture_need();
    static const int optimizers[] = {REPRO_OPTIMIZER_MOMENTUM, REPRO_OPTIMIZER_ADAM,
                                     REPRO_OPTIMIZER_SGD};
    const char *path = scratch_path(&scratch, "stopped.safetensors");
    for (int i = 0; i < 3; i++) {
        struct schedule schedule = fixture_schedule(optimizers[i], 12, 1);
        struct trainer_config config = fixture_config(&schedule);
        struct trainer *whole = trained(&schedule, INT64_MAX);
        for (int64_t k = 0; k <= schedule.updates; k++) {
            struct err err = {0};
            struct trainer *first = trained(&schedule, k), *second = fixture_trainer(&config);
            fixture_train(second, 2); /* whatever it did before is forgotten */
            save(first, path);
            if (checkpoint_load(second, path, IDENTITY, NULL, &err) != 0)
                fail_msg("%s", err.text);
            fixture_same(first, second, "loaded");
            fixture_train(second, INT64_MAX);
            fixture_same(second, whole, "continued");
            trainer_free(first);
            trainer_free(second);
        }
        trainer_free(whole);
    }
}

/* Through a file after every single update. */
static void stopped_everywhere(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "often.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_NESTEROV, 24, 1);
    struct trainer *whole = trained(&schedule, INT64_MAX), *now = trained(&schedule, 0);
    for (int64_t k = 1; k <= schedule.updates; k++) {
        struct err err = {0};
        fixture_train(now, k);
        save(now, path);
        trainer_free(now);
        now = trained(&schedule, 0);
        if (checkpoint_load(now, path, IDENTITY, NULL, &err) != 0)
            fail_msg("%s", err.text);
    }
    fixture_train(now, INT64_MAX);
    fixture_same(now, whole, "stopped after each update");
    trainer_free(now);
    trainer_free(whole);
}

static void the_same_state_the_same_bytes(void **state)
{
    (void)state;
    fixture_need();
    const char *one = scratch_path(&scratch, "one"), *two = scratch_path(&scratch, "two");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer *trainer = trained(&schedule, 3), *again = trained(&schedule, 3);
    save(trainer, one);
    save(again, two);
    size_t size, other;
    char *a = bytes_of(one, &size), *b = bytes_of(two, &other);
    assert_int_equal(size, other);
    assert_memory_equal(a, b, size);
    mem_free(a);
    mem_free(b);
    trainer_free(trainer);
    trainer_free(again);
}

/* ---- The format, read by its own rules: https://github.com/huggingface/safetensors ---- */

struct tensors {
    char *bytes;
    json_t *header;
    const char *data;
    size_t data_size;
};

static void open_tensors(struct tensors *tensors, const char *path)
{
    size_t size;
    tensors->bytes = bytes_of(path, &size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)tensors->bytes[i];
    assert_true(length <= size - 8);
    assert_int_equal(tensors->bytes[8], '{');
    assert_int_equal((8 + length) % 8, 0);
    json_error_t where;
    tensors->header = json_loadb(tensors->bytes + 8, length, JSON_REJECT_DUPLICATES, &where);
    if (tensors->header == NULL)
        fail_msg("%s", where.text);
    tensors->data = tensors->bytes + 8 + length;
    tensors->data_size = size - 8 - length;
}

static void close_tensors(struct tensors *tensors)
{
    json_decref(tensors->header);
    mem_free(tensors->bytes);
}

/* Every byte of the data belongs to exactly one tensor, whose shape accounts for it. */
static size_t check_layout(const struct tensors *tensors)
{
    unsigned char *seen = mem_new(tensors->data_size, 1, NULL);
    size_t count = 0;
    const char *name;
    json_t *entry, *value;
    json_object_foreach(tensors->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        json_int_t bytes = 4, begin, end;
        size_t i;
        assert_string_equal(json_string_value(json_object_get(entry, "dtype")), "F32");
        assert_int_equal(json_object_size(entry), 3);
        json_array_foreach(json_object_get(entry, "shape"), i, value)
            bytes *= json_integer_value(value);
        assert_int_equal(
            json_unpack(json_object_get(entry, "data_offsets"), "[I,I!]", &begin, &end), 0);
        assert_true(begin >= 0 && end <= (json_int_t)tensors->data_size);
        assert_int_equal(end - begin, bytes);
        for (json_int_t at = begin; at < end; at++)
            if (seen[at]++ != 0)
                fail_msg("'%s' overlaps another tensor", name);
        count++;
    }
    assert_null(memchr(seen, 0, tensors->data_size));
    mem_free(seen);
    return count;
}

static void holds_tensor(const struct tensors *tensors, const char *prefix,
                         const struct net_tensor *tensor, const float *arena)
{
    char name[128];
    snprintf(name, sizeof name, "%s/%s", prefix, tensor->name);
    json_t *entry = json_object_get(tensors->header, name);
    json_int_t begin = 0, end;
    if (entry == NULL)
        fail_msg("no tensor '%s'", name);
    assert_int_equal(json_array_size(json_object_get(entry, "shape")), tensor->rank);
    assert_int_equal(json_unpack(json_object_get(entry, "data_offsets"), "[I,I]", &begin, &end), 0);
    assert_memory_equal(tensors->data + begin, arena + tensor->first,
                        (size_t)tensor->count * sizeof(float));
}

static void any_reader_opens_it(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "adam.safetensors");
    static const struct {
        int arena, layout;
        const char *prefix;
    } parts[] = {{REPRO_ARENA_PARAM, REPRO_ARENA_PARAM, "param"},
                 {REPRO_ARENA_MOMENT1, REPRO_ARENA_PARAM, "moment1"},
                 {REPRO_ARENA_MOMENT2, REPRO_ARENA_PARAM, "moment2"},
                 {REPRO_ARENA_RUNNING, REPRO_ARENA_RUNNING, "running"}};
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_ADAM, 12, 1);
    struct trainer *trainer = trained(&schedule, 4);
    save(trainer, path);
    struct tensors tensors;
    open_tensors(&tensors, path);
    size_t wanted = 0;
    for (int p = 0; p < 4; p++) {
        struct err err = {0};
        float *arena = mem_new((size_t)trainer_arena_count(trainer, parts[p].arena), sizeof *arena,
                               NULL);
        assert_int_equal(trainer_read(trainer, parts[p].arena, arena, &err), 0);
        for (size_t t = 0; t < fixture.net.tensor_count; t++) {
            if (fixture.net.tensors[t].arena != parts[p].layout)
                continue;
            holds_tensor(&tensors, parts[p].prefix, &fixture.net.tensors[t], arena);
            wanted++;
        }
        mem_free(arena);
    }
    assert_int_equal(check_layout(&tensors), wanted);
    const char *key;
    json_t *value, *meta = json_object_get(tensors.header, "__metadata__");
    json_object_foreach(meta, key, value)
        assert_true(json_is_string(value)); /* the format allows nothing else */
    assert_string_equal(json_string_value(json_object_get(meta, "identity")), IDENTITY);
    assert_string_equal(json_string_value(json_object_get(meta, "update")), "4");
    assert_true(strtod(json_string_value(json_object_get(meta, "loss")), NULL) ==
                trainer_state(trainer)->loss);
    close_tensors(&tensors);
    trainer_free(trainer);
}

/* ---- Damage ---- */

/* Refused with the path and, when given, these words; the trainer stands where it stood. */
static void refused(struct trainer *trainer, const char *path, const char *words)
{
    struct err err = {0};
    struct trainer_state before = *trainer_state(trainer);
    if (checkpoint_load(trainer, path, IDENTITY, NULL, &err) != ERR_INPUT)
        fail_msg("accepted, or not for the input: '%s'", err.text);
    if (strstr(err.text, path) == NULL || (words != NULL && strstr(err.text, words) == NULL))
        fail_msg("'%s' lacks '%s'", err.text, words == NULL ? path : words);
    assert_memory_equal(&before, trainer_state(trainer), sizeof before);
}

static void cut_short(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "cut.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer *trainer = trained(&schedule, 3);
    save(trainer, path);
    size_t size;
    char *bytes = bytes_of(path, &size), *longer = mem_new(size + 4, 1, NULL);
    for (size_t cut = 0; cut < size; cut += cut < 64 ? 1 : 401) {
        put(path, bytes, cut);
        refused(trainer, path, "delete it to begin the run anew");
    }
    put(path, bytes, size - 1);
    refused(trainer, path, NULL);
    memcpy(longer, bytes, size);
    put(path, longer, size + 4);
    refused(trainer, path, NULL);
    put(path, bytes, size);
    struct err err = {0};
    assert_int_equal(checkpoint_load(trainer, path, IDENTITY, NULL, &err), 0);
    mem_free(bytes);
    mem_free(longer);
    trainer_free(trainer);
}

/* One bit anywhere: every byte of the header, and the data in strides. */
static void one_bit(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "bit.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 12, 1);
    struct trainer *trainer = trained(&schedule, 3);
    save(trainer, path);
    size_t size;
    char *bytes = bytes_of(path, &size);
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    for (size_t i = 0; i < size; i += i < 8 + header ? 1 : 173) {
        char kept = bytes[i];
        bytes[i] ^= (char)(1 << i % 7);
        put(path, bytes, size);
        struct err err = {0};
        if (checkpoint_load(trainer, path, IDENTITY, NULL, &err) != ERR_INPUT)
            fail_msg("bit %zu of byte %zu (header: %zu): '%s'", i % 7, i, (size_t)header + 8,
                     err.text);
        assert_non_null(strstr(err.text, path));
        bytes[i] = kept;
    }
    mem_free(bytes);
    trainer_free(trainer);
}

/* The same file with its header changed by `change`. */
static void rewritten(const char *path, const char *to, const char *key, const char *value)
{
    struct tensors tensors;
    open_tensors(&tensors, path);
    json_t *meta = json_object_get(tensors.header, "__metadata__");
    if (key == NULL)
        json_object_del(tensors.header, "__metadata__");
    else if (value == NULL)
        json_object_del(meta, key);
    else
        json_object_set_new(meta, key, json_string(value));
    char *text = json_dumps(tensors.header, JSON_COMPACT), *padded;
    padded = mem_format(NULL, "%s%*s", text, (int)((8 - strlen(text) % 8) % 8), "");
    uint64_t length = strlen(padded);
    char *whole = mem_new(8 + length + tensors.data_size, 1, NULL);
    memcpy(whole, &length, 8);
    memcpy(whole + 8, padded, length);
    memcpy(whole + 8 + length, tensors.data, tensors.data_size);
    put(to, whole, 8 + length + tensors.data_size);
    mem_free(whole);
    mem_free(padded);
    free(text);
    close_tensors(&tensors);
}

static void missing_and_changed_keys(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "good.safetensors"),
               *bad = scratch_path(&scratch, "bad.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 12, 1);
    struct trainer *trainer = trained(&schedule, 3);
    save(trainer, path);
    static const char *const keys[] = {"format",          "identity", "xxh3",    "update", "epoch",
                                       "update_in_epoch", "images",   "correct", "rows",   "loss"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        rewritten(path, bad, keys[i], NULL);
        refused(trainer, bad, NULL);
        rewritten(path, bad, keys[i], "1");
        refused(trainer, bad, NULL);
    }
    rewritten(path, bad, "xxh3", NULL);
    refused(trainer, bad, "'xxh3' is missing");
    rewritten(path, bad, "format", "repro-checkpoint-0");
    refused(trainer, bad, "no checkpoint of this version");
    rewritten(path, bad, NULL, NULL);
    refused(trainer, bad, "is missing");
    /* nothing changed: the rewriting itself does no harm */
    rewritten(path, bad, "identity", IDENTITY);
    struct err err = {0};
    assert_int_equal(checkpoint_load(trainer, bad, IDENTITY, NULL, &err), 0);
    trainer_free(trainer);
}

static void of_another_run(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "other.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 12, 1);
    struct schedule adam = fixture_schedule(REPRO_OPTIMIZER_ADAM, 12, 1);
    struct trainer *trainer = trained(&schedule, 3), *other = trained(&adam, 0);
    struct err err = {0};
    save(trainer, path);
    assert_int_equal(checkpoint_load(trainer, path, "fedcba9876543210fedcba9876543210", NULL, &err),
                     ERR_INPUT);
    assert_non_null(strstr(err.text, "belongs to another run"));
    assert_non_null(strstr(err.text, IDENTITY));
    refused(other, path, "bytes of tensors where this network needs");
    err = (struct err){0};
    const char *nowhere = scratch_path(&scratch, "nowhere.safetensors");
    assert_int_equal(checkpoint_load(trainer, nowhere, IDENTITY, NULL, &err), ERR_IO);
    assert_non_null(strstr(err.text, nowhere));
    trainer_free(trainer);
    trainer_free(other);
}

/* As many floats, other tensors: the size alone would not tell. */
static void of_another_network(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    const char *path = scratch_path(&scratch, "network.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 12, 1);
    struct trainer *trainer = trained(&schedule, 3);
    save(trainer, path);
    char *name = fixture.net.tensors[1].name, kept = name[0];
    name[0] = '_';
    refused(trainer, path, "not those of this network");
    name[0] = kept;
    fixture.net.tensors[0].dims[0] /= 2;
    fixture.net.tensors[0].dims[1] *= 2;
    refused(trainer, path, "not those of this network");
    fixture.net.tensors[0].dims[0] *= 2;
    fixture.net.tensors[0].dims[1] /= 2;
    assert_int_equal(checkpoint_load(trainer, path, IDENTITY, NULL, &err), 0);
    trainer_free(trainer);
}

/* The right file for the network, but a place that this schedule does not have. */
static void of_another_schedule(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "schedule.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 12, 1),
                    coarse = fixture_schedule(REPRO_OPTIMIZER_SGD, 36, 1);
    struct trainer *trainer = trained(&schedule, 3), *other = trained(&coarse, 0);
    save(trainer, path);
    refused(other, path, "no place in this run's schedule");
    trainer_free(trainer);
    trainer_free(other);
}

/* ---- A save that fails ---- */

static void old_file_stays(struct trainer *trainer, const char *path, const char *bytes,
                           size_t size, int wanted)
{
    struct err err = {0};
    int code = checkpoint_save(trainer, path, IDENTITY, &err);
    assert_int_equal(code, wanted);
    assert_int_equal(err.code, wanted);
    assert_non_null(strstr(err.text, path));
    size_t now;
    char *left = bytes_of(path, &now);
    assert_int_equal(now, size);
    assert_memory_equal(left, bytes, size);
    mem_free(left);
}

static void a_failed_save_keeps_the_old(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "kept.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer *trainer = trained(&schedule, 2);
    save(trainer, path);
    size_t size;
    char *bytes = bytes_of(path, &size);
    fixture_train(trainer, 4);
    struct rlimit old, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    const size_t limits[] = {0, 4, 100, size / 2, size - 1};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        tight = (struct rlimit){.rlim_cur = limits[i], .rlim_max = old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        struct err err = {0};
        int code = checkpoint_save(trainer, path, IDENTITY, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(code, ERR_IO);
        assert_non_null(strstr(err.text, path));
        size_t now;
        char *left = bytes_of(path, &now);
        assert_int_equal(now, size);
        assert_memory_equal(left, bytes, size);
        mem_free(left);
    }
    signal(SIGXFSZ, SIG_DFL);
    save(trainer, path);
    mem_free(bytes);
    trainer_free(trainer);
}

static void what_is_not_finite_is_not_saved(void **state)
{
    (void)state;
    fixture_need();
    const char *path = scratch_path(&scratch, "finite.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer *trainer = trained(&schedule, 2);
    save(trainer, path);
    size_t size;
    char *bytes = bytes_of(path, &size);
    static const int arenas[] = {REPRO_ARENA_PARAM, REPRO_ARENA_MOMENT1, REPRO_ARENA_RUNNING};
    for (int i = 0; i < 3; i++) {
        struct err err = {0};
        size_t count = (size_t)trainer_arena_count(trainer, arenas[i]);
        float *values = mem_new(count, sizeof *values, NULL);
        assert_int_equal(trainer_read(trainer, arenas[i], values, &err), 0);
        float kept = values[count - 1];
        values[count - 1] = i == 1 ? NAN : INFINITY;
        assert_int_equal(trainer_write(trainer, arenas[i], values, &err), 0);
        old_file_stays(trainer, path, bytes, size, ERR_NOT_FINITE);
        values[count - 1] = kept;
        assert_int_equal(trainer_write(trainer, arenas[i], values, &err), 0);
        mem_free(values);
    }
    save(trainer, path);
    mem_free(bytes);
    trainer_free(trainer);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_anywhere),
        cmocka_unit_test(stopped_everywhere),
        cmocka_unit_test(the_same_state_the_same_bytes),
        cmocka_unit_test(any_reader_opens_it),
        cmocka_unit_test(cut_short),
        cmocka_unit_test(one_bit),
        cmocka_unit_test(missing_and_changed_keys),
        cmocka_unit_test(of_another_run),
        cmocka_unit_test(of_another_network),
        cmocka_unit_test(of_another_schedule),
        cmocka_unit_test(a_failed_save_keeps_the_old),
        cmocka_unit_test(what_is_not_finite_is_not_saved),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, set_up, tear_down);
}
