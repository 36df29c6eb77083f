#include "train/trainer.h"

#include "base/err.h"
#include "base/mem.h"
#include "train/trainer_parts.h"

#include <inttypes.h>
#include <string.h>

int trainer_failed(const struct trainer *trainer, const struct repro_error *error, struct err *err)
{
    return err_set(err, error->code == REPRO_MEMORY ? ERR_MEMORY : ERR_BACKEND,
                   "backend %s, update %" PRId64 ": %s", trainer->config.backend->name,
                   trainer->state.update + 1, error->text);
}

static int set_initial_weights(struct trainer *trainer, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    float *param = mem_new((size_t)config->net->graph.param_count, sizeof *param, err);
    float *running = mem_new((size_t)config->net->graph.running_count, sizeof *running, err);
    int code = ERR_MEMORY;
    if (param != NULL && running != NULL) {
        net_initial(config->net, config->seed, param, running);
        code = trainer_write(trainer, REPRO_ARENA_PARAM, param, err);
        if (code == 0)
            code = trainer_write(trainer, REPRO_ARENA_RUNNING, running, err);
    }
    mem_free(param);
    mem_free(running);
    return code;
}

static int allocate(struct trainer *trainer, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    trainer->scratch = mem_new((size_t)config->net->graph.param_count, sizeof *trainer->scratch,
                               err);
    trainer->tested = mem_new((size_t)reduction_micros(config->data->test_n, config->micro),
                              sizeof *trainer->tested, err);
    if (trainer->scratch == NULL || trainer->tested == NULL)
        return ERR_MEMORY;
    struct prefetch_config ahead = {
        .data = config->data,
        .schedule = config->schedule,
        .seed = config->seed,
        .micro = config->micro,
        .groups = config->groups,
        .resident = config->resident != NULL && config->resident->train != NULL,
        .evaluates = config->evaluates,
        .rank = trainer_shares(trainer) ? config->ranks->rank : 0,
        .ranks = trainer_shares(trainer) ? config->ranks->count : 1,
    };
    int code = prefetch_new(&ahead, &trainer->ahead, err);
    if (code != 0)
        return code;
    code = reduction_init(&trainer->sum,
                          config->net->graph.param_count + config->net->graph.running_count,
                          config->groups + 1, err);
    return code == 0 ? trainer_early_init(trainer, err) : code;
}

/* The numbers of rows that a forward call can bring, each once: those of the micros of every
 * phase's updates, and what the test set leaves over. */
struct counts {
    int32_t list[4 * SCHEDULE_PHASE_MAX + 2];
    int32_t count;
};

static void add_count(struct counts *counts, int64_t rows)
{
    for (int32_t i = 0; i < counts->count; i++)
        if (counts->list[i] == rows)
            return;
    if (rows > 0)
        counts->list[counts->count++] = (int32_t)rows;
}

static void add_update(struct counts *counts, const struct trainer_config *config, int64_t rows)
{
    int64_t whole = rows - rows % config->schedule->ghost;
    add_count(counts, whole < config->micro ? whole : config->micro);
    add_count(counts, whole % config->micro);
}

static struct counts row_counts(const struct trainer_config *config)
{
    const struct schedule *schedule = config->schedule;
    struct counts counts = {.count = 0};
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        add_update(&counts, config, phase->batch);
        add_update(&counts, config,
                   schedule_rows(schedule, phase->first_epoch, phase->updates_per_epoch - 1));
    }
    add_count(&counts, config->data->test_n < config->micro ? config->data->test_n : config->micro);
    add_count(&counts, config->data->test_n % config->micro);
    return counts;
}

/* Compiles for micros of `micro` rows in ghosts of `ghost`. */
static int compile(struct trainer *trainer, int64_t micro, int64_t ghost, struct repro_net **net,
                   struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    struct repro_error error = {0};
    struct counts counts = row_counts(config);
    int hinted = micro == config->micro; /* the rest of a partial batch has one size */
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = config->precision,
                                        .micro = (int32_t)micro,
                                        .ghost = (int32_t)ghost,
                                        .slots = trainer->joins ? reduction_slots(config->groups)
                                                                : 0,
                                        .count_count = hinted ? counts.count : 0,
                                        .counts = counts.list};
    if (config->backend->net_compile(config->device, &config->net->graph, &options, net, &error) !=
        0)
        return trainer_failed(trainer, &error, err);
    return 0;
}

static int check_shape(const struct trainer_config *config, struct err *err)
{
    const struct repro_graph *graph = &config->net->graph;
    const struct dataset *data = config->data;
    if (graph->channels == data->channels && graph->height == data->height &&
        graph->width == data->width && graph->classes == data->classes)
        return 0;
    return err_set(err, ERR_INPUT,
                   "the network is for images of %d x %d x %d in %d classes, the data set has %d x "
                   "%d x %d in %d",
                   graph->height, graph->width, graph->channels, graph->classes, data->height,
                   data->width, data->channels, data->classes);
}

/* What only newer backends can, and whether this run wants it. */
static int check_backend(const struct trainer_config *config, struct err *err)
{
    const struct schedule_conventions *conventions = &config->schedule->conventions;
    const struct net_ways *ways = &config->net->ways;
    const struct {
        int wanted;
        const char *words;
    } since_1_4[] = {
        {conventions->decay_weights, "weight decay on weights alone"},
        {ways->label_smoothing != 0.0, "smoothed labels"},
        {ways->no_gamma, "batch norm without gamma"},
    };
    for (size_t i = 0; i < sizeof since_1_4 / sizeof since_1_4[0]; i++)
        if (since_1_4[i].wanted && config->backend->abi_minor < 4)
            return err_set(err, ERR_BACKEND,
                           "backend %s: built for contract %d.%u, which has no %s; rebuild it for "
                           "1.4 or use another backend",
                           config->backend->name, REPRO_ABI_MAJOR,
                           (unsigned)config->backend->abi_minor, since_1_4[i].words);
    if (conventions->running_per_update && config->net->graph.running_count == 0)
        return err_set(err, ERR_INPUT,
                       "running statistics are to move once an update, and the network has none: "
                       "it is without batch norm; leave the convention at its default");
    return 0;
}

int trainer_new(const struct trainer_config *config, struct trainer **out, struct err *err)
{
    if (config->micro < config->schedule->ghost || config->micro % config->schedule->ghost != 0)
        return err_set(err, ERR_INPUT,
                       "a micro of %" PRId64 " rows is no whole number of ghosts of %" PRId64,
                       config->micro, config->schedule->ghost);
    if (config->data->train_n < config->schedule->train_n)
        return err_set(err, ERR_INPUT,
                       "the schedule is for %" PRId64 " training images, the data set has %" PRId64,
                       config->schedule->train_n, config->data->train_n);
    int code = check_shape(config, err);
    if (code == 0)
        code = check_backend(config, err);
    if (code != 0)
        return code;
    struct trainer *trainer = mem_new(1, sizeof *trainer, err);
    if (trainer == NULL)
        return ERR_MEMORY;
    trainer->config = *config;
    trainer->joins = config->backend->net_keep != NULL;
    trainer->records = config->backend->net_history != NULL;
    code = allocate(trainer, err);
    int64_t rest = config->schedule->conventions.keep_last_batch
                       ? config->schedule->train_n % config->schedule->ghost
                       : 0;
    if (code == 0)
        code = compile(trainer, config->micro, config->schedule->ghost, &trainer->net, err);
    if (code == 0 && rest > 0)
        code = compile(trainer, rest, rest, &trainer->rest, err);
    if (code == 0)
        code = set_initial_weights(trainer, err);
    if (code != 0) {
        trainer_free(trainer);
        return code;
    }
    *out = trainer;
    return 0;
}

void trainer_free(struct trainer *trainer)
{
    if (trainer == NULL)
        return;
    if (trainer->net != NULL)
        trainer->config.backend->net_free(trainer->net);
    if (trainer->rest != NULL)
        trainer->config.backend->net_free(trainer->rest);
    trainer_early_release(trainer);
    reduction_release(&trainer->sum);
    prefetch_free(trainer->ahead);
    mem_free(trainer->tested);
    mem_free(trainer->scratch);
    mem_free(trainer);
}

const struct trainer_state *trainer_state(const struct trainer *trainer)
{
    return &trainer->state;
}

const struct trainer_config *trainer_config(const struct trainer *trainer)
{
    return &trainer->config;
}

int trainer_describe(struct trainer *trainer, char *text, size_t size, struct err *err)
{
    const struct repro_backend *backend = trainer->config.backend;
    struct repro_net *nets[] = {trainer->net, trainer->rest};
    struct repro_error error = {0};
    text[0] = '\0';
    for (int i = 0; backend->net_describe != NULL && i < 2; i++) {
        size_t used = strlen(text);
        if (nets[i] != NULL &&
            backend->net_describe(nets[i], text + used, (int64_t)(size - used), &error) != 0)
            return trainer_failed(trainer, &error, err);
    }
    return 0;
}

int trainer_epoch_done(const struct trainer *trainer)
{
    return trainer->state.update_in_epoch ==
           schedule_at(trainer->config.schedule, trainer->state.epoch)->updates_per_epoch;
}

struct trainer_score trainer_end_epoch(struct trainer *trainer)
{
    struct trainer_state *state = &trainer->state;
    struct trainer_score score = {state->loss / (double)state->rows,
                                  (double)state->correct / (double)state->rows};
    state->epoch++;
    state->update_in_epoch = 0;
    state->loss = 0.0;
    state->correct = state->rows = 0;
    return score;
}

int trainer_rows(struct trainer *trainer, struct prefetch_place place, struct repro_rows *rows,
                 struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    const struct prefetch_rows *ready = NULL;
    int test = place.split == DATASET_TEST,
        code = prefetch_take(trainer->ahead, place, &ready, err);
    if (code != 0)
        return code;
    *rows = (struct repro_rows){.struct_size = sizeof *rows,
                                .mode = test ? REPRO_MODE_EVAL : REPRO_MODE_TRAIN,
                                .count = ready->count,
                                .pixels = ready->pixels,
                                .labels = ready->labels,
                                .image = test ? NULL : ready->image,
                                .seed = test ? 0 : config->seed,
                                .epoch = test ? 0 : (uint32_t)place.epoch,
                                .crops = ready->crops};
    if (ready->crops != NULL)
        rows->data = test ? config->resident->test : config->resident->train;
    return 0;
}

static int no_clock(const struct trainer *trainer, struct err *err)
{
    return err_set(err, ERR_CANNOT_RUN, "backend %s has no clock of its own; take the host's",
                   trainer->config.backend->name);
}

int trainer_mark(struct trainer *trainer, struct err *err)
{
    struct repro_error error = {0};
    if (trainer->config.backend->net_mark == NULL)
        return no_clock(trainer, err);
    return trainer->config.backend->net_mark(trainer->net, &error) == 0
               ? 0
               : trainer_failed(trainer, &error, err);
}

int trainer_marks(struct trainer *trainer, double *seconds, int64_t capacity, int64_t *count,
                  struct err *err)
{
    struct repro_error error = {0};
    if (trainer->config.backend->net_marks == NULL)
        return no_clock(trainer, err);
    return trainer->config.backend->net_marks(trainer->net, seconds, capacity, count, &error) == 0
               ? 0
               : trainer_failed(trainer, &error, err);
}

int trainer_l2(struct trainer *trainer, double *l2, struct err *err)
{
    int code = trainer_read(trainer, REPRO_ARENA_PARAM, trainer->scratch, err);
    if (code != 0)
        return code;
    double sum = 0.0;
    const struct net *net = trainer->config.net;
    for (size_t t = 0; t < net->tensor_count; t++) {
        const struct net_tensor *tensor = &net->tensors[t];
        if (tensor->arena != REPRO_ARENA_PARAM ||
            (trainer->config.schedule->conventions.decay_weights && !net_is_weights(tensor)))
            continue;
        for (int64_t i = tensor->first; i < tensor->first + tensor->count; i++)
            sum += (double)trainer->scratch[i] * trainer->scratch[i];
    }
    *l2 = 0.5 * trainer->config.weight_decay * sum;
    return 0;
}

uint32_t trainer_arenas(const struct trainer *trainer)
{
    uint32_t arenas = 1u << REPRO_ARENA_PARAM | 1u << REPRO_ARENA_RUNNING;
    int optimizer = trainer->config.schedule->optimizer;
    if (optimizer != REPRO_OPTIMIZER_SGD)
        arenas |= 1u << REPRO_ARENA_MOMENT1;
    if (optimizer == REPRO_OPTIMIZER_ADAM)
        arenas |= 1u << REPRO_ARENA_MOMENT2;
    return arenas;
}

int64_t trainer_arena_count(const struct trainer *trainer, int arena)
{
    const struct repro_graph *graph = &trainer->config.net->graph;
    return arena == REPRO_ARENA_RUNNING ? graph->running_count : graph->param_count;
}

int trainer_read(struct trainer *trainer, int arena, float *values, struct err *err)
{
    struct repro_error error = {0};
    if (trainer->config.backend->net_read(trainer->net, arena, 0,
                                          trainer_arena_count(trainer, arena), values, &error))
        return trainer_failed(trainer, &error, err);
    return 0;
}

int trainer_write(struct trainer *trainer, int arena, const float *values, struct err *err)
{
    struct repro_error error = {0};
    if (trainer->config.backend->net_write(trainer->net, arena, 0,
                                           trainer_arena_count(trainer, arena), values, &error))
        return trainer_failed(trainer, &error, err);
    return 0;
}

int trainer_restore(struct trainer *trainer, const struct trainer_state *state, struct err *err)
{
    const struct schedule *schedule = trainer->config.schedule;
    int legal = state->epoch >= 0 && state->epoch <= schedule->epochs &&
                state->update_in_epoch >= 0;
    if (legal && state->epoch == schedule->epochs)
        legal = state->update_in_epoch == 0;
    else if (legal)
        legal = state->update_in_epoch <= schedule_at(schedule, state->epoch)->updates_per_epoch;
    if (!legal ||
        state->update != schedule_updates_before(schedule, state->epoch) + state->update_in_epoch)
        return err_set(err, ERR_INPUT,
                       "update %" PRId64 " in epoch %d is no place in this run's schedule",
                       state->update, state->epoch);
    struct repro_error ignored = {0};
    struct repro_history history = {.struct_size = sizeof history};
    while (trainer->unread > 0 && trainer->config.backend->net_history(
                                      trainer->net, trainer->unread, &history, &ignored) == 0)
        trainer->unread -= history.count; /* of the life before */
    trainer->unread = 0;
    trainer->state = *state;
    return 0;
}
