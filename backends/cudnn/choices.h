/* choices.h -- the file that keeps which engine was found fastest, a line a convolution.
 *
 * Text, tab-separated: a line with the format's number, a line of column names, then
 *
 *   device library precision rule direction src weights dst stride padding
 *                               the key: what was tried, where
 *   engine knobs                what won
 *   microseconds speedup tried  its time, how many times faster than the first proposal,
 *                               of how many
 *
 * It is replaced whole, so a reader needs no lock and never sees half a line.  Who adds a line
 * holds the lock from looking for it until it is there.  A line that cannot be read is an error
 * that names it: nothing is chosen behind its back. */
#ifndef CUDNN_CHOICES_H
#define CUDNN_CHOICES_H

#include "backend/backend.h"
#include "knobs.h"

#define CHOICES_KEY 640 /* bytes; no key of ours is longer */
#define CHOICES_KEY_FIELDS 10

struct choices_entry {
    int line; /* 0: the file has none */
    int64_t engine;
    struct knobs knobs;
    double microseconds, speedup;
    int tried;
};

/* The entry of a key; line 0 when the file or the key is not there.  Every line is looked at,
 * whatever the key. REPRO_ARGUMENT, naming file and line, when a line is damaged, stands there
 * twice, or is of another format. */
int32_t choices_find(const char *path, const char *key, struct choices_entry *entry,
                     struct repro_error *err);
/* Appends a line and sets entry->line; the caller holds the lock. */
int32_t choices_add(const char *path, const char *key, struct choices_entry *entry,
                    struct repro_error *err);

/* Waits for PATH.lock, one process at a time; *lock goes to choices_unlock(). */
int32_t choices_lock(const char *path, int *lock, struct repro_error *err);
void choices_unlock(int lock);

/* Fills *err with "PATH:LINE: what", and the mend; returns REPRO_ARGUMENT. */
int32_t choices_refuse(const char *path, int line, const char *what, struct repro_error *err);

#endif
