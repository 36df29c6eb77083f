#include "train/writer.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

struct writer {
    pthread_t thread;
    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct checkpoint_image image;
    struct writer_note note;
    int busy; /* there is an image that is not on the disk */
    int stop;
    struct err failure; /* of the last image, until somebody is told */
};

static void *work(void *context)
{
    struct writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    while (!writer->stop || writer->busy) {
        if (!writer->busy) {
            pthread_cond_wait(&writer->changed, &writer->lock);
            continue;
        }
        struct checkpoint_image image = writer->image;
        struct writer_note note = writer->note;
        struct err failure = {0};
        pthread_mutex_unlock(&writer->lock);
        if (checkpoint_write(&image, &failure) == 0 && note.written != NULL)
            note.written(note.context);
        checkpoint_image_release(&image);
        pthread_mutex_lock(&writer->lock);
        writer->failure = failure;
        writer->busy = 0;
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

int writer_new(struct writer **out, struct err *err)
{
    sigset_t all, before;
    struct writer *writer = mem_new(1, sizeof *writer, err);
    if (writer == NULL)
        return ERR_MEMORY;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&writer->thread, NULL, work, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        pthread_cond_destroy(&writer->changed);
        pthread_mutex_destroy(&writer->lock);
        mem_free(writer);
        return err_set(
            err, ERR_MEMORY,
            "no thread for writing checkpoints: %s; raise the limit on processes (ulimit -u)",
            strerror(failed));
    }
    *out = writer;
    return 0;
}

void writer_free(struct writer *writer)
{
    if (writer == NULL)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->stop = 1;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->lock);
    mem_free(writer);
}

/* Under the lock. */
static int wait_until_idle(struct writer *writer, struct err *err)
{
    while (writer->busy)
        pthread_cond_wait(&writer->changed, &writer->lock);
    int code = writer->failure.code;
    if (code != 0)
        *err = writer->failure;
    writer->failure.code = 0;
    return code;
}

int writer_put(struct writer *writer, struct checkpoint_image *image,
               const struct writer_note *note, struct err *err)
{
    pthread_mutex_lock(&writer->lock);
    int code = wait_until_idle(writer, err);
    if (code == 0) {
        writer->image = *image;
        writer->note.written = note == NULL ? NULL : note->written;
        writer->note.context = note == NULL ? NULL : note->context;
        writer->busy = 1;
        memset(image, 0, sizeof *image);
        pthread_cond_broadcast(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    checkpoint_image_release(image);
    return code;
}

int writer_wait(struct writer *writer, struct err *err)
{
    pthread_mutex_lock(&writer->lock);
    int code = wait_until_idle(writer, err);
    pthread_mutex_unlock(&writer->lock);
    return code;
}
