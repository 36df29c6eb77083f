/* Ranks are the run of one, bit for bit; here each is a thread, and memory carries the messages. */
#include "fixture.h"

#include "base/err.h"
#include "base/mem.h"
#include "train/ranks.h"
#include "train/reduction.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RANKS_MOST 9
#define EPOCHS 2

/* ---- The link ---- */

struct message {
    struct message *next;
    int64_t size;
    char bytes[];
};

/* One job at a time. */
static struct job {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct message *first[RANKS_MOST][RANKS_MOST]; /* [from][to] */
    int count, noted[RANKS_MOST], gone[RANKS_MOST];
} job = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Thread_local int me;

static int32_t link_open(double limit, struct ranks_job **out, struct ranks_place *place,
                         struct ranks_failure *failure)
{
    (void)limit;
    (void)failure;
    *out = NULL;
    *place = (struct ranks_place){.rank = me, .count = job.count};
    snprintf(place->host, sizeof place->host, "host%d", me / 2);
    place->cores[0] = me % 2 == 0 ? 0x3 : 0x6; /* neighbours share core 1 */
    return 0;
}

static int32_t link_send(struct ranks_job *unused, int32_t to, const void *bytes, int64_t size,
                         struct ranks_failure *failure)
{
    struct message *message = malloc(sizeof *message + (size_t)size), **at;
    (void)unused;
    (void)failure;
    message->next = NULL;
    message->size = size;
    memcpy(message->bytes, bytes, (size_t)size);
    pthread_mutex_lock(&job.lock);
    for (at = &job.first[me][to]; *at != NULL; at = &(*at)->next)
        continue;
    *at = message;
    pthread_cond_broadcast(&job.changed);
    pthread_mutex_unlock(&job.lock);
    return 0;
}

static int32_t link_receive(struct ranks_job *unused, int32_t from, void *bytes, int64_t size,
                            struct ranks_failure *failure)
{
    (void)unused;
    pthread_mutex_lock(&job.lock);
    while (job.first[from][me] == NULL && !job.gone[from])
        pthread_cond_wait(&job.changed, &job.lock);
    struct message *message = job.first[from][me];
    if (message != NULL)
        job.first[from][me] = message->next;
    pthread_mutex_unlock(&job.lock);
    failure->rank = message == NULL ? from : -1;
    snprintf(failure->text, sizeof failure->text, message == NULL ? "gone" : "another size");
    int same = message != NULL && message->size == size;
    if (same)
        memcpy(bytes, message->bytes, (size_t)size);
    free(message);
    return !same;
}

static int32_t link_note(struct ranks_job *unused, int32_t to, struct ranks_failure *failure)
{
    (void)unused;
    (void)failure;
    pthread_mutex_lock(&job.lock);
    job.noted[to] = 1;
    pthread_mutex_unlock(&job.lock);
    return 0;
}

static int32_t link_tick(struct ranks_job *unused)
{
    (void)unused;
    pthread_mutex_lock(&job.lock);
    int noted = job.noted[me];
    pthread_mutex_unlock(&job.lock);
    return noted;
}

static void link_close(struct ranks_job *unused)
{
    (void)unused;
}

static const struct ranks_link link_table = {.struct_size = sizeof link_table,
                                             .library = "threads",
                                             .open = link_open,
                                             .send = link_send,
                                             .receive = link_receive,
                                             .note = link_note,
                                             .tick = link_tick,
                                             .close = link_close};

/* ---- Ranks as threads ---- */

struct worker {
    int rank;
    pthread_t thread;
    struct ranks ranks;
    int (*work)(struct worker *worker);
    int code;
    struct err err;
    struct trainer_config config;
    struct trainer *trainer;
    struct trainer_score trained[EPOCHS], score[EPOCHS];
    struct ranks_traffic traffic;
    int64_t stop_at; /* says after that update that it wants to stop; 0: never */
};

static struct worker workers[RANKS_MOST];

static void *run_worker(void *context)
{
    struct worker *worker = context;
    struct ranks_launch launch = {worker->rank, job.count, "the test"};
    me = worker->rank;
    worker->code = ranks_open(&worker->ranks, &link_table, &launch, 1.0, &worker->err);
    if (worker->code == 0)
        worker->code = worker->work(worker);
    return NULL;
}

/* Starts `count` ranks; what they need besides is in workers[] already. */
static void run_ranks(int count, int (*work)(struct worker *worker))
{
    for (int from = 0; from < RANKS_MOST; from++) {
        job.noted[from] = job.gone[from] = 0;
        for (int to = 0; to < RANKS_MOST; to++)
            assert_null(job.first[from][to]); /* nothing is left over */
    }
    job.count = count;
    for (int rank = 0; rank < count; rank++) {
        workers[rank].rank = rank;
        workers[rank].work = work;
        if (pthread_create(&workers[rank].thread, NULL, run_worker, &workers[rank]) != 0)
            fail_msg("no thread");
    }
    for (int rank = 0; rank < count; rank++)
        pthread_join(workers[rank].thread, NULL);
}

static void release_ranks(int count)
{
    for (int rank = 0; rank < count; rank++)
        ranks_close(&workers[rank].ranks);
    memset(workers, 0, sizeof workers);
}

/* ---- Training ---- */

static int train_whole(struct worker *worker)
{
    struct trainer *trainer = worker->trainer;
    const struct trainer_state *state = trainer_state(trainer);
    int code = trainer_spread(trainer, &worker->err);
    while (code == 0 && state->epoch < EPOCHS && !worker->ranks.stopping) {
        code = trainer_update(trainer, &worker->err);
        if (code == 0 && worker->stop_at == state->update && worker->stop_at > 0)
            code = ranks_stop(&worker->ranks, &worker->err);
        if (code != 0 || !trainer_epoch_done(trainer) || worker->ranks.stopping)
            continue;
        int epoch = state->epoch;
        worker->trained[epoch] = trainer_end_epoch(trainer);
        code = trainer_evaluate(trainer, &worker->score[epoch], &worker->err);
    }
    return code == 0 ? trainer_traffic(trainer, &worker->traffic, &worker->err) : code;
}

static int train(struct worker *worker)
{
    worker->config.ranks = &worker->ranks;
    int code = trainer_new(&worker->config, &worker->trainer, &worker->err);
    return code == 0 ? train_whole(worker) : code;
}

/* What a rank computes with: its own device, no spy. */
static void give_config(struct worker *worker, const struct schedule *schedule, int64_t micro,
                        int64_t groups)
{
    worker->config = fixture_config(schedule);
    worker->config.backend = &fixture.plain;
    worker->config.device = fixture_device(1);
    worker->config.micro = micro;
    worker->config.groups = groups;
    worker->config.evaluates = 1;
}

static void take_config(struct worker *worker)
{
    trainer_free(worker->trainer);
    fixture.plain.device_close(worker->config.device);
}

/* Messages of all updates by the walk: a join of sums that two ranks have is one, and the total
 * goes to all but one. */
static int64_t messages_of(const struct schedule *schedule, int64_t micro, int64_t groups,
                           int ranks)
{
    int64_t messages = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (int64_t u = 0; u < schedule_at(schedule, epoch)->updates_per_epoch; u++) {
            struct reduction_cut cut = reduction_cut(schedule_rows(schedule, epoch, u), micro,
                                                     schedule->ghost, groups);
            struct reduction_walk walk = reduction_walk(cut.leaves);
            struct reduction_step step;
            while (reduction_next(&walk, &step))
                messages += step.op == REDUCTION_JOIN &&
                            reduction_rank(&cut, step.first - 1, ranks) !=
                                reduction_rank(&cut, step.last, ranks);
            messages += ranks - 1;
        }
    return messages;
}

static void compare_with_one(const struct schedule *schedule, int64_t micro, int64_t groups,
                             int ranks)
{
    struct worker one = {0};
    char words[80];
    snprintf(words, sizeof words, "%d ranks, %d groups", ranks, (int)groups);
    give_config(&one, schedule, micro, groups);
    one.trainer = fixture_trainer(&one.config);
    assert_int_equal(train_whole(&one), 0);
    assert_int_equal(one.traffic.messages, 0);
    for (int rank = 0; rank < ranks; rank++)
        give_config(&workers[rank], schedule, micro, groups);
    run_ranks(ranks, train);
    for (int rank = 0; rank < ranks; rank++) {
        if (workers[rank].code != 0)
            fail_msg("%s: %s", words, workers[rank].err.text);
        fixture_same(one.trainer, workers[rank].trainer, words);
        assert_memory_equal(one.trained, workers[rank].trained, sizeof one.trained);
        assert_memory_equal(one.score, workers[rank].score, sizeof one.score);
    }
    int64_t messages = messages_of(schedule, micro, groups, ranks);
    int64_t partial = 4 * (fixture.net.graph.param_count + fixture.net.graph.running_count) + 32;
    assert_int_equal(workers[0].traffic.messages, messages);
    assert_int_equal(workers[0].traffic.bytes, messages * partial);
    for (int rank = 0; rank < ranks; rank++)
        take_config(&workers[rank]);
    release_ranks(ranks);
    take_config(&one);
}

static void any_number_of_ranks_is_one(void **state)
{
    (void)state;
    fixture_need();
    struct schedule grows = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1),
                    adam = fixture_schedule(REPRO_OPTIMIZER_ADAM, 32, 1);
    for (int ranks = 2; ranks <= RANKS_MOST; ranks++)
        compare_with_one(&grows, 4, 8, ranks);
    for (int ranks = 2; ranks <= 5; ranks++)
        compare_with_one(&adam, 8, 3, ranks);
}

static void a_kept_rest_is_a_leaf_of_the_last_rank(void **state)
{
    (void)state;
    fixture_need();
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = 0.05,
                                 .train_n = FIXTURE_TRAIN_N,
                                 .batch = 30,
                                 .momentum = 0.9,
                                 .ghost = 10,
                                 .epochs = EPOCHS,
                                 .conventions = {.keep_last_batch = 1}};
    struct schedule schedule;
    struct err err = {0};
    assert_int_equal(schedule_build(&spec, &schedule, &err), 0);
    for (int ranks = 2; ranks <= 5; ranks++)
        compare_with_one(&schedule, 10, 8, ranks);
}

/* 72 images in batches of 32: two updates of 8 micros an epoch, with 8 groups. */
static void powers_of_two_send_nothing_twice(void **state)
{
    (void)state;
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 32, 0);
    int64_t updates = schedule_updates_before(&schedule, EPOCHS);
    for (int ranks = 1; ranks <= 8; ranks *= 2)
        assert_int_equal(messages_of(&schedule, 4, 8, ranks), updates * 2 * (ranks - 1));
    assert_true(messages_of(&schedule, 4, 8, 3) > updates * 2 * 2);
}

static void all_stop_behind_one_update(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    for (int who = 0; who < 4; who++) {
        for (int rank = 0; rank < 4; rank++)
            give_config(&workers[rank], &schedule, 4, 8);
        workers[who].stop_at = 3;
        run_ranks(4, train);
        int64_t update = trainer_state(workers[0].trainer)->update;
        assert_in_range(update, 4, schedule_updates_before(&schedule, EPOCHS) - 1);
        for (int rank = 0; rank < 4; rank++) {
            assert_int_equal(workers[rank].code, 0);
            assert_int_equal(trainer_state(workers[rank].trainer)->update, update);
            take_config(&workers[rank]);
        }
        release_ranks(4);
    }
}

/* One parameter of rank `stop_at` is another, by one bit. */
static int drift(struct worker *worker)
{
    int64_t which = worker->stop_at;
    worker->stop_at = 0;
    int code = train(worker);
    if (code == 0)
        code = trainer_check_ranks(worker->trainer, &worker->err);
    if (code != 0)
        return code;
    size_t count;
    float *arenas = fixture_arenas(worker->trainer, &count);
    uint32_t bits;
    memcpy(&bits, arenas, sizeof bits);
    bits ^= worker->rank == which;
    memcpy(arenas, &bits, sizeof bits);
    code = trainer_write(worker->trainer, REPRO_ARENA_PARAM, arenas, &worker->err);
    mem_free(arenas);
    return code == 0 ? trainer_check_ranks(worker->trainer, &worker->err) : code;
}

static void a_drifting_rank_is_named(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 36, 0);
    static const char text[] = "rank 2, on host1: after update 4 its parameters are not those of "
                               "rank 0, though";
    for (int rank = 0; rank < 3; rank++) {
        give_config(&workers[rank], &schedule, 4, 8);
        workers[rank].stop_at = 2;
    }
    run_ranks(3, drift);
    for (int rank = 0; rank < 3; rank++) {
        assert_int_equal(workers[rank].code, ERR_RANK);
        assert_memory_equal(workers[rank].err.text, text, strlen(text));
        take_config(&workers[rank]);
    }
    release_ranks(3);
}

/* ---- Among ranks ---- */

static int tell_from_all(struct worker *worker)
{
    int code = 0;
    for (int root = 0; code == 0 && root < job.count; root++) {
        int64_t value[2] = {worker->rank == root ? 100 + root : -1, root};
        code = ranks_tell(&worker->ranks, root, value, sizeof value, &worker->err);
        if (code == 0 && value[0] != 100 + root)
            code = err_set(&worker->err, ERR_INTERNAL, "rank %d: not told by %d", worker->rank,
                           root);
    }
    return code;
}

static void what_one_tells_all_know(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= RANKS_MOST; ranks++) {
        run_ranks(ranks, tell_from_all);
        int64_t sent = 0;
        for (int rank = 0; rank < ranks; rank++) {
            if (workers[rank].code != 0)
                fail_msg("%s", workers[rank].err.text);
            sent += workers[rank].ranks.sent.messages;
            assert_int_equal(workers[rank].ranks.crowd, ranks > 1 ? 2 : 1);
        }
        /* places to rank 0, hosts and crowd to all, and the test's own */
        assert_int_equal(sent, (ranks - 1) * (3 + ranks));
        release_ranks(ranks);
    }
}

static int agree(struct worker *worker)
{
    int code = worker->stop_at > 0 ? err_set(&worker->err, ERR_IO, "rank %d cannot", worker->rank)
                                   : 0;
    return ranks_agree(&worker->ranks, code, &worker->err);
}

static void the_first_failure_is_everybodys(void **state)
{
    (void)state;
    static const struct {
        int fails[2];
        const char *text;
    } cases[] = {{{1, 3}, "rank 1, on host0: rank 1 cannot"},
                 {{3, 3}, "rank 3, on host1: rank 3 cannot"},
                 {{0, 2}, "rank 0 cannot"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        workers[cases[i].fails[0]].stop_at = workers[cases[i].fails[1]].stop_at = 1;
        run_ranks(4, agree);
        for (int rank = 0; rank < 4; rank++) {
            assert_int_equal(workers[rank].code, ERR_IO);
            assert_string_equal(workers[rank].err.text, cases[i].text);
            assert_int_equal(workers[rank].ranks.in_step, 1);
        }
        release_ranks(4);
    }
    run_ranks(4, agree);
    for (int rank = 0; rank < 4; rank++)
        assert_int_equal(workers[rank].code, 0);
    release_ranks(4);
}

static int same(struct worker *worker)
{
    return ranks_same(&worker->ranks,
                      worker->stop_at == 1   ? "program\ta\ndata\t7\n"
                      : worker->stop_at == 2 ? "program\ta\n"
                                             : "program\ta\ndata\t5\n",
                      &worker->err);
}

static void what_differs_is_named(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "rank 2, on host1: its data is '7' where that of rank 0, on host0, is '5'",
        "rank 2, on host1: its data is '' where that of rank 0, on host0, is '5'"};
    run_ranks(3, same);
    for (int rank = 0; rank < 3; rank++)
        assert_int_equal(workers[rank].code, 0);
    release_ranks(3);
    for (int how = 1; how <= 2; how++) {
        workers[2].stop_at = how;
        run_ranks(3, same);
        for (int rank = 0; rank < 3; rank++) {
            assert_int_equal(workers[rank].code, ERR_INPUT);
            assert_memory_equal(workers[rank].err.text, texts[how - 1], strlen(texts[how - 1]));
        }
        release_ranks(3);
    }
}

static int leave(struct worker *worker)
{
    if (worker->rank == 1) {
        pthread_mutex_lock(&job.lock);
        job.gone[1] = 1;
        pthread_cond_broadcast(&job.changed);
        pthread_mutex_unlock(&job.lock);
        return 0;
    }
    int64_t value;
    return ranks_receive(&worker->ranks, 1, &value, sizeof value, &worker->err);
}

static void who_is_lost_is_named(void **state)
{
    (void)state;
    run_ranks(3, leave);
    for (int rank = 0; rank < 3; rank += 2) {
        assert_int_equal(workers[rank].code, ERR_RANK);
        assert_string_equal(workers[rank].err.text, "rank 1 of 3, on host0, is lost: gone");
        assert_int_equal(workers[rank].ranks.lost, 1);
        assert_int_equal(workers[rank].ranks.in_step, 0);
    }
    release_ranks(3);
}

static void alone_there_is_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct ranks alone = {.count = 1};
    struct ranks *both[] = {NULL, &alone};
    for (int i = 0; i < 2; i++) {
        assert_false(ranks_are_several(both[i]));
        assert_true(ranks_is_first(both[i]));
        assert_int_equal(ranks_tell(both[i], 0, &err, sizeof err, &err), 0);
        assert_int_equal(ranks_same(both[i], "a\tb\n", &err), 0);
        assert_int_equal(ranks_agree(both[i], ERR_IO, &err), ERR_IO);
        assert_int_equal(ranks_agree(both[i], 0, &err), 0);
        assert_int_equal(ranks_tick(both[i]), 0);
        ranks_hurry(both[i]);
    }
    ranks_close(&alone);
}

/* ---- Launchers ---- */

static void a_launcher_is_known_by_its_variables(void **state)
{
    (void)state;
    static const struct {
        const char *set[4];
        int rank, count;
        const char *name;
    } cases[] = {
        {{"OMPI_COMM_WORLD_RANK=3", "OMPI_COMM_WORLD_SIZE=8"}, 3, 8, "mpirun (Open MPI)"},
        {{"PMI_RANK=0", "PMI_SIZE=2"}, 0, 2, "mpirun (Hydra)"},
        {{"SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=4"}, 1, 4, "srun (Slurm)"},
        {{"SLURM_PROCID=0", "SLURM_NTASKS=4"}, 0, 1, NULL}, /* a batch script */
        {{"OMPI_COMM_WORLD_RANK=1", "OMPI_COMM_WORLD_SIZE=2", "SLURM_PROCID=0",
          "SLURM_STEP_NUM_TASKS=1"},
         1,
         2,
         "mpirun (Open MPI)"}, /* in a step of one task */
        {{"OMPI_COMM_WORLD_RANK=8", "OMPI_COMM_WORLD_SIZE=8"}, 0, 1, NULL},
        {{"PMI_RANK=x", "PMI_SIZE=2"}, 0, 1, NULL},
        {{"PMI_RANK=", "PMI_SIZE=2"}, 0, 1, NULL},
        {{NULL}, 0, 1, NULL},
    };
    static const char *const names[] = {
        "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK",    "PMI_SIZE",
        "SLURM_PROCID",         "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            unsetenv(names[n]);
        for (int n = 0; n < 4 && cases[i].set[n] != NULL; n++) {
            char name[64];
            const char *equals = strchr(cases[i].set[n], '=');
            snprintf(name, sizeof name, "%.*s", (int)(equals - cases[i].set[n]), cases[i].set[n]);
            setenv(name, equals + 1, 1);
        }
        struct ranks_launch launch = ranks_launch();
        assert_int_equal(launch.rank, cases[i].rank);
        assert_int_equal(launch.count, cases[i].count);
        if (cases[i].name != NULL)
            assert_string_equal(launch.name, cases[i].name);
        else
            assert_null(launch.name);
    }
}

static void a_job_of_another_size_is_refused(void **state)
{
    (void)state;
    struct ranks ranks;
    struct err err = {0};
    struct ranks_launch launch = {0, 8, "some launcher"};
    job.count = 1;
    me = 0;
    assert_int_equal(ranks_open(&ranks, &link_table, &launch, 1.0, &err), ERR_CANNOT_RUN);
    assert_non_null(strstr(err.text, "some launcher has started 8 processes, but threads"));
    assert_non_null(strstr(err.text, "sees 1"));
    assert_null(ranks.link);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_ranks_is_one),
        cmocka_unit_test(a_kept_rest_is_a_leaf_of_the_last_rank),
        cmocka_unit_test(powers_of_two_send_nothing_twice),
        cmocka_unit_test(all_stop_behind_one_update),
        cmocka_unit_test(a_drifting_rank_is_named),
        cmocka_unit_test(what_one_tells_all_know),
        cmocka_unit_test(the_first_failure_is_everybodys),
        cmocka_unit_test(what_differs_is_named),
        cmocka_unit_test(who_is_lost_is_named),
        cmocka_unit_test(alone_there_is_nothing),
        cmocka_unit_test(a_launcher_is_known_by_its_variables),
        cmocka_unit_test(a_job_of_another_size_is_refused),
    };
    return cmocka_run_group_tests_name("ranks", tests, fixture_open, fixture_close);
}
