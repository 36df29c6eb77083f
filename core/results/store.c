#include "results/store.h"

#include "base/file.h"
#include "base/mem.h"
#include "results/identity.h"
#include "results/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_IN_NAME 12 /* digits of the hash that end a folder's name */
#define LAST_DIGIT 1e-6 /* of an accuracy in a log */
#define LOG_MEND "put back a copy, or delete the run's folder to train it anew"

static int by_folder(const void *a, const void *b)
{
    return strcmp(((const struct stored *)a)->folder, ((const struct stored *)b)->folder);
}

static int append(struct store *store, size_t *capacity, struct stored **next, struct err *err)
{
    if (store->count == *capacity) {
        size_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
        struct stored *larger = mem_new(wanted, sizeof *larger, err);
        if (larger == NULL)
            return ERR_MEMORY;
        if (store->count > 0)
            memcpy(larger, store->runs, store->count * sizeof *larger);
        mem_free(store->runs);
        store->runs = larger;
        *capacity = wanted;
    }
    *next = &store->runs[store->count++];
    return 0;
}

/* A folder without a manifest is not a run yet. */
static int take(struct store *store, size_t *capacity, const char *name, struct err *err)
{
    struct stored *run = NULL;
    char *path = mem_format(err, "%s/runs/%s/manifest.json", store->out, name);
    if (path == NULL)
        return ERR_MEMORY;
    int code = file_exists(path) ? append(store, capacity, &run, err) : 0;
    if (code == 0 && run != NULL) {
        run->folder = mem_format(err, "%s/runs/%s", store->out, name);
        run->log_path = mem_format(err, "%s/runs/%s/log.tsv", store->out, name);
        code = run->folder == NULL || run->log_path == NULL ? ERR_MEMORY : 0;
    }
    if (code == 0 && run != NULL) {
        if (manifest_read(path, &run->manifest, &run->damage) == 0)
            run->done = manifest_is_done(run->manifest);
        else if (run->damage.code == ERR_MEMORY)
            code = ERR_MEMORY;
        if (code != 0)
            *err = run->damage;
    }
    mem_free(path);
    return code;
}

int store_open(struct store *store, const char *out, struct err *err)
{
    size_t capacity = 0;
    *store = (struct store){.out = mem_string(out, err)};
    char *runs = mem_format(err, "%s/runs", out);
    int code = store->out == NULL || runs == NULL ? ERR_MEMORY : 0;
    DIR *directory = code == 0 ? opendir(runs) : NULL;
    if (code == 0 && directory == NULL && errno != ENOENT && errno != ENOTDIR)
        code = err_errno(err, errno, "%s: cannot be read", runs);
    for (struct dirent *entry;
         code == 0 && directory != NULL && (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.')
            code = take(store, &capacity, entry->d_name, err);
    if (directory != NULL)
        closedir(directory);
    mem_free(runs);
    if (code != 0)
        store_close(store);
    else if (store->count > 1)
        qsort(store->runs, store->count, sizeof *store->runs, by_folder);
    return code;
}

void store_close(struct store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        mem_free(store->runs[i].folder);
        mem_free(store->runs[i].log_path);
        json_decref(store->runs[i].manifest);
        runlog_release(&store->runs[i].log);
    }
    mem_free(store->runs);
    mem_free(store->out);
    *store = (struct store){0};
}

struct stored *store_find(const struct store *store, const char *hash)
{
    for (size_t i = 0; i < store->count; i++) {
        struct stored *run = &store->runs[i];
        size_t length = strlen(run->folder);
        const char *found = json_string_value(json_object_get(run->manifest, "identity_hash"));
        if (run->manifest != NULL
                ? found != NULL && strcmp(found, hash) == 0
                : length > HASH_IN_NAME &&
                      strncmp(run->folder + length - HASH_IN_NAME, hash, HASH_IN_NAME) == 0)
            return run;
    }
    return NULL;
}

const json_t *stored_identity(const struct stored *run)
{
    return json_object_get(run->manifest, "identity");
}

uint64_t stored_seed(const struct stored *run)
{
    json_int_t seed = json_integer_value(json_object_get(stored_identity(run), "seed"));
    return seed > 0 ? (uint64_t)seed : 0;
}

/* A log of before there were digests must at least be the one that the result is of. */
static int check_result(const struct stored *run, struct err *err)
{
    const json_t *result = json_object_get(run->manifest, "result");
    const struct runlog_row *last = &run->log.rows[run->log.count - 1];
    json_int_t updates = json_integer_value(json_object_get(result, "updates"));
    const json_t *accuracy = json_object_get(result, "test_accuracy");
    if (result == NULL)
        return 0;
    if (last->updates != updates)
        return err_set(err, ERR_INPUT,
                       "%s:%zu: ends at update %" PRId64 " where the run ended at %" PRId64
                       ", by its manifest; " LOG_MEND,
                       run->log_path, run->log.count + 1, last->updates, (int64_t)updates);
    if (json_is_number(accuracy) &&
        fabs(json_number_value(accuracy) - last->test_accuracy) > LAST_DIGIT)
        return err_set(
            err, ERR_INPUT,
            "%s:%zu: the last test accuracy is %.6f where the manifest has %.6f; " LOG_MEND,
            run->log_path, run->log.count + 1, last->test_accuracy, json_number_value(accuracy));
    return 0;
}

/* The log is the one that the run ended with. */
static int vouch(const struct stored *run, struct err *err)
{
    char digest[DIGEST_TEXT];
    const char *wanted = manifest_digest(run->manifest, "log");
    if (run->log.count == 0)
        return err_set(err, ERR_INPUT, "%s:2: no epoch, though the run is done; " LOG_MEND,
                       run->log_path);
    int code = check_result(run, err);
    if (code == 0 && wanted != NULL)
        code = runlog_digest(&run->log, run->log.count, digest, err);
    if (code == 0 && wanted != NULL && strcmp(digest, wanted) != 0)
        code = err_set(err, ERR_INPUT,
                       "%s: damaged: it is not the log that the run ended with, by the digest in "
                       "its manifest; " LOG_MEND,
                       run->log_path);
    return code;
}

/* Epochs follow one another, done or not. */
static int check_order(const struct stored *run, struct err *err)
{
    for (size_t i = 0; i < run->log.count; i++)
        if (run->log.rows[i].epoch != (int)i + 1)
            return err_set(err, ERR_INPUT, "%s:%zu: epoch %d where %zu is due; " LOG_MEND,
                           run->log_path, i + 2, run->log.rows[i].epoch, i + 1);
    return 0;
}

int stored_log(struct stored *run, const struct runlog **log, struct err *err)
{
    int code = 0;
    if (!run->has_log) {
        code = runlog_read(&run->log, run->log_path, err);
        if (code == 0)
            code = check_order(run, err);
        if (code == 0 && run->done)
            code = vouch(run, err);
        if (code != 0)
            runlog_release(&run->log);
    }
    if (code != 0)
        return code;
    run->has_log = 1;
    *log = &run->log;
    return 0;
}
