/* facts.h -- what the runs of one figure share, in plain words and numbers: which experiment at
 * which profile, on which data, computed by what.  With a curve and a seed it makes a run.
 *
 * A command that trains fills it from the data set and the device at hand (lab/session.h); one that
 * looks at results fills it from what a manifest says, so that neither needs to be there. */
#ifndef RESULTS_FACTS_H
#define RESULTS_FACTS_H

#include "experiment/experiment.h"

#include <jansson.h>
#include <stdint.h>

struct err;

#define FACTS_LABEL 96

struct facts_data {
    char name[32];     /* "cifar10" */
    char title[160];   /* for captions: "CIFAR-10"; no part of an identity */
    char augment[128]; /* how training images are varied, in words */
    int own_files;     /* how many are not those that the name stands for; no part of an identity */
    char digest[17];   /* of shape, pixels and labels in use, 16 hexadecimal digits */
};

struct facts_backend {
    char name[64], version[64]; /* the plugin's */
    char algorithms[128];       /* its rule, or empty */
    int precision;              /* REPRO_PRECISION_* */
    int threads;
    int any_threads; /* 1: their number changes no bit and is no part of an identity */
    /* For people; no part of an identity. */
    int tuned; /* algorithms were chosen by trial */
    char device[128], library[128];
};

struct facts {
    const struct experiment *experiment;      /* borrowed, as is */
    const struct experiment_profile *profile; /* one of the experiment's */
    struct facts_data data;
    struct facts_backend backend;
    int64_t micro_ghosts; /* ghosts in a micro */
};

/* Training and test images: the experiment's and the profile's. */
int64_t facts_train_n(const struct facts *facts);

/* For people and file names: "cudnn", "cudnn-bf16", "cudnn-bf16-tuned".  Returns text. */
const char *facts_label(const struct facts_backend *backend, char text[FACTS_LABEL]);

/* What files of these facts are called, without folder: "figure5-small-cifar10-onednn-bf16", with
 * "-t2" behind it where results hang on the number of threads and that is not one, the conventions
 * that are not the experiment file's own ("-moments_at_step=reset"), and with
 * "-APART" where apart is neither NULL nor empty (results/sets.h, sets_apart()).  Of an experiment
 * that trains nothing "figure1-paper".  Freed with mem_free(); NULL when out of memory. */
char *facts_stem(const struct facts *facts, const char *apart, struct err *err);

/* Data, backend and micro of a run, as its manifest has them; experiment and profile stay what they
 * are, and the title becomes the name.  ERR_INPUT where the manifest lacks one. */
int facts_read(struct facts *facts, const json_t *manifest, struct err *err);

/* 1 when runs of the two, of one experiment and profile, belong into one figure: the same data, and
 * the same backend at the same precision with the same choices. */
int facts_same(const struct facts *a, const struct facts *b);

#endif
