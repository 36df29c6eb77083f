/* What ranks do in step: the third reader of the walk over an update's leaves, the test set's sums,
 * and a state that all begin with.
 *
 * A sum is with the rank of its last leaf, so the total is with the last rank, which tells all.
 * With a power of two of ranks and of leaves that makes count - 1 messages to the total and count -
 * 1 from it, each of a partial: nothing is sent twice. */
#include "base/err.h"
#include "base/mem.h"
#include "train/trainer_parts.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

/* Behind the floats of a partial in a message. */
struct tail {
    double loss;
    int64_t correct, rows;
    int64_t stopping; /* of the total: all stop behind this update */
};
_Static_assert(sizeof(struct tail) == REDUCTION_TAIL * sizeof(float), "the tail of a partial");

int trainer_shares(const struct trainer *trainer)
{
    return ranks_are_several(trainer->config.ranks);
}

static int owner(const struct trainer *trainer, const struct reduction_cut *cut, int64_t leaf)
{
    return (int)reduction_rank(cut, leaf, trainer->config.ranks->count);
}

/* ---- Leaves computed early ----
 *
 * In the middle of its share a rank may come to a JOIN with a sum of another one.  It computes the
 * rest of its leaves before it waits: with a number of ranks that is no power of two they would
 * compute one after the other else. */

/* How many leaves of this rank stand behind its first JOIN with a sum of another one. */
static int64_t leaves_behind(const struct trainer *trainer, const struct reduction_cut *cut)
{
    struct reduction_walk walk = reduction_walk(cut->leaves);
    struct reduction_step step;
    int rank = trainer->config.ranks->rank, waited = 0;
    int64_t count = 0;
    while (reduction_next(&walk, &step)) {
        if (owner(trainer, cut, step.last) != rank)
            continue;
        count += waited && step.op == REDUCTION_LEAF;
        waited |= step.op == REDUCTION_JOIN && owner(trainer, cut, step.first - 1) != rank;
    }
    return count;
}

int trainer_early_init(struct trainer *trainer, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    const struct schedule *schedule = config->schedule;
    if (!trainer_shares(trainer))
        return 0;
    for (int i = 0; i < 2 * schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i / 2];
        int64_t rows = i % 2 == 0 ? phase->batch : phase->last_rows;
        struct reduction_cut cut = reduction_cut(rows, config->micro, schedule->ghost,
                                                 config->groups);
        int64_t behind = leaves_behind(trainer, &cut);
        trainer->early_room = behind > trainer->early_room ? behind : trainer->early_room;
    }
    trainer->early = mem_new((size_t)trainer->early_room, sizeof *trainer->early, err);
    for (int64_t i = 0; trainer->early != NULL && i < trainer->early_room; i++) {
        trainer->early[i].values = mem_new((size_t)trainer->sum.count + REDUCTION_TAIL,
                                           sizeof(float), err);
        if (trainer->early[i].values == NULL)
            return ERR_MEMORY;
    }
    return trainer->early == NULL ? ERR_MEMORY : 0;
}

void trainer_early_release(struct trainer *trainer)
{
    for (int64_t i = 0; trainer->early != NULL && i < trainer->early_room; i++)
        mem_free(trainer->early[i].values);
    mem_free(trainer->early);
}

static void swap_current(struct trainer *trainer, int64_t i)
{
    struct partial current = trainer->sum.current;
    trainer->sum.current = trainer->early[i];
    trainer->early[i] = current;
}

/* Computes this rank's leaves from `first` on, unless it has; the current sum stays. */
static int compute_early(struct trainer *trainer, const struct reduction_cut *cut, int64_t first,
                         struct err *err)
{
    int code = 0;
    if (trainer->early_count > 0)
        return 0;
    trainer->early_first = first;
    for (int64_t leaf = first; code == 0 && leaf < cut->leaves &&
                               owner(trainer, cut, leaf) == trainer->config.ranks->rank;
         leaf++) {
        const struct reduction_step step = {.op = REDUCTION_LEAF, .first = leaf, .last = leaf};
        swap_current(trainer, leaf - first);
        code = trainer_leaf(trainer, cut, &step, err);
        swap_current(trainer, leaf - first);
        trainer->early_count++;
    }
    return code;
}

/* ---- The reader ---- */

static int64_t message_size(const struct trainer *trainer)
{
    return (trainer->sum.count + REDUCTION_TAIL) * (int64_t)sizeof(float);
}

static void put_tail(const struct trainer *trainer, const struct partial *partial, int stopping)
{
    struct tail tail = {partial->loss, partial->correct, partial->rows, stopping};
    memcpy(partial->values + trainer->sum.count, &tail, sizeof tail);
}

/* Returns whether all stop. */
static int take_tail(const struct trainer *trainer, struct partial *partial)
{
    struct tail tail;
    memcpy(&tail, partial->values + trainer->sum.count, sizeof tail);
    partial->loss = tail.loss;
    partial->correct = tail.correct;
    partial->rows = tail.rows;
    return tail.stopping != 0;
}

static int rank_leaf(struct trainer *trainer, const struct reduction_cut *cut,
                     const struct reduction_step *step, struct err *err)
{
    if (owner(trainer, cut, step->first) != trainer->config.ranks->rank)
        return 0;
    if (trainer->early_count == 0)
        return trainer_leaf(trainer, cut, step, err);
    swap_current(trainer, step->first - trainer->early_first);
    return 0;
}

static int rank_keep(struct trainer *trainer, const struct reduction_cut *cut,
                     const struct reduction_step *step, struct err *err)
{
    (void)err;
    if (owner(trainer, cut, step->last) == trainer->config.ranks->rank)
        reduction_keep(&trainer->sum, step->slot);
    return 0;
}

static int rank_join(struct trainer *trainer, const struct reduction_cut *cut,
                     const struct reduction_step *step, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    struct partial *slot = &trainer->sum.slot[step->slot];
    int left = owner(trainer, cut, step->first - 1), right = owner(trainer, cut, step->last),
        code = 0;
    if (left == ranks->rank && right != left) {
        put_tail(trainer, slot, 0);
        return ranks_send(ranks, right, slot->values, message_size(trainer), err);
    }
    if (right != ranks->rank)
        return 0;
    if (left != right)
        code = compute_early(trainer, cut, step->last + 1, err);
    if (code == 0 && left != right) {
        code = ranks_receive(ranks, left, slot->values, message_size(trainer), err);
        take_tail(trainer, slot);
    }
    if (code == 0)
        reduction_join(&trainer->sum, step->slot);
    return code;
}

static const struct trainer_reader by_ranks = {rank_leaf, rank_keep, rank_join};

static int tell_total(struct trainer *trainer, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    struct partial *total = &trainer->sum.current;
    int last = ranks->count - 1;
    if (ranks->rank == last)
        put_tail(trainer, total, ranks_tick(ranks));
    int code = ranks_tell(ranks, last, total->values, message_size(trainer), err);
    if (code == 0)
        ranks->stopping = take_tail(trainer, total);
    return code;
}

int trainer_sum_among_ranks(struct trainer *trainer, const struct reduction_cut *cut,
                            struct err *err)
{
    struct repro_error error = {0};
    struct ranks_traffic before = trainer->config.ranks->sent;
    trainer->early_count = 0;
    int code = trainer_walk(trainer, &by_ranks, cut, err);
    if (code == 0)
        code = tell_total(trainer, err);
    if (code != 0)
        return code;
    trainer->traffic.messages += trainer->config.ranks->sent.messages - before.messages;
    trainer->traffic.bytes += trainer->config.ranks->sent.bytes - before.bytes;
    if (trainer->config.backend->net_write(trainer->net, REPRO_ARENA_PARTIAL, 0, trainer->sum.count,
                                           trainer->sum.current.values, &error) != 0)
        return trainer_failed(trainer, &error, err);
    return 0;
}

/* ---- Beside updates ---- */

int trainer_gather_tested(struct trainer *trainer, int64_t micros, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    int code = 0, first = ranks->rank == 0 ? 1 : ranks->rank,
        last = ranks->rank == 0 ? ranks->count - 1 : ranks->rank;
    for (int rank = first; code == 0 && rank <= last; rank++) {
        struct reduction_span span = reduction_deal(micros, ranks->count, rank);
        int64_t size = span.count * (int64_t)sizeof *trainer->tested;
        if (span.count == 0)
            continue;
        code = ranks->rank == 0
                   ? ranks_receive(ranks, rank, trainer->tested + span.first, size, err)
                   : ranks_send(ranks, 0, trainer->tested + span.first, size, err);
    }
    return code;
}

static int spread_arena(struct trainer *trainer, int arena, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    int64_t size = trainer_arena_count(trainer, arena) * (int64_t)sizeof(float);
    float *values = trainer->sum.current.values; /* PARTIAL holds more than any of them */
    int code = ranks->rank == 0 ? trainer_read(trainer, arena, values, err) : 0;
    if (code == 0 && size > 0)
        code = ranks_tell(ranks, 0, values, size, err);
    return code == 0 && ranks->rank > 0 ? trainer_write(trainer, arena, values, err) : code;
}

int trainer_spread(struct trainer *trainer, struct err *err)
{
    if (!trainer_shares(trainer))
        return 0;
    struct trainer_state state = trainer->state;
    int code = ranks_tell(trainer->config.ranks, 0, &state, sizeof state, err);
    for (int arena = REPRO_ARENA_PARAM; code == 0 && arena <= REPRO_ARENA_RUNNING; arena++)
        if (trainer_arenas(trainer) >> arena & 1)
            code = spread_arena(trainer, arena, err);
    return code == 0 ? trainer_restore(trainer, &state, err) : code;
}

int trainer_check_ranks(struct trainer *trainer, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    size_t count = (size_t)trainer->config.net->graph.param_count;
    if (!trainer_shares(trainer))
        return 0;
    int code = trainer_read(trainer, REPRO_ARENA_PARAM, trainer->scratch, err);
    uint64_t mine = XXH3_64bits(trainer->scratch, count * sizeof *trainer->scratch), first = mine;
    if (code == 0)
        code = ranks_tell(ranks, 0, &first, sizeof first, err);
    if (code != 0)
        return code;
    if (first != mine)
        code = err_set(err, ERR_RANK,
                       "after update %" PRId64 " its parameters are not those of rank 0, though "
                       "both made the same updates: a machine fails, or is of another kind; the "
                       "checkpoint before is kept",
                       trainer->state.update);
    return ranks_agree(ranks, code, err);
}

int trainer_traffic(struct trainer *trainer, struct ranks_traffic *traffic, struct err *err)
{
    struct ranks *ranks = trainer->config.ranks;
    *traffic = trainer->traffic;
    if (!trainer_shares(trainer))
        return 0;
    if (ranks->rank > 0)
        return ranks_send(ranks, 0, traffic, sizeof *traffic, err);
    for (int rank = 1; rank < ranks->count; rank++) {
        struct ranks_traffic theirs;
        int code = ranks_receive(ranks, rank, &theirs, sizeof theirs, err);
        if (code != 0)
            return code;
        traffic->messages += theirs.messages;
        traffic->bytes += theirs.bytes;
    }
    return 0;
}
