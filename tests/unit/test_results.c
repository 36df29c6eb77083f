/* Results found by their manifests: what a figure has of them is known without data, backend or
 * device. */
#include "made.h"
#include "base/mem.h"
#include "results/curves.h"
#include "results/difference.h"
#include "results/sets.h"
#include "results/store.h"

#include <unistd.h>

/* The identity of a run that was trained months ago, and is kept with the project's results. */
static void identities_are_frozen(void **state)
{
    (void)state;
    struct err err = {0};
    char path[SCRATCH_PATH];
    const char *share = getenv("REPRO_SHARE");
    struct experiment *experiment = NULL;
    struct run run;
    if (share == NULL)
        skip();
    snprintf(path, sizeof path, "%s/experiments/figure3.exp", share);
    if (experiment_load(path, &experiment, &err) != 0)
        fail_msg("%s", err.text);
    struct facts facts = {
        .experiment = experiment,
        .profile = experiment_profile(experiment, "small", &err),
        .data = {.name = "cifar10",
                 .augment = "crop from 4-pixel reflection pad, flip",
                 .digest = "bdeffe248f40e9a5"},
        .backend = {.name = "onednn",
                    .version = "1.0",
                    .algorithms = "direct; own winograd F(4x4,3x3) for 3x3, stride 1, multiples of "
                                  "16 channels",
                    .precision = REPRO_PRECISION_F32,
                    .threads = 1},
        .micro_ghosts = 1};
    assert_int_equal(run_init(&run, &facts,
                              experiment_run(experiment, "momentum-decaying-learning-rate", &err),
                              1, "nowhere", &err),
                     0);
    assert_string_equal(run.hash, "0a58e06381e6c3e135cbb8ff03caf316");
    assert_string_equal(run.folder, "nowhere/runs/wrn-16-1-cifar10-momentum-onednn-0a58e06381e6");
    assert_int_equal(run.status, RUN_NEW);
    run_release(&run);
    experiment_free(experiment);
}

static void labels(void **state)
{
    (void)state;
    char text[FACTS_LABEL];
    struct facts_backend backend = {.name = "cudnn", .precision = REPRO_PRECISION_F32};
    assert_string_equal(facts_label(&backend, text), "cudnn");
    backend.precision = REPRO_PRECISION_BF16;
    assert_string_equal(facts_label(&backend, text), "cudnn-bf16");
    backend.tuned = 1;
    assert_string_equal(facts_label(&backend, text), "cudnn-bf16-tuned");
    backend.precision = REPRO_PRECISION_F32;
    assert_string_equal(facts_label(&backend, text), "cudnn-tuned");
}

/* What was trained with one set of facts is read back as those. */
static void facts_come_back(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct facts facts = made->facts,
                 read = {.experiment = made->experiment, .profile = made->facts.profile};
    facts.backend.precision = REPRO_PRECISION_BF16;
    facts.backend.tuned = 1;
    facts.micro_ghosts = 2;
    made_run(&facts, 0, 7, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(store.count, 1);
    assert_int_equal(stored_seed(&store.runs[0]), 7);
    assert_int_equal(facts_read(&read, store.runs[0].manifest, &err), 0);
    assert_true(facts_same(&facts, &read));
    assert_string_equal(read.backend.library, "oneDNN 2.6.3");
    assert_false(facts_same(&made->facts, &read));
    store_close(&store);
}

/* A backend whose threads change no bit: their number is no part of the identity. */
static void any_threads_are_the_same(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct facts facts = made->facts,
                 read = {.experiment = made->experiment, .profile = made->facts.profile};
    facts.backend.any_threads = 1;
    made_run(&facts, 0, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_null(
        json_object_get(json_object_get(stored_identity(&store.runs[0]), "backend"), "threads"));
    assert_int_equal(facts_read(&read, store.runs[0].manifest, &err), 0);
    assert_int_equal(read.backend.threads, 2); /* of the last session */
    read.backend.threads = 5;
    assert_true(facts_same(&facts, &read));
    store_close(&store);
}

static void nothing_there_is_an_empty_store(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct result_sets sets;
    assert_int_equal(store_open(&store, scratch_path(&made->scratch, "absent"), &err), 0);
    assert_int_equal(store.count, 0);
    assert_null(store_find(&store, "0123"));
    assert_int_equal(sets_find(&store, made->experiment, &sets, &err), 0);
    assert_int_equal(sets.count, 0);
    sets_release(&sets);
    store_close(&store);
}

static void assert_stem(const struct facts *facts, const char *apart, const char *expected)
{
    struct err err = {0};
    char *stem = facts_stem(facts, apart, &err);
    assert_string_equal(stem, expected);
    mem_free(stem);
}

/* Files of results that differ have names that differ; one thread is not named, nor is a number of
 * threads that changes nothing. */
static void files_have_names_of_their_own(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct facts other = made->facts, third = made->facts;
    char apart[9], again[9];
    assert_stem(&other, NULL, "made-mini-cifar10-onednn-t2");
    assert_stem(&other, "01234567", "made-mini-cifar10-onednn-t2-01234567");
    third.backend.threads = 1;
    assert_stem(&third, "", "made-mini-cifar10-onednn");
    other.backend.any_threads = 1;
    assert_stem(&other, NULL, "made-mini-cifar10-onednn");
    other = made->facts;
    snprintf(other.data.digest, sizeof other.data.digest, "fedcba9876543210");
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    made_run(&third, 0, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(sets_apart(&store, &made->facts, apart, &err), 0);
    assert_string_equal(apart, "");
    store_close(&store);
    made_run(&other, 0, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(sets_apart(&store, &made->facts, apart, &err), 0);
    assert_int_equal(sets_apart(&store, &other, again, &err), 0);
    assert_int_equal(strlen(apart), 8);
    assert_int_equal(strlen(again), 8);
    assert_string_not_equal(apart, again);
    assert_int_equal(sets_apart(&store, &third, apart, &err), 0);
    assert_string_equal(apart, "");
    store_close(&store);
}

/* A log is read once: what happens to the file afterwards is not seen. */
static void logs_are_read_once(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    const struct runlog *first = NULL, *again = NULL;
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(stored_log(&store.runs[0], &first, &err), 0);
    assert_int_equal(first->count, 4);
    assert_int_equal(unlink(store.runs[0].log_path), 0);
    assert_int_equal(stored_log(&store.runs[0], &again, &err), 0);
    assert_ptr_equal(first, again);
    store_close(&store);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(stored_log(&store.runs[0], &first, &err), ERR_IO);
    assert_non_null(strstr(err.text, "log.tsv"));
    store_close(&store);
}

/* A damaged manifest hides no other run, and whoever needs its own hears of it. */
static void damage_is_kept(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct curves curves;
    struct run run;
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    made_run(&made->facts, 1, 1, 1, 0.5, made->scratch.folder);
    assert_int_equal(
        run_init(&run, &made->facts, &made->experiment->runs[0], 1, made->scratch.folder, &err), 0);
    assert_int_equal(file_replace(run.manifest_path, "{ \"run\": ", 9, &err), 0);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(store.count, 2);
    struct stored *found = store_find(&store, run.hash);
    assert_non_null(found);
    assert_null(found->manifest);
    assert_non_null(strstr(found->damage.text, "damaged"));
    assert_int_equal(curves_find(&store, &made->facts, 1, 1, &curves, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, run.manifest_path));
    run_release(&run);
    store_close(&store);
}

static void curves_are_what_is_done(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct curves curves;
    const char *out = made->scratch.folder;
    struct facts other = made->facts;
    other.backend.threads = 1;
    for (uint64_t seed = 1; seed <= 3; seed++)
        made_run(&made->facts, 0, seed, 1, 0.5, out);
    made_run(&made->facts, 1, 2, 1, 0.5, out);
    made_run(&made->facts, 1, 3, 0, 0.5, out); /* begun only */
    made_run(&other, 1, 1, 1, 0.5, out);       /* computed by something else */
    assert_int_equal(store_open(&store, out, &err), 0);
    assert_int_equal(store.count, 6);
    assert_int_equal(curves_find(&store, &made->facts, 1, 8, &curves, &err), 0);
    assert_int_equal(curves.count, 2);
    assert_int_equal(curves.curve[0].count, 3);
    assert_int_equal(curves.curve[1].count, 1);
    assert_int_equal(stored_seed(curves.curve[0].seeds[2]), 3);
    assert_non_null(curve_seed(&curves.curve[1], 2));
    assert_null(curve_seed(&curves.curve[1], 3));
    assert_true(curves_have(&curves, 2));
    assert_false(curves_have(&curves, 1));
    curves_release(&curves);
    assert_int_equal(curves_find(&store, &made->facts, 2, 1, &curves, &err), 0);
    assert_int_equal(curves.curve[0].count, 1); /* the seed asked for */
    curves_release(&curves);
    store_close(&store);
}

static void sets_are_told_apart(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct result_sets sets;
    const char *out = made->scratch.folder;
    char text[SETS_TEXT];
    struct facts one = made->facts, bf16 = made->facts, half = made->facts;
    one.backend.threads = 1;
    bf16.backend.precision = REPRO_PRECISION_BF16;
    half.profile = &made->experiment->profiles[1];
    for (uint64_t seed = 1; seed <= 2; seed++)
        for (size_t i = 0; i < 2; i++)
            made_run(&made->facts, i, seed, 1, 0.5, out);
    made_run(&made->facts, 0, 4, 1, 0.5, out);
    made_run(&one, 0, 1, 1, 0.5, out);
    made_run(&bf16, 0, 1, 1, 0.5, out);
    made_run(&half, 0, 1, 1, 0.5, out);
    assert_int_equal(store_open(&store, out, &err), 0);
    assert_int_equal(sets_find(&store, made->experiment, &sets, &err), 0);
    assert_int_equal(sets.count, 4);
    assert_int_equal(sets.stale, 0);

    struct sets_choice any = {0};
    sets_keep(&sets, &any); /* no profile named: the default one's, where there are such */
    assert_int_equal(sets.count, 3);
    assert_int_equal(sets.found, 4);
    sets_release(&sets);

    static const struct {
        struct sets_choice choice;
        size_t count;
    } cases[] = {
        {{.profile = "half"}, 1},
        {{.profile = "mini"}, 3},
        {{.precision = REPRO_PRECISION_BF16}, 1},
        {{.precision = REPRO_PRECISION_F32}, 2},
        {{.threads = 1}, 1},
        {{.threads = 2, .precision = REPRO_PRECISION_F32}, 1},
        {{.backend = "openblas"}, 0},
        {{.data = "synthetic"}, 0},
        {{.digest = "0123456789abcdef", .threads = 1}, 1},
        {{.tuned = 1}, 0},
        {{.id = "nothing"}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sets_find(&store, made->experiment, &sets, &err), 0);
        sets_keep(&sets, &cases[i].choice);
        assert_int_equal(sets.count, cases[i].count);
        sets_release(&sets);
    }

    struct sets_choice two = {.threads = 2, .precision = REPRO_PRECISION_F32};
    assert_int_equal(sets_find(&store, made->experiment, &sets, &err), 0);
    sets_keep(&sets, &two);
    const struct result_set *set = &sets.set[0];
    assert_int_equal(set->first, 1);
    assert_int_equal(set->last, 4);
    assert_int_equal(set->done, 5);
    assert_int_equal(set->whole, 2);
    assert_int_equal(set->whole_first, 1);
    assert_int_equal(set->whole_last, 2);
    assert_string_equal(sets_text(set, text),
                        "profile mini, cifar10, onednn, 2 threads, seeds 1 to "
                        "4: 5 finished runs (oneDNN 2.6.3)");
    char id[sizeof set->id];
    memcpy(id, set->id, sizeof id); /* the sets change places */
    struct sets_choice by_id = {.id = id};
    assert_int_equal(sets.found, 4);
    sets.count = sets.found;
    sets_keep(&sets, &by_id);
    assert_int_equal(sets.count, 1);
    sets_release(&sets);
    store_close(&store);
}

/* A run whose experiment file has changed since is not passed off as today's. */
static void changed_experiments_are_told(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct result_sets sets;
    char text[2048];
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    snprintf(text, sizeof text, "%s", made_experiment);
    char *lr = strstr(text, "lr = 0.05");
    assert_non_null(lr);
    memcpy(lr, "lr = 0.06", 9);
    struct experiment *changed = made_load(scratch_path(&made->scratch, "changed.exp"), text);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(sets_find(&store, changed, &sets, &err), 0);
    assert_int_equal(sets.count, 0);
    assert_int_equal(sets.stale, 1);
    assert_string_equal(sets.stale_words, "phases[0].lr was 0.05, is 0.06, and more");
    sets_release(&sets);
    store_close(&store);
    experiment_free(changed);
}

/* Each name is noted once, also where one figure knows a run by two. */
static void names_are_noted_once(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct run run;
    json_t *manifest = NULL;
    struct experiment_run twin = made->experiment->runs[0];
    twin.name = "twin";
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(run_init(&run, &made->facts,
                                  round == 1 ? &made->experiment->runs[0] : &twin, 1,
                                  made->scratch.folder, &err),
                         0);
        assert_int_equal(manifest_add_name(&run, &err), 0);
        assert_int_equal(manifest_read(run.manifest_path, &manifest, &err), 0);
        assert_int_equal(json_array_size(json_object_get(manifest, "also")), 1);
        assert_true(manifest_is_named(manifest, "made", "one"));
        assert_true(manifest_is_named(manifest, "made", "twin"));
        assert_true(manifest_is_named(manifest, "made", NULL));
        assert_false(manifest_is_named(manifest, "mad", NULL));
        assert_false(manifest_is_named(manifest, "made", "two"));
        json_decref(manifest);
        run_release(&run);
    }
}

int main(void)
{
#define MADE(test) cmocka_unit_test_setup_teardown(test, made_setup, made_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identities_are_frozen),
        cmocka_unit_test(labels),
        MADE(facts_come_back),
        MADE(any_threads_are_the_same),
        MADE(nothing_there_is_an_empty_store),
        MADE(files_have_names_of_their_own),
        MADE(logs_are_read_once),
        MADE(damage_is_kept),
        MADE(curves_are_what_is_done),
        MADE(sets_are_told_apart),
        MADE(changed_experiments_are_told),
        MADE(names_are_noted_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
