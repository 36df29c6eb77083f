/* checkpoint.h -- a run's whole state in one safetensors file.
 *
 * Layout: 8 bytes little-endian header length, a JSON header, then the arenas back to back in f32
 * little-endian.  Every tensor is named ("param/group1.block1.conv1.weights", "moment1/...",
 * "running/..."), so that the file opens in any safetensors reader. __metadata__ holds the run's
 * identity hash, the state, and the XXH3-128 of the tensors, seeded with the XXH3 of the rest of
 * the metadata (compact, keys sorted), so that it guards the state too.  Doubles are written in
 * hexadecimal.  A file is replaced whole or not at all (file.h). */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "base/safetensors.h"

#include <stddef.h>

struct err;
struct trainer;

/* A checkpoint on its way to the disk: nothing in it is the trainer's any more. */
struct checkpoint_image {
    char *path, *header;
    float *data; /* [floats] */
    size_t floats;
};

/* Settles and copies the trainer's state, for path.  ERR_NOT_FINITE when an arena holds an infinity
 * or NaN. */
int checkpoint_take(struct trainer *trainer, const char *path, const char *identity,
                    struct checkpoint_image *out, struct err *err);
/* Replaces the file; by any thread. */
int checkpoint_write(const struct checkpoint_image *image, struct err *err);
/* Legal on a zeroed struct. */
void checkpoint_image_release(struct checkpoint_image *image);

/* Takes and writes the trainer's state; identity is the run's hash.  ERR_NOT_FINITE when an arena
 * holds an infinity or NaN; the old file stays then, as after any failure. */
int checkpoint_save(struct trainer *trainer, const char *path, const char *identity,
                    struct err *err);

/* Puts the trainer into the state saved.  ERR_INPUT names the file and what is wrong: cut short,
 * damaged, of another identity, of another network.  The trainer is unchanged then, but for its
 * arenas. */
int checkpoint_load(struct trainer *trainer, const char *path, const char *identity,
                    struct err *err);

/* ---- A checkpoint as a file, for whoever has no trainer ---- */

struct checkpoint_file {
    char *bytes;
    struct safetensors tensors;
    json_t *meta; /* the header's; strings */
};

/* Reads a file of at most `limit` bytes of tensors.  ERR_INPUT where it is cut short or no such
 * file. */
int checkpoint_file_open(struct checkpoint_file *file, const char *path, size_t limit,
                         struct err *err);
/* ERR_INPUT where it is of another version or another identity, or its checksum does not fit. */
int checkpoint_file_check(const struct checkpoint_file *file, const char *path,
                          const char *identity, struct err *err);
/* Legal on a zeroed struct. */
void checkpoint_file_release(struct checkpoint_file *file);

#endif
