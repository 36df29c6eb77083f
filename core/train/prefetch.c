#include "train/prefetch.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"
#include "train/reduction.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

struct slot {
    struct prefetch_place place;
    struct prefetch_rows rows;
    uint8_t *pixels;
    int32_t *labels;
    struct repro_crop *crops;
    int64_t *image;
};

struct prefetch {
    const struct dataset *data;
    const struct schedule *schedule;
    uint64_t seed;
    int64_t micro;
    int resident;
    int64_t *order; /* [train_n] of epoch order_epoch; the thread's own */
    int order_epoch;

    /* Under the lock.  Slots first..first+ready-1 (mod depth) are ready; the one before them is
     * held while `held`. */
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct slot slot[PREFETCH_DEPTH];
    int first, ready, held;
    struct prefetch_place next; /* what the thread makes next */
    int idle;                   /* there is no next */
    uint64_t start;             /* counts new beginnings: a micro made for an old one is dropped */
    int stop;

    pthread_t thread;
    int has_thread;
};

static int same_place(struct prefetch_place a, struct prefetch_place b)
{
    return a.epoch == b.epoch && a.update == b.update && a.micro == b.micro;
}

/* Moves to the place behind; 0 at the end of the run. */
static int advance(const struct prefetch *ahead, struct prefetch_place *place)
{
    const struct phase *phase = schedule_at(ahead->schedule, place->epoch);
    int64_t rows = schedule_rows(ahead->schedule, place->epoch, place->update);
    if (++place->micro < reduction_cut(rows, ahead->micro, ahead->schedule->ghost, 1).micros)
        return 1;
    place->micro = 0;
    if (++place->update < phase->updates_per_epoch)
        return 1;
    place->update = 0;
    return ++place->epoch < ahead->schedule->epochs;
}

static void fill(struct prefetch *ahead, struct slot *slot, struct prefetch_place place)
{
    int64_t batch = schedule_at(ahead->schedule, place.epoch)->batch;
    int64_t rows = schedule_rows(ahead->schedule, place.epoch, place.update);
    struct reduction_cut cut = reduction_cut(rows, ahead->micro, ahead->schedule->ghost, 1);
    struct reduction_span span = reduction_micro(&cut, place.micro);
    if (ahead->order_epoch != place.epoch) {
        batch_order(ahead->seed, (uint32_t)place.epoch, ahead->schedule->train_n, ahead->order);
        ahead->order_epoch = place.epoch;
    }
    memcpy(slot->image, ahead->order + place.update * batch + span.first,
           (size_t)span.count * sizeof *slot->image);
    if (ahead->resident)
        batch_crops(ahead->seed, (uint32_t)place.epoch, slot->image, span.count, slot->crops);
    else
        batch_train(ahead->data, ahead->seed, (uint32_t)place.epoch, slot->image, span.count,
                    slot->pixels, slot->labels);
    slot->place = place;
    slot->rows = (struct prefetch_rows){.count = span.count,
                                        .pixels = slot->pixels,
                                        .labels = slot->labels,
                                        .crops = slot->crops,
                                        .image = slot->image};
}

static void *work(void *context)
{
    struct prefetch *ahead = context;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop) {
        if (ahead->idle || ahead->ready + ahead->held == PREFETCH_DEPTH) {
            pthread_cond_wait(&ahead->emptied, &ahead->lock);
            continue;
        }
        struct slot *slot = &ahead->slot[(ahead->first + ahead->ready) % PREFETCH_DEPTH];
        struct prefetch_place place = ahead->next;
        uint64_t start = ahead->start;
        pthread_mutex_unlock(&ahead->lock);
        fill(ahead, slot, place);
        pthread_mutex_lock(&ahead->lock);
        if (start != ahead->start)
            continue;
        ahead->ready++;
        ahead->idle = !advance(ahead, &ahead->next);
        pthread_cond_signal(&ahead->filled);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

static int start_thread(struct prefetch *ahead, struct err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&ahead->thread, NULL, work, ahead);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0)
        return err_set(
            err, ERR_MEMORY,
            "no thread for assembling batches: %s; raise the limit on processes (ulimit -u)",
            strerror(failed));
    ahead->has_thread = 1;
    return 0;
}

static int make_slot(const struct prefetch *ahead, struct slot *slot, struct err *err)
{
    const struct dataset *data = ahead->data;
    size_t micro = (size_t)ahead->micro,
           image = (size_t)data->height * (size_t)data->width * (size_t)data->channels;
    slot->image = mem_new(micro, sizeof *slot->image, err);
    if (slot->image == NULL)
        return ERR_MEMORY;
    if (ahead->resident) {
        slot->crops = mem_new(micro, sizeof *slot->crops, err);
        return slot->crops == NULL ? ERR_MEMORY : 0;
    }
    slot->pixels = mem_new(micro, image, err);
    slot->labels = mem_new(micro, sizeof *slot->labels, err);
    return slot->pixels == NULL || slot->labels == NULL ? ERR_MEMORY : 0;
}

int prefetch_new(const struct dataset *data, const struct schedule *schedule, uint64_t seed,
                 int64_t micro, int resident, struct prefetch **out, struct err *err)
{
    struct prefetch *ahead = mem_new(1, sizeof *ahead, err);
    if (ahead == NULL)
        return ERR_MEMORY;
    ahead->data = data;
    ahead->schedule = schedule;
    ahead->seed = seed;
    ahead->micro = micro;
    ahead->resident = resident;
    ahead->order_epoch = -1;
    ahead->idle = 1;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->filled, NULL);
    pthread_cond_init(&ahead->emptied, NULL);
    ahead->order = mem_new((size_t)data->train_n, sizeof *ahead->order, err);
    int code = ahead->order == NULL ? ERR_MEMORY : 0;
    for (int i = 0; code == 0 && i < PREFETCH_DEPTH; i++)
        code = make_slot(ahead, &ahead->slot[i], err);
    if (code == 0)
        code = start_thread(ahead, err);
    if (code != 0) {
        prefetch_free(ahead);
        return code;
    }
    *out = ahead;
    return 0;
}

void prefetch_free(struct prefetch *ahead)
{
    if (ahead == NULL)
        return;
    if (ahead->has_thread) {
        pthread_mutex_lock(&ahead->lock);
        ahead->stop = 1;
        pthread_cond_signal(&ahead->emptied);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    pthread_cond_destroy(&ahead->emptied);
    pthread_cond_destroy(&ahead->filled);
    pthread_mutex_destroy(&ahead->lock);
    for (int i = 0; i < PREFETCH_DEPTH; i++) {
        mem_free(ahead->slot[i].pixels);
        mem_free(ahead->slot[i].labels);
        mem_free(ahead->slot[i].crops);
        mem_free(ahead->slot[i].image);
    }
    mem_free(ahead->order);
    mem_free(ahead);
}

const struct prefetch_rows *prefetch_take(struct prefetch *ahead, struct prefetch_place place)
{
    pthread_mutex_lock(&ahead->lock);
    ahead->held = 0;
    int coming = ahead->ready > 0 ? same_place(ahead->slot[ahead->first].place, place)
                                  : !ahead->idle && same_place(ahead->next, place);
    if (!coming) {
        ahead->start++;
        ahead->ready = 0;
        ahead->next = place;
        ahead->idle = 0;
    }
    pthread_cond_signal(&ahead->emptied);
    while (ahead->ready == 0)
        pthread_cond_wait(&ahead->filled, &ahead->lock);
    struct slot *slot = &ahead->slot[ahead->first];
    ahead->first = (ahead->first + 1) % PREFETCH_DEPTH;
    ahead->ready--;
    ahead->held = 1;
    pthread_mutex_unlock(&ahead->lock);
    return &slot->rows;
}
