#include "results/verify.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "results/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_LIMIT ((size_t)1 << 40)
#define MEND "put back a copy, or delete the run's folder to train it anew"

/* What a checkpoint says of itself. */
struct kept {
    int is_there, has_log;
    size_t epochs;
    char digest[DIGEST_TEXT], log[DIGEST_TEXT];
};

static const char *said(const struct safetensors *file, const char *key)
{
    const char *text = json_string_value(json_object_get(file->meta, key));
    return text == NULL ? "" : text;
}

static int read_checkpoint(const struct stored *run, const char *path, struct kept *kept,
                           struct err *err)
{
    struct safetensors file = {0};
    const char *hash = json_string_value(json_object_get(run->manifest, "identity_hash"));
    int code = safetensors_read(path, CHECKPOINT_LIMIT, &file, err);
    if (code == 0)
        code = safetensors_check(&file, path, err);
    if (code == 0 && (hash == NULL || strcmp(said(&file, "identity"), hash) != 0))
        code = err_set(err, ERR_INPUT, "%s: belongs to another run (identity %s); " MEND, path,
                       said(&file, "identity"));
    if (code == 0) {
        kept->is_there = 1;
        kept->epochs = strtoull(said(&file, "epoch"), NULL, 10);
        kept->has_log = said(&file, "log")[0] != '\0';
        snprintf(kept->log, sizeof kept->log, "%s", said(&file, "log"));
        memcpy(kept->digest, file.digest, sizeof kept->digest);
    }
    safetensors_release(&file);
    return code;
}

/* The log's first rows are those that the checkpoint was written with. */
static int check_log(const struct stored *run, const char *path, const struct kept *kept,
                     struct err *err)
{
    char digest[DIGEST_TEXT];
    if (run->log.count < kept->epochs)
        return err_set(err, ERR_INPUT, "%s:%zu: ends after %zu epochs where %s has %zu; " MEND,
                       run->log_path, run->log.count + 1, run->log.count, path, kept->epochs);
    if (!kept->has_log)
        return 0;
    int code = runlog_digest_timeless(&run->log, kept->epochs, digest, err);
    if (code == 0 && strcmp(digest, kept->log) != 0)
        code = err_set(err, ERR_INPUT,
                       "%s: damaged: its first %zu epochs are not those that the checkpoint was "
                       "written with, by the digest in there; " MEND,
                       run->log_path, kept->epochs);
    return code;
}

/* A run that is done, and its checkpoint where that was kept. */
static int check_done(const struct stored *run, const char *path, const struct kept *kept,
                      struct err *err)
{
    const char *wanted = manifest_digest(run->manifest, "checkpoint");
    if (!kept->is_there || wanted == NULL || strcmp(wanted, kept->digest) == 0)
        return 0;
    return err_set(err, ERR_INPUT,
                   "%s: is not the checkpoint that the run ended with, by the digest in its "
                   "manifest; " MEND,
                   path);
}

static void put_words(const struct stored *run, const struct kept *kept, struct verification *found)
{
    int by_log = run->done ? manifest_digest(run->manifest, "log") != NULL
                           : !kept->is_there || kept->epochs == 0 || kept->has_log;
    int by_checkpoint = !run->done || !kept->is_there ||
                        manifest_digest(run->manifest, "checkpoint") != NULL;
    int by_manifest = json_integer_value(json_object_get(run->manifest, "format")) > 1;
    found->state = by_log && by_checkpoint && by_manifest ? VERIFY_GOOD : VERIFY_UNSEALED;
    snprintf(found->words, sizeof found->words, "%s, %zu epochs%s%s", run->done ? "done" : "begun",
             run->done || !kept->is_there ? run->log.count : kept->epochs,
             kept->is_there ? "" : "; no checkpoint is kept",
             found->state == VERIFY_GOOD ? "" : "; made before digests were kept");
}

int verify_run(struct stored *run, struct verification *found, struct err *err)
{
    struct kept kept = {0};
    const struct runlog *log = NULL;
    *found = (struct verification){.damage = run->damage};
    char *path = mem_format(err, "%s/checkpoint.safetensors", run->folder);
    if (path == NULL)
        return ERR_MEMORY;
    int code = run->manifest == NULL ? run->damage.code : 0;
    if (code == 0 && file_exists(path))
        code = read_checkpoint(run, path, &kept, &found->damage);
    if (code == 0 && (run->done || kept.epochs > 0))
        code = stored_log(run, &log, &found->damage);
    if (code == 0 && kept.is_there && log != NULL)
        code = check_log(run, path, &kept, &found->damage);
    if (code == 0 && run->done)
        code = check_done(run, path, &kept, &found->damage);
    mem_free(path);
    if (code == ERR_MEMORY) {
        *err = found->damage;
        return code;
    }
    if (code == 0)
        put_words(run, &kept, found);
    else
        found->state = VERIFY_DAMAGED;
    return 0;
}
