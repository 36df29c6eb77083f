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
    struct err err; /* why there are no rows; code 0: there are */
    uint8_t *pixels;
    int32_t *labels;
    struct repro_crop *crops;
    int64_t *image;
};

struct prefetch {
    struct prefetch_config config;
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
    return a.epoch == b.epoch && a.update == b.update && a.micro == b.micro && a.split == b.split;
}

static struct reduction_cut cut_of(const struct prefetch *ahead, struct prefetch_place place)
{
    const struct schedule *schedule = ahead->config.schedule;
    return reduction_cut(schedule_rows(schedule, place.epoch, place.update), ahead->config.micro,
                         schedule->ghost, ahead->config.groups);
}

static struct reduction_span share_of(const struct prefetch *ahead, struct prefetch_place place)
{
    struct reduction_cut cut = cut_of(ahead, place);
    int ranks = ahead->config.ranks;
    return reduction_share(&cut, ahead->config.rank, ranks == 0 ? 1 : ranks);
}

/* Of the test set. */
static struct reduction_span test_share_of(const struct prefetch *ahead)
{
    const struct prefetch_config *config = &ahead->config;
    return reduction_deal(reduction_micros(config->data->test_n, config->micro),
                          config->ranks == 0 ? 1 : config->ranks, config->rank);
}

/* Before the first update of the next epoch, where the place is behind the last of its own. */
static int turn_epoch(const struct prefetch *ahead, struct prefetch_place *place)
{
    const struct schedule *schedule = ahead->config.schedule;
    if (place->epoch == schedule->epochs ||
        place->update < schedule_at(schedule, place->epoch)->updates_per_epoch)
        return 0;
    place->epoch++;
    place->update = 0;
    return 1;
}

/* Moves to the place behind, of this share; 0 at the end of the run. */
static int advance(const struct prefetch *ahead, struct prefetch_place *place)
{
    place->micro++;
    if (place->split == DATASET_TEST) {
        struct reduction_span test = test_share_of(ahead);
        if (place->micro < test.first + test.count)
            return 1;
        place->split = DATASET_TRAIN;
        place->micro = 0;
    }
    while (place->epoch < ahead->config.schedule->epochs) {
        struct reduction_span share = share_of(ahead, *place);
        if (place->micro < share.first)
            place->micro = share.first;
        if (place->micro < share.first + share.count)
            return 1;
        place->micro = 0;
        place->update++;
        struct reduction_span test = test_share_of(ahead);
        if (turn_epoch(ahead, place) && ahead->config.evaluates && test.count > 0) {
            place->split = DATASET_TEST;
            place->micro = test.first;
            return 1;
        }
    }
    return 0;
}

/* Which images: of an epoch's order. */
static int64_t list_train(struct prefetch *ahead, struct prefetch_place place, int64_t *image)
{
    const struct schedule *schedule = ahead->config.schedule;
    struct reduction_cut cut = cut_of(ahead, place);
    struct reduction_span span = reduction_micro(&cut, place.micro);
    if (ahead->order_epoch != place.epoch) {
        batch_order(ahead->config.seed, (uint32_t)place.epoch, schedule->train_n, ahead->order);
        ahead->order_epoch = place.epoch;
    }
    int64_t batch = schedule_at(schedule, place.epoch)->batch;
    memcpy(image, ahead->order + place.update * batch + span.first,
           (size_t)span.count * sizeof *image);
    return span.count;
}

/* Which images: the test set as it lies. */
static int64_t list_test(const struct prefetch *ahead, struct prefetch_place place, int64_t *image)
{
    struct reduction_span span = reduction_rows(ahead->config.data->test_n, ahead->config.micro,
                                                place.micro);
    for (int64_t i = 0; i < span.count; i++)
        image[i] = span.first + i;
    return span.count;
}

static void fill(struct prefetch *ahead, struct slot *slot, struct prefetch_place place)
{
    const struct prefetch_config *config = &ahead->config;
    int test = place.split == DATASET_TEST, code = 0;
    int64_t count = test ? list_test(ahead, place, slot->image)
                         : list_train(ahead, place, slot->image);
    if (config->resident && test)
        for (int64_t i = 0; i < count; i++)
            slot->crops[i] = (struct repro_crop){.image = (int32_t)slot->image[i]};
    else if (config->resident)
        dataset_crops(config->data, config->seed, (uint32_t)place.epoch, slot->image, count,
                      slot->crops);
    else if (test)
        code = dataset_plain(config->data, DATASET_TEST, slot->image, count, slot->pixels,
                             slot->labels, &slot->err);
    else
        code = dataset_augmented(config->data, config->seed, (uint32_t)place.epoch, slot->image,
                                 count, slot->pixels, slot->labels, &slot->err);
    slot->err.code = code;
    slot->place = place;
    slot->rows = (struct prefetch_rows){.count = count,
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

size_t prefetch_bytes(const struct dataset *data, int64_t micro)
{
    size_t row = dataset_image_bytes(data) + sizeof(int32_t) + sizeof(int64_t);
    return PREFETCH_DEPTH * (size_t)micro * row;
}

static int make_slot(const struct prefetch *ahead, struct slot *slot, struct err *err)
{
    size_t micro = (size_t)ahead->config.micro;
    slot->image = mem_new(micro, sizeof *slot->image, err);
    if (slot->image == NULL)
        return ERR_MEMORY;
    if (ahead->config.resident) {
        slot->crops = mem_new(micro, sizeof *slot->crops, err);
        return slot->crops == NULL ? ERR_MEMORY : 0;
    }
    slot->pixels = mem_new(micro, dataset_image_bytes(ahead->config.data), err);
    slot->labels = mem_new(micro, sizeof *slot->labels, err);
    return slot->pixels == NULL || slot->labels == NULL ? ERR_MEMORY : 0;
}

int prefetch_new(const struct prefetch_config *config, struct prefetch **out, struct err *err)
{
    struct prefetch *ahead = mem_new(1, sizeof *ahead, err);
    if (ahead == NULL)
        return ERR_MEMORY;
    ahead->config = *config;
    ahead->order_epoch = -1;
    ahead->idle = 1;
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->filled, NULL);
    pthread_cond_init(&ahead->emptied, NULL);
    ahead->order = mem_new((size_t)config->data->train_n, sizeof *ahead->order, err);
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

int prefetch_take(struct prefetch *ahead, struct prefetch_place place,
                  const struct prefetch_rows **rows, struct err *err)
{
    if (place.split == DATASET_TEST)
        turn_epoch(ahead, &place);
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
    const struct slot *slot = &ahead->slot[ahead->first];
    ahead->first = (ahead->first + 1) % PREFETCH_DEPTH;
    ahead->ready--;
    ahead->held = 1;
    pthread_mutex_unlock(&ahead->lock);
    if (slot->err.code != 0)
        return err_set(err, slot->err.code, "%s", slot->err.text);
    *rows = &slot->rows;
    return 0;
}

uint64_t prefetch_beginnings(const struct prefetch *ahead)
{
    return ahead->start; /* changed by the consumer alone, whose call this is */
}
