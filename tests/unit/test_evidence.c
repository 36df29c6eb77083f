/* What claims are judged on: finished seeds count, in the range asked for, and nothing else. */
#include "judge/evidence.h"
#include "judge/verdicts.h"
#include "made.h"

#include "base/mem.h"

static void finished_seeds_count(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct evidence evidence;
    const char *out = made->scratch.folder;
    for (uint64_t seed = 1; seed <= 3; seed++)
        made_run(&made->facts, 0, seed, seed != 2, 0.1 * (double)seed, out);
    made_run(&made->facts, 1, 9, 1, 0.7, out);
    assert_int_equal(store_open(&store, out, &err), 0);
    assert_int_equal(evidence_load(&store, &made->facts, 1, EVIDENCE_SEEDS, &evidence, &err), 0);
    const struct claim_evidence *claims = &evidence.claims;
    assert_int_equal(claims->curves[0].count, 2);
    assert_int_equal(claims->curves[1].count, 1);
    assert_float_equal(claims->curves[0].logs[1].rows[3].test_accuracy, 0.3, 1e-6);
    assert_float_equal(claims->curves[1].logs[0].rows[3].test_accuracy, 0.7, 1e-6);
    assert_int_equal(claims->test_n, 32);
    assert_int_equal(claims->profile, 0);
    assert_int_equal(claims->here[0].updates, claims->paper[0].updates); /* divide = 1 */
    evidence_release(&evidence);
    assert_int_equal(evidence_load(&store, &made->facts, 2, 2, &evidence, &err), 0);
    assert_int_equal(evidence.claims.curves[0].count, 1); /* seed 3 */
    assert_int_equal(evidence.claims.curves[1].count, 0);
    evidence_release(&evidence);
    store_close(&store);
}

static void without_a_store_only_plans(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct evidence evidence;
    struct verdicts verdicts;
    struct facts facts = {.experiment = made->experiment,
                          .profile = &made->experiment->profiles[1]};
    char *text = NULL;
    assert_int_equal(evidence_load(NULL, &facts, 1, 1, &evidence, &err), 0);
    assert_int_equal(evidence.claims.curves[0].count, 0);
    assert_int_equal(evidence.claims.profile, 1);
    assert_int_equal(verdicts_judge(&verdicts, &evidence.claims, NULL, NULL, &err), 0);
    assert_int_equal(verdicts_text(&verdicts, &text, &err), 0);
    assert_int_equal(verdicts.outcomes[CLAIM_HOLDS], 1);
    assert_int_equal(verdicts.outcomes[CLAIM_NOT_RUN], 1);
    assert_non_null(strstr(text, "made, profile half, nothing trained so far: of 2 claims 1 hold"));
    mem_free(text);
    verdicts_release(&verdicts);
    evidence_release(&evidence);
}

/* The whole way: from run folders to a verdict. */
static void verdicts_follow(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct evidence evidence;
    struct verdicts verdicts;
    const char *out = made->scratch.folder;
    made_run(&made->facts, 0, 1, 1, 0.99, out);
    made_run(&made->facts, 1, 1, 1, 0.10, out);
    assert_int_equal(store_open(&store, out, &err), 0);
    assert_int_equal(evidence_load(&store, &made->facts, 1, EVIDENCE_SEEDS, &evidence, &err), 0);
    assert_int_equal(verdicts_judge(&verdicts, &evidence.claims, "cifar10", "onednn", &err), 0);
    assert_int_equal(verdicts.verdicts[1].outcome, CLAIM_HOLDS);
    verdicts_release(&verdicts);
    evidence_release(&evidence);
    store_close(&store);
}

static void damaged_logs_are_no_evidence(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct evidence evidence;
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(file_replace(store.runs[0].log_path, "epoch\n", 6, &err), 0);
    assert_int_equal(evidence_load(&store, &made->facts, 1, 1, &evidence, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "log.tsv:1: "));
    store_close(&store);
}

int main(void)
{
#define MADE(test) cmocka_unit_test_setup_teardown(test, made_setup, made_teardown)
    const struct CMUnitTest tests[] = {
        MADE(finished_seeds_count),
        MADE(without_a_store_only_plans),
        MADE(verdicts_follow),
        MADE(damaged_logs_are_no_evidence),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
