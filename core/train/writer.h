/* writer.h -- one thread that puts checkpoints on the disk while training goes on.
 *
 * One checkpoint at a time, in the order in which they come; whoever brings the next waits until
 * the one before is whole on the disk.  A failure is told to the next who asks.  The thread blocks
 * all signals. */
#ifndef TRAIN_WRITER_H
#define TRAIN_WRITER_H

#include "train/checkpoint.h"

struct err;
struct writer;

/* ERR_MEMORY, also when there is no thread to be had. */
int writer_new(struct writer **out, struct err *err);
/* Waits for what is under way; NULL is legal. */
void writer_free(struct writer *writer);

/* What is to be done when an image is whole on the disk, by the thread, before anybody who waits
 * for it goes on.  Not where writing fails. */
struct writer_note {
    void (*written)(void *context); /* NULL: nothing */
    void *context;
};

/* Takes the image over, whatever is returned.  The error of the one before, whose file is the older
 * one then; this image is not written in that case.  note: copied; NULL: nothing. */
int writer_put(struct writer *writer, struct checkpoint_image *image,
               const struct writer_note *note, struct err *err);
/* Waits; the error of what was put last. */
int writer_wait(struct writer *writer, struct err *err);

#endif
