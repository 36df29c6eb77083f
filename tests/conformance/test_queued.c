/* Calls that a backend may keep, put together and repeat, against the same calls done one by one:
 * the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gallery.h"
#include "graphs.h"
#include "guard.h"
#include "snapshot.h"
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 3
#define MICRO 6
#define GHOST 2
#define RECORDS 256

/* How a network is called: left alone; with everything timed, which lets nothing be put together;
 * with its results read between any two calls; waited for after each; with pixels in the place of
 * crops. */
enum manner { ALONE, TIMED, READ, WAITED_FOR, PIXELS, MANNERS };
static const char *const manner_names[] = {"left alone", "timed", "read", "waited for", "pixels"};

struct player {
    struct trial *trial;
    const struct gallery *gallery;
    struct repro_net *net;
    enum manner manner;
    int64_t micros, updates; /* so far */
    double loss[RECORDS];
    int64_t rows[RECORDS];
    int records;
};

static int body(struct net *net)
{
    int y = net_batch_norm(net, "bn", net_conv(net, "stem", 0, 4, 3, 1, 1), 1e-5f);
    y = net_node(net, "dropout",
                 &(struct repro_node){.op = REPRO_OP_DROPOUT,
                                      .src_count = 1,
                                      .src = {net_relu(net, "relu", y)},
                                      .scale = 0.3f});
    return net_add(net, "add", net_conv(net, "conv", y, 4, 3, 1, 1), y, 1.0f);
}
static const struct graph_case small = {"small", 2, 3, 3, GHOST, MICRO / GHOST, body};

static void need(void)
{
    subject_need_function(subject.backend.net_history != NULL, "net_history");
    subject_need_function(subject.backend.net_keep != NULL, "net_keep");
    subject_need_function(subject.backend.data_put != NULL, "data_put");
}

/* ---- Calls ---- */

static void look(struct player *player)
{
    struct repro_error error = {0};
    if (player->manner == READ)
        guard_free(subject_read(player->net, REPRO_ARENA_PARTIAL, 0,
                                player->trial->net.graph.param_count));
    if (player->manner == WAITED_FOR)
        subject_done(subject.backend.net_sync(player->net, &error), &error);
}

static void zero(struct player *player)
{
    subject_zero(player->net);
    look(player);
}

static void forward(struct player *player, int mode, int64_t count)
{
    struct trial *trial = player->trial;
    struct repro_crop crops[MICRO];
    struct repro_rows rows = trial->rows;
    uint64_t number = (uint64_t)++player->micros;
    gallery_crops(number, 4, count, crops);
    for (int64_t i = 0; i < count; i++)
        trial->image[i] = (int64_t)number * 100 + i;
    rows.mode = mode;
    rows.count = count;
    rows.seed = number * 77;
    rows.epoch = (uint32_t)number % 3;
    if (player->manner == PIXELS)
        gallery_assemble(player->gallery, crops, count, trial->pixels, trial->labels);
    else
        rows = gallery_rows(player->gallery, &rows, crops);
    subject_forward(player->net, &rows);
    look(player);
    if (player->manner == READ)
        guard_free(
            subject_read(player->net, REPRO_ARENA_OUTPUT, 0, count * trial->net.graph.classes));
}

static void micro(struct player *player, int64_t count)
{
    forward(player, REPRO_MODE_TRAIN, count);
    subject_backward(player->net, 1.0 / (double)(player->micros % 5 + 20));
    look(player);
}

static void keep(struct player *player, int32_t slot)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_keep(player->net, slot, &error), &error);
    look(player);
}

static void join(struct player *player, int32_t slot)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_join(player->net, slot, &error), &error);
    look(player);
}

static void take_records(struct player *player, int64_t least)
{
    struct repro_history history = {.struct_size = sizeof history};
    struct repro_error error = {0};
    subject_done(subject.backend.net_history(player->net, least, &history, &error), &error);
    for (int32_t i = 0; i < history.count; i++) {
        assert_in_range(player->records, 0, RECORDS - 1);
        player->loss[player->records] = history.loss[i];
        player->rows[player->records++] = history.rows[i];
    }
}

static void update(struct player *player)
{
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_ADAM,
                              .lr = 1e-2,
                              .beta1 = 0.9,
                              .beta2 = 0.99,
                              .epsilon = 1e-8,
                              .weight_decay = 1e-3,
                              .update = ++player->updates,
                              .keep = 0.9,
                              .ghosts = player->updates % 4 + 1,
                              .flags = REPRO_STEP_RECORD};
    subject_update(player->net, &step);
    look(player);
    if (player->updates % 50 == 0)
        take_records(player, 0);
    if (player->updates % 60 == 0)
        take_records(player, player->updates - player->records);
}

/* ---- What is played ---- */

/* Five micros in groups of 2, 2 and 1, and shorter batches, in turn and repeated. */
static void batches(struct player *player)
{
    static const int sizes[] = {1, 1, 1, 2, 2, 5, 5, 5, 1, 2, 5, 5, 2, 2, 1, 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int m = 0; m < sizes[i]; m++) {
            if (m % 2 == 0)
                zero(player);
            micro(player, MICRO);
            if (m == 3)
                join(player, 0);
            if (m % 2 == 1 && m < sizes[i] - 1)
                keep(player, 0);
        }
        if (sizes[i] == 5)
            join(player, 0);
        update(player);
    }
}

/* The same calls, for other numbers of rows. */
static void rows_in_turn(struct player *player)
{
    static const int64_t counts[] = {6, 6, 6, 4, 4, 4, 2, 2, 2, 6, 4, 2, 6, 4, 2, 2, 4, 6};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        zero(player);
        micro(player, counts[i]);
        update(player);
    }
}

/* More micros than are kept at a time. */
static void long_batches(struct player *player)
{
    static const int sizes[] = {40, 40, 40, 32, 32, 33, 33, 70};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zero(player);
        for (int m = 0; m < sizes[i]; m++)
            micro(player, GHOST);
        update(player);
    }
}

/* More calls than are kept at a time, few of them with rows. */
static void many_calls(struct player *player)
{
    for (int i = 0; i < 4; i++) {
        zero(player);
        micro(player, MICRO);
        for (int k = 0; k < 150; k++) {
            keep(player, k % SLOTS);
            zero(player);
            join(player, k % SLOTS);
        }
        micro(player, MICRO);
        update(player);
    }
}

/* More kinds of steps than are remembered, each thrice, then all of them once more, twice. */
static void many_kinds(struct player *player)
{
    for (int round = 0; round < 2; round++)
        for (int kind = 0; kind < 18; kind++)
            for (int i = 0; i < 3 - round; i++) {
                zero(player);
                micro(player, GHOST);
                for (int k = 0; k < kind; k++)
                    keep(player, k % SLOTS);
                micro(player, MICRO);
                if (kind > 0)
                    join(player, (kind - 1) % SLOTS);
                update(player);
            }
}

/* Sums that go on without a zero; zeroes that nothing follows; several in a row. */
static void odd_zeroes(struct player *player)
{
    for (int i = 0; i < 4; i++) {
        zero(player);
        zero(player);
        micro(player, MICRO);
        update(player);
        micro(player, 4);
        micro(player, MICRO);
        update(player);
        zero(player);
        update(player);
        forward(player, REPRO_MODE_TRAIN, MICRO); /* no backward */
        micro(player, 2);
        zero(player);
        forward(player, REPRO_MODE_TRAIN, MICRO);
        micro(player, MICRO);
        micro(player, MICRO);
        update(player);
    }
}

/* Evaluations of odd rows between and within the batches. */
static void evaluations(struct player *player)
{
    for (int i = 0; i < 12; i++) {
        zero(player);
        micro(player, MICRO);
        forward(player, REPRO_MODE_EVAL, i % MICRO + 1);
        micro(player, MICRO);
        update(player);
        zero(player);
        for (int64_t count = 1; count <= MICRO; count++)
            forward(player, REPRO_MODE_EVAL, i % 3 == 0 ? MICRO : count);
    }
}

static const struct {
    const char *name;
    void (*play)(struct player *);
    int64_t rows; /* of the last forward */
} pieces[] = {{"batches", batches, MICRO},           {"rows in turn", rows_in_turn, MICRO},
              {"long batches", long_batches, GHOST}, {"many calls", many_calls, MICRO},
              {"many kinds", many_kinds, MICRO},     {"odd zeroes", odd_zeroes, MICRO},
              {"evaluations", evaluations, MICRO}};
#define PIECES ((int)(sizeof pieces / sizeof *pieces))

static void compare(struct player *player, const struct player *first, const struct snapshot *want,
                    int64_t rows, const char *words)
{
    struct snapshot got;
    take_records(player, player->updates - player->records);
    assert_int_equal(player->records, first->records);
    for (int i = 0; i < player->records; i++)
        if (player->loss[i] != first->loss[i] || player->rows[i] != first->rows[i] ||
            !isfinite(player->loss[i]))
            fail_msg("%s: update %d: loss %.17g and %.17g of %d and %d rows", words, i + 1,
                     player->loss[i], first->loss[i], (int)player->rows[i], (int)first->rows[i]);
    snapshot_take(&got, want->graph, player->net, rows);
    snapshot_same(&got, want, words);
    snapshot_free(&got);
}

static void play(int piece, int precision)
{
    struct trial trial;
    struct gallery gallery;
    struct snapshot want = {0};
    static struct player players[MANNERS];
    struct repro_net_options options = {.precision = precision, .slots = SLOTS};
    char words[96];
    trial_without_backend(&trial, &small);
    subject_need_ops(&trial.net.graph);
    trial_fill(&trial, 3);
    gallery_init(&gallery, &trial.net.graph, 4);
    for (int manner = 0; manner < MANNERS; manner++) {
        struct player *player = &players[manner];
        struct repro_profile profile = {.struct_size = sizeof profile};
        struct repro_error error = {0};
        *player = (struct player){
            .trial = &trial, .gallery = &gallery, .manner = (enum manner)manner};
        player->net = trial_compile_with(&trial, &options);
        trial_load(&trial, player->net);
        if (manner == TIMED && subject.backend.net_profile != NULL)
            subject_done(subject.backend.net_profile(player->net, &profile, &error), &error);
        pieces[piece].play(player);
        snprintf(words, sizeof words, "%s, precision %d, %s", pieces[piece].name, precision,
                 manner_names[manner]);
        if (manner == ALONE) {
            take_records(player, player->updates - player->records);
            snapshot_take(&want, &trial.net.graph, player->net, pieces[piece].rows);
        }
        compare(player, &players[ALONE], &want, pieces[piece].rows, words);
        subject.backend.net_free(player->net);
    }
    snapshot_free(&want);
    gallery_release(&gallery);
    trial_seal(&trial);
    trial_end(&trial);
}

static void f32_in_every_manner(void **state)
{
    (void)state;
    need();
    for (int piece = 0; piece < PIECES; piece++)
        play(piece, REPRO_PRECISION_F32);
}

static void bf16_in_every_manner(void **state)
{
    (void)state;
    need();
    for (int piece = 0; piece < PIECES && subject.caps.precisions >> REPRO_PRECISION_BF16 & 1u;
         piece++)
        play(piece, REPRO_PRECISION_BF16);
}

/* Called in whatever manner, PARTIAL of three micros is their own PARTIALs' sum. */
static void sums_of_micros(void **state)
{
    struct trial trial;
    struct gallery gallery;
    struct repro_net_options options = {.slots = SLOTS};
    (void)state;
    need();
    trial_without_backend(&trial, &small);
    subject_need_ops(&trial.net.graph);
    trial_fill(&trial, 3);
    gallery_init(&gallery, &trial.net.graph, 4);
    struct player player = {
        .trial = &trial, .gallery = &gallery, .net = trial_compile_with(&trial, &options)};
    int64_t count = trial.net.graph.param_count + trial.net.graph.running_count;
    trial_load(&trial, player.net);
    double *sum = guard_new((size_t)count, sizeof *sum);
    for (int round = 0; round < 4; round++) {
        memset(sum, 0, (size_t)count * sizeof *sum);
        for (int m = 0; m < 6; m++) { /* each by itself, then together */
            if (m == 3)
                player.micros -= 3;
            if (m <= 3)
                zero(&player);
            micro(&player, MICRO);
            if (m == 3 || m == 4)
                continue;
            float *got = subject_read(player.net, REPRO_ARENA_PARTIAL, 0, count);
            for (int64_t i = 0; i < count && m < 3; i++)
                sum[i] += (double)got[i];
            if (m == 5)
                assert_true(relative_error(got, sum, count, 0.0) < 1e-6);
            guard_free(got);
        }
    }
    guard_free(sum);
    subject.backend.net_free(player.net);
    gallery_release(&gallery);
    trial_seal(&trial);
    trial_end(&trial);
}

/* Two networks of a device, called in turn: what one keeps is not the other's. */
static void two_networks(void **state)
{
    struct trial trial;
    struct gallery gallery;
    static struct player players[3];
    struct repro_net_options options = {.slots = SLOTS};
    (void)state;
    need();
    trial_without_backend(&trial, &small);
    subject_need_ops(&trial.net.graph);
    trial_fill(&trial, 3);
    gallery_init(&gallery, &trial.net.graph, 4);
    for (int k = 0; k < 3; k++) {
        players[k] = (struct player){
            .trial = &trial, .gallery = &gallery, .net = trial_compile_with(&trial, &options)};
        trial_load(&trial, players[k].net);
    }
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 2; k++)
            zero(&players[k]);
        for (int m = 0; m < 3; m++)
            for (int k = 0; k < 2; k++)
                micro(&players[k], MICRO);
        for (int k = 0; k < 2; k++)
            update(&players[k]);
        zero(&players[2]);
        for (int m = 0; m < 3; m++)
            micro(&players[2], MICRO);
        update(&players[2]);
    }
    snapshots_same(&trial.net.graph, players[0].net, players[1].net, MICRO, "two networks in turn");
    snapshots_same(&trial.net.graph, players[0].net, players[2].net, MICRO, "in turn and alone");
    for (int k = 0; k < 3; k++)
        subject.backend.net_free(players[k].net);
    gallery_release(&gallery);
    trial_seal(&trial);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_in_every_manner),
        cmocka_unit_test(bf16_in_every_manner),
        cmocka_unit_test(sums_of_micros),
        cmocka_unit_test(two_networks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("queued", tests, subject_open, subject_close);
}
