/* sets.h -- which sets of results a figure has: runs of one profile, data set and backend, found by
 * their manifests alone.
 *
 * A set is there when a finished run that was trained for the figure, or has been drawn in it, has
 * the identity that the experiment file asks for today.  Then every run of that identity counts,
 * whatever figure it was trained for. */
#ifndef RESULTS_SETS_H
#define RESULTS_SETS_H

#include "results/facts.h"
#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define SETS_SEEDS 4096 /* most seeds between a set's lowest and its highest */
#define SETS_TEXT 512

struct result_set {
    struct facts facts;
    char id[9];           /* of profile, data, backend and micro: 8 hexadecimal digits */
    uint64_t first, last; /* lowest and highest seed of a run of it */
    size_t done;          /* finished runs of the figure, all seeds */
    size_t whole;         /* seeds of which every run is finished */
    uint64_t whole_first, whole_last; /* the lowest and highest of those; 0: none */
};

struct result_sets {
    size_t count, found;    /* those that count, and all: the others stand behind them */
    struct result_set *set; /* [found], by profile, data, backend */
    size_t stale;           /* finished runs of the figure that its file does not ask for today */
    char stale_words[SETS_TEXT]; /* in what the nearest of them differs; or empty */
};

/* What a user named; NULL and 0: anything. */
struct sets_choice {
    const char *profile, *data, *digest, *backend, *id;
    int precision, threads;
    int tuned; /* 1: only such; 0: anything */
};

/* sets_release() is legal on a zeroed struct. */
int sets_find(const struct store *store, const struct experiment *experiment,
              struct result_sets *sets, struct err *err);
void sets_release(struct result_sets *sets);

/* The same where a run counts as soon as it is begun. */
int sets_find_begun(const struct store *store, const struct experiment *experiment,
                    struct result_sets *sets, struct err *err);

/* Puts the sets that are not what the choice names behind the others; they do not count any more.
 * Where it names no profile and sets of the experiment's default one are there, the others go
 * too. */
void sets_keep(struct result_sets *sets, const struct sets_choice *choice);

/* 1 when the set is what the choice names. */
int sets_fit(const struct result_set *set, const struct sets_choice *choice);

/* What tells the files of these facts apart from those of another set of the figure that would have
 * the same names (facts_stem()): the set's id; empty where there is no such other. */
int sets_apart(const struct store *store, const struct facts *facts, char apart[9],
               struct err *err);

/* One line for people: "profile small, cifar10, onednn f32, 1 thread, seed 1: 4 of 4 runs (oneDNN
 * 2.6.3)".  Returns text. */
const char *sets_text(const struct result_set *set, char text[SETS_TEXT]);

#endif
