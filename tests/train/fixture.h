/* fixture.h -- what the tests of training share: a backend behind a spy, a small data set, network
 * "tiny".
 *
 * The backend is $REPRO_TRAIN_BACKEND, default "openblas"; the spy asks for rows that are pixels. A
 * backend that cannot be loaded skips every test with the reason, unless $REPRO_REQUIRE, a comma
 * list, names it. */
#ifndef TESTS_TRAIN_FIXTURE_H
#define TESTS_TRAIN_FIXTURE_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "net/net.h"
#include "schedule/schedule.h"
#include "train/trainer.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define FIXTURE_TRAIN_N 72
#define FIXTURE_IMAGES 4096

struct fixture {
    const char *name;
    struct repro_backend backend, plain; /* with the spy, without */
    struct repro_device *device;         /* one thread */
    struct dataset data;                 /* 72 + 20 images of 8 x 8 x 3, 4 classes */
    struct net net;
    char reason[1200]; /* why nothing can be tested; empty: it can */
    /* What the spy saw. */
    int64_t images[FIXTURE_IMAGES]; /* of TRAIN rows, in order */
    size_t image_count;
    uint64_t pixel_hash;    /* of their pixels and labels, by fixture_hash() */
    float *partial;         /* [param_count + running_count] before the last update */
    struct repro_step step; /* of the last update */
    int fail_forward;       /* 1: the next forward fails, and so on down */
};

extern struct fixture fixture;

/* cmocka group set-up and teardown. */
int fixture_open(void **state);
int fixture_close(void **state);
/* First line of a test. */
void fixture_need(void);

/* Whether $REPRO_REQUIRE names it. */
int fixture_required(const char *name);
/* The hash with one more image and its label (FNV-1a). */
uint64_t fixture_hash(uint64_t hash, const uint8_t *pixels, int32_t label);
/* A device of so many threads. */
struct repro_device *fixture_device(int threads);

/* Two epochs of 72 images, ghosts of 4, B = `batch`, doubled (lr halved when `grow` is 0) after the
 * first. */
struct schedule fixture_schedule(int optimizer, int64_t batch, int grow);
/* Micro of one ghost, 8 groups, seed 3, weight decay 5e-4, on the fixture's device. */
struct trainer_config fixture_config(const struct schedule *schedule);
struct trainer *fixture_trainer(const struct trainer_config *config);
/* Updates until `update` are done or the run is over; epochs are ended as they come. */
void fixture_train(struct trainer *trainer, int64_t update);

/* All arenas that the optimizer uses behind each other; freed with mem_free(). */
float *fixture_arenas(struct trainer *trainer, size_t *count);
/* Fails when a bit of arenas or state differs; `words` say of what. */
void fixture_same(struct trainer *a, struct trainer *b, const char *words);

#endif
