#include "train/meter.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "train/trainer_parts.h"

#include <inttypes.h>
#include <math.h>

/* Floats that are multiplied at a time: of all gradients so many stay in a cache. */
#define BLOCK 1024
#define LANES 8 /* sums side by side, in a fixed order */

struct meter {
    struct trainer *trainer;
    int64_t ghosts, ghost; /* how many, and rows of one */
    float *gradients;      /* [ghosts][param_count] */
    double *products;      /* [ghosts][ghosts] */
    int64_t *image;        /* [ghost], as are the others */
    int32_t *labels;
    uint8_t *pixels;
    struct repro_crop *crops; /* of a resident data set, in place of pixels and labels */
};

static int is_resident(const struct trainer *trainer)
{
    return trainer->config.resident != NULL && trainer->config.resident->train != NULL;
}

int meter_new(struct trainer *trainer, int64_t ghosts, struct meter **out, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    int64_t ghost = config->schedule->ghost;
    if (ghosts < NOISE_GHOSTS_MIN || ghosts > NOISE_GHOSTS_MAX)
        return err_set(err, ERR_USAGE,
                       "the noise cannot be measured with %" PRId64 " ghosts; take %d to %d",
                       ghosts, NOISE_GHOSTS_MIN, NOISE_GHOSTS_MAX);
    if (ghost > config->schedule->train_n)
        return err_set(err, ERR_INPUT,
                       "the noise cannot be measured: a ghost of %" PRId64
                       " rows is larger than the training set",
                       ghost);
    struct meter *meter = mem_new(1, sizeof *meter, err);
    if (meter == NULL)
        return ERR_MEMORY;
    size_t rows = (size_t)ghost, sampled = (size_t)ghosts;
    *meter = (struct meter){.trainer = trainer, .ghosts = ghosts, .ghost = ghost};
    meter->gradients = mem_new(sampled * (size_t)config->net->graph.param_count,
                               sizeof *meter->gradients, err);
    meter->products = mem_new(sampled * sampled, sizeof *meter->products, err);
    meter->image = mem_new(rows, sizeof *meter->image, err);
    int ok = meter->gradients != NULL && meter->products != NULL && meter->image != NULL;
    if (ok && is_resident(trainer)) {
        meter->crops = mem_new(rows, sizeof *meter->crops, err);
        ok = meter->crops != NULL;
    } else if (ok) {
        meter->labels = mem_new(rows, sizeof *meter->labels, err);
        meter->pixels = mem_new(rows, dataset_image_bytes(config->data), err);
        ok = meter->labels != NULL && meter->pixels != NULL;
    }
    if (!ok) {
        meter_free(meter);
        return ERR_MEMORY;
    }
    *out = meter;
    return 0;
}

void meter_free(struct meter *meter)
{
    if (meter == NULL)
        return;
    mem_free(meter->gradients);
    mem_free(meter->products);
    mem_free(meter->image);
    mem_free(meter->labels);
    mem_free(meter->pixels);
    mem_free(meter->crops);
    mem_free(meter);
}

static int is_among(const int64_t *image, int64_t count, int64_t wanted)
{
    for (int64_t i = 0; i < count; i++)
        if (image[i] == wanted)
            return 1;
    return 0;
}

/* The images of a ghost: draw after draw, those left out that it has already. */
static void choose(struct meter *meter, int64_t number)
{
    const struct trainer *trainer = meter->trainer;
    uint64_t n = (uint64_t)trainer->config.schedule->train_n;
    int64_t count = 0;
    for (uint32_t draw = 0; count < meter->ghost; draw++) {
        struct random_words words = random_at(trainer->config.seed, RANDOM_NOISE, (uint32_t)number,
                                              (uint64_t)trainer->state.update, draw);
        int64_t image = (int64_t)random_below(words.word[0], words.word[1], n);
        if (!is_among(meter->image, count, image))
            meter->image[count++] = image;
    }
}

static int make_rows(struct meter *meter, struct repro_rows *rows, struct err *err)
{
    const struct trainer_config *config = &meter->trainer->config;
    uint32_t epoch = (uint32_t)meter->trainer->state.epoch;
    int code = 0;
    *rows = (struct repro_rows){.struct_size = sizeof *rows,
                                .mode = REPRO_MODE_TRAIN,
                                .count = meter->ghost,
                                .pixels = meter->pixels,
                                .labels = meter->labels,
                                .image = meter->image,
                                .seed = config->seed,
                                .epoch = epoch,
                                .crops = meter->crops};
    if (meter->crops != NULL) {
        rows->data = config->resident->train;
        dataset_crops(config->data, config->seed, epoch, meter->image, meter->ghost, meter->crops);
    } else {
        code = dataset_augmented(config->data, config->seed, epoch, meter->image, meter->ghost,
                                 meter->pixels, meter->labels, err);
    }
    return code;
}

/* The mean gradient of one ghost. */
static int compute(struct meter *meter, int64_t number, struct err *err)
{
    struct trainer *trainer = meter->trainer;
    const struct repro_backend *backend = trainer->config.backend;
    int64_t params = trainer->config.net->graph.param_count;
    struct repro_rows rows;
    struct repro_error error = {0};
    ranks_tick(trainer->config.ranks);
    choose(meter, number);
    int code = make_rows(meter, &rows, err);
    if (code != 0)
        return code;
    if (backend->net_zero(trainer->net, &error) != 0 ||
        backend->net_forward(trainer->net, &rows, &error) != 0 ||
        backend->net_backward(trainer->net, 1.0 / (double)meter->ghost, &error) != 0 ||
        backend->net_read(trainer->net, REPRO_ARENA_PARTIAL, 0, params,
                          meter->gradients + number * params, &error) != 0)
        return trainer_failed(trainer, &error, err);
    return 0;
}

static double product(const float *a, const float *b, int64_t count)
{
    double lane[LANES] = {0}, sum = 0.0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)a[i + k] * b[i + k];
    for (; i < count; i++)
        lane[0] += (double)a[i] * b[i];
    for (int k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}

/* All inner products, block after block of the parameters; 0 where one is no finite number. */
static int multiply(struct meter *meter)
{
    int64_t params = meter->trainer->config.net->graph.param_count, n = meter->ghosts;
    int finite = 1;
    for (int64_t i = 0; i < n * n; i++)
        meter->products[i] = 0.0;
    for (int64_t first = 0; first < params; first += BLOCK) {
        int64_t count = params - first < BLOCK ? params - first : BLOCK;
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j <= i; j++)
                meter->products[i * n + j] += product(meter->gradients + i * params + first,
                                                      meter->gradients + j * params + first, count);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            meter->products[j * n + i] = meter->products[i * n + j];
            finite &= isfinite(meter->products[i * n + j]) != 0;
        }
    return finite;
}

int meter_measure(struct meter *meter, struct noise_estimate *out, int *finite, struct err *err)
{
    int code = 0;
    for (int64_t i = 0; i < meter->ghosts && code == 0; i++)
        code = compute(meter, i, err);
    if (code != 0)
        return code;
    *finite = multiply(meter);
    if (*finite)
        *out = noise_estimate(meter->products, meter->ghosts, meter->ghost);
    return 0;
}
