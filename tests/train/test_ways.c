/* What other code does otherwise within an update: what decays, smoothed labels, batch norm without
 * gamma, the decay of running statistics. */
#include "fixture.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The step says so, and the L2 term is that of what decays. */
static void decay_on_weights(void **state)
{
    (void)state;
    fixture_need();
    struct schedule usual = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1), other = usual;
    other.conventions.decay_weights = 1;
    struct trainer_config one = fixture_config(&usual), two = fixture_config(&other);
    struct trainer *all = fixture_trainer(&one), *weights = fixture_trainer(&two);
    struct err err = {0};
    double l2 = 0.0, sum = 0.0;
    fixture_train(all, 2);
    assert_int_equal(fixture.step.flags & REPRO_STEP_DECAY_WEIGHTS, 0);
    fixture_train(weights, 2);
    assert_int_equal(fixture.step.flags & REPRO_STEP_DECAY_WEIGHTS, REPRO_STEP_DECAY_WEIGHTS);
    float *param = mem_new((size_t)fixture.net.graph.param_count, sizeof *param, NULL);
    assert_int_equal(trainer_read(weights, REPRO_ARENA_PARAM, param, &err), 0);
    for (int i = 0; i < fixture.net.graph.node_count; i++) {
        const struct repro_node *node = &fixture.net.nodes[i];
        int64_t first = node->weights, end = node->bias;
        if (node->op == REPRO_OP_CONV) /* no bias: up to what the next node has */
            end = first + (int64_t)node->channels * fixture.net.nodes[node->src[0]].channels *
                              node->kernel_h * node->kernel_w;
        for (; (node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE) && first < end; first++)
            sum += (double)param[first] * param[first];
    }
    assert_int_equal(trainer_l2(weights, &l2, &err), 0);
    assert_true(sum > 1.0 && fabs(l2 - 0.5 * 5e-4 * sum) < 1e-9 * sum);
    assert_int_equal(trainer_write(all, REPRO_ARENA_PARAM, param, &err), 0);
    assert_int_equal(trainer_l2(all, &sum, &err), 0);
    assert_true(sum > l2 * 1.01); /* gammas near 1 among them */
    mem_free(param);
    trainer_free(all);
    trainer_free(weights);
}

/* .9997 whatever the batch, by default .9 for every 128 images. */
static void statistics_per_update(void **state)
{
    (void)state;
    fixture_need();
    static const int64_t batches[] = {12, 36};
    for (int per_update = 0; per_update < 2; per_update++)
        for (int i = 0; i < 2; i++) {
            struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, batches[i], 1);
            schedule.conventions.running_per_update = per_update;
            struct trainer_config config = fixture_config(&schedule);
            struct trainer *trainer = fixture_trainer(&config);
            fixture_train(trainer, 1);
            double keep = per_update ? 0.9997 : pow(0.9, (double)batches[i] / 128);
            assert_true(fabs(fixture.step.keep - keep) < 1e-15);
            assert_int_equal(fixture.step.ghosts, batches[i] / 4);
            trainer_free(trainer);
        }
}

/* The fixture's network in other ways, or as it is, after one update, trained without the spy. */
static struct trainer_score scored(struct net_ways ways, double *training)
{
    const struct dataset *data = &fixture.data;
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 72, 0);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer_score score = {0};
    struct net net;
    struct err err = {0};
    assert_int_equal(net_named_with(&net, "tiny", &ways, data->channels, data->height, data->width,
                                    data->classes, data->mean, data->deviation, &err),
                     0);
    config.net = &net;
    config.backend = &fixture.plain;
    struct trainer *trainer = fixture_trainer(&config);
    assert_int_equal(trainer_evaluate(trainer, &score, &err), 0);
    assert_int_equal(trainer_update(trainer, &err), 0);
    *training = trainer_end_epoch(trainer).loss;
    trainer_free(trainer);
    net_release(&net);
    return score;
}

/* From the same weights: the test loss is the plain one in every way, the training loss of smoothed
 * labels is another, and a gamma of 1 is as good as none. */
static void losses_of_other_ways(void **state)
{
    (void)state;
    fixture_need();
    double usual, smoothed, plain;
    struct trainer_score a = scored((struct net_ways){0}, &usual),
                         b = scored((struct net_ways){.label_smoothing = 0.5}, &smoothed),
                         c = scored((struct net_ways){.no_gamma = 1}, &plain);
    assert_true(a.loss == b.loss && a.accuracy == b.accuracy);
    assert_true(fabs(usual - smoothed) > 1e-3);
    assert_true(fabs(a.loss - c.loss) < 1e-6 * a.loss && fabs(usual - plain) < 1e-6 * usual);
}

/* A backend of an earlier contract trains what it always did, and says what it lacks. */
static void older_backends(void **state)
{
    (void)state;
    fixture_need();
    static const struct {
        struct schedule_conventions conventions;
        struct net_ways ways;
        const char *word;
    } cases[] = {
        {{0}, {0}, NULL},
        {{.running_per_update = 1}, {0}, NULL},
        {{.decay_weights = 1}, {0}, "weight decay on weights alone"},
        {{0}, {.label_smoothing = 0.1}, "smoothed labels"},
        {{0}, {.no_gamma = 1}, "batch norm without gamma"},
    };
    struct repro_backend older = fixture.plain;
    older.abi_minor = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 36, 1);
        schedule.conventions = cases[i].conventions;
        struct net net = fixture.net;
        net.ways = cases[i].ways;
        struct trainer_config config = fixture_config(&schedule);
        config.net = &net;
        config.backend = &older;
        struct trainer *trainer = NULL;
        struct err err = {0};
        int code = trainer_new(&config, &trainer, &err);
        assert_int_equal(code, cases[i].word == NULL ? 0 : ERR_BACKEND);
        if (code != 0 &&
            (strstr(err.text, cases[i].word) == NULL || strstr(err.text, fixture.name) == NULL ||
             strstr(err.text, "1.3") == NULL))
            fail_msg("'%s' lacks '%s'", err.text, cases[i].word);
        trainer_free(trainer);
    }
}

/* Statistics of what has none. */
static void no_statistics(void **state)
{
    (void)state;
    fixture_need();
    const struct dataset *data = &fixture.data;
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 36, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = NULL;
    struct net net;
    struct err err = {0};
    net_start(&net, data->channels, data->height, data->width, data->classes, data->mean,
              data->deviation, &err);
    net_loss(&net, "loss", net_dense(&net, "dense", 0, data->classes));
    assert_int_equal(net_finish(&net, &err), 0);
    config.net = &net;
    config.backend = &fixture.plain;
    schedule.conventions.running_per_update = 1;
    assert_int_equal(trainer_new(&config, &trainer, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "without batch norm"));
    schedule.conventions.running_per_update = 0;
    assert_int_equal(trainer_new(&config, &trainer, &err), 0);
    trainer_free(trainer);
    net_release(&net);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decay_on_weights),     cmocka_unit_test(statistics_per_update),
        cmocka_unit_test(losses_of_other_ways), cmocka_unit_test(older_backends),
        cmocka_unit_test(no_statistics),
    };
    return cmocka_run_group_tests_name("ways", tests, fixture_open, fixture_close);
}
