/* checkpoint.h -- a run's whole state in one safetensors file.
 *
 * Layout: 8 bytes little-endian header length, a JSON header, then the arenas back to back in f32
 * little-endian.  Every tensor is named ("param/group1.block1.conv1.weights", "moment1/...",
 * "running/..."), so that the file opens in any safetensors reader. __metadata__ holds the run's
 * identity hash, the state, the digest of the run's log as it was then ("log"), that of the names
 * and shapes ("layout"), and the XXH3-128 of the tensors, seeded with the XXH3 of the rest of the
 * metadata (compact, keys sorted), so that it guards the state too (base/safetensors.h).  Files of
 * before have neither "log" nor "layout".  Doubles are written in hexadecimal.  A file is replaced
 * whole or not at all (file.h). */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/digest.h"
#include "base/safetensors.h"

#include <stddef.h>

struct err;
struct trainer;

/* A checkpoint on its way to the disk: nothing in it is the trainer's any more. */
struct checkpoint_image {
    char *path, *header;
    float *data; /* [floats] */
    size_t floats;
    char digest[DIGEST_TEXT]; /* of the whole file */
};

/* What a file says besides the state. */
struct checkpoint_marks {
    char digest[DIGEST_TEXT]; /* of the whole file */
    char log[DIGEST_TEXT];    /* of the log of its finished epochs; empty in a file of before */
};

/* Settles and copies the trainer's state, for path; log is the digest of the log of the epochs that
 * are finished, or NULL.  ERR_NOT_FINITE when an arena holds an infinity or NaN. */
int checkpoint_take(struct trainer *trainer, const char *path, const char *identity,
                    const char *log, struct checkpoint_image *out, struct err *err);
/* Replaces the file; by any thread. */
int checkpoint_write(const struct checkpoint_image *image, struct err *err);
/* Legal on a zeroed struct. */
void checkpoint_image_release(struct checkpoint_image *image);

/* Takes and writes the trainer's state, without a log; identity is the run's hash.  ERR_NOT_FINITE
 * when an arena holds an infinity or NaN; the old file stays then, as after any failure. */
int checkpoint_save(struct trainer *trainer, const char *path, const char *identity,
                    struct err *err);

/* Puts the trainer into the state saved; marks may be NULL.  ERR_INPUT names the file and what is
 * wrong: cut short, damaged, of another identity, of another network.  The trainer is unchanged
 * then, but for its arenas. */
int checkpoint_load(struct trainer *trainer, const char *path, const char *identity,
                    struct checkpoint_marks *marks, struct err *err);

/* A file's frame that was read for whoever has no trainer: it is of this version and of the run of
 * that identity, and it is what was written (safetensors_check()).  ERR_INPUT else. */
int checkpoint_check(struct safetensors *file, const char *path, const char *identity,
                     struct err *err);

#endif
