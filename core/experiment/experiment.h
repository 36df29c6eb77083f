/* experiment.h -- an experiment file (libconfig): a figure's runs, schedules, profiles and what the
 * paper says of them.
 *
 * What several figures share stands once in a file beside them, named by `base`: a key that the
 * experiment leaves out is looked up there.
 *
 * The file is data: changing it needs no rebuild.  Every key is known; an unknown one is an error
 * that names file, line and the nearest known key.  Strings belong to the experiment and live as
 * long as it does. */
#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H

#include "experiment/conventions.h"
#include "schedule/schedule.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct claim; /* experiment/claims.h */

#define EXPERIMENT_CURVE_MAX 4

/* One curve, at the paper's scale. */
struct experiment_run {
    const char *name;  /* "original": letters, digits, '-'; names the run's folder */
    const char *title; /* as in the paper's legend */
    struct schedule_spec spec;
    double weight_decay;
    double beta1, beta2, epsilon; /* Adam */
    const char *paper_words;      /* the paper's sentence on the number of updates, or NULL */
    int64_t paper_updates_below;  /* bound those words give ("under 6500"); 0: none */
    int64_t paper_updates_about;  /* number those words give ("~80000"); 0: none */
    double paper_accuracy;        /* final, as printed, fraction; 0: none */
    size_t paper_curve_count;     /* printed curves of it: none, one, or as many as its seeds */
    const char *paper_curve[EXPERIMENT_CURVE_MAX]; /* their names in the digitised file */
};

/* A scale.  Divides N, B, ghost and batch_max, by the same number unless it says otherwise; keeps
 * lr (unless it says otherwise), momentum and the factors, hence the noise scale of every phase.
 * Step epochs shrink in the proportion epochs / the experiment's epochs. */
struct experiment_profile {
    const char *name;     /* "paper", "narrow", "small", "quick", "smoke" */
    const char *network;  /* "wrn-16-4" */
    int64_t divide;       /* of N, rounded down; 1 for paper and narrow */
    int64_t divide_batch; /* of B and batch_max; divide where the file does not say */
    int64_t divide_ghost; /* of the ghost batch; divide_batch where the file does not say */
    double divide_lr;     /* of every learning rate; 1 where the file does not say */
    int epochs;
    int64_t test_n;
    int side;                    /* of the images, in pixels; 0: the data set's own */
    int64_t micro_ghosts;        /* ghosts per micro, at least 1 */
    int64_t device_micro_ghosts; /* the same where the backend's device has memory of its own */
    const char *words;           /* one line for captions: what was scaled down */
};

/* The profile of the paper's own scale. */
#define EXPERIMENT_PAPER "paper"
#define EXPERIMENT_RUN_MAX 64
#define EXPERIMENT_SEED_MAX 64
#define EXPERIMENT_PROFILE_MAX 16
#define PANEL_RUN_MAX 16

/* One pair of axes of the figure and the runs drawn in it. */
struct experiment_panel {
    const char *title; /* "(a) SGD with momentum"; empty for a figure of one panel */
    /* columns of the log: "epoch" or "updates" against one of PANEL_Y, experiment_panels.c */
    const char *x, *y;
    const char *y_label;           /* in place of the column's own words, or NULL */
    int early;                     /* the axis goes down to what stands before the first step */
    const char *paper_curves;      /* file of digitised curves beside the experiment, or NULL */
    double x_range[2], y_range[2]; /* as printed, at the paper's scale; both 0: not stated */
    size_t run_count;
    size_t runs[PANEL_RUN_MAX]; /* indices into the experiment's runs, in legend order */
};

struct experiment {
    const char *name; /* "figure5" */
    const char *title;
    const char *path;    /* of the file, for messages */
    const char *dataset; /* "cifar10" */
    int64_t train_n;     /* at the paper's scale */
    int epochs;
    int groups; /* groups a batch is dealt to */
    int seeds;  /* runs a curve where the user names no number: as many as the paper's */
    struct image_conventions images;
    const char *plot; /* name of the script in plots/, without ".gp" */
    /* "accumulation": the runs are measured at their start, not trained; or NULL */
    const char *study;
    int schedules_only; /* the figure shows schedules: nothing is trained */
    size_t run_count, profile_count, panel_count, claim_count;
    struct experiment_run *runs;
    struct experiment_profile *profiles;
    struct experiment_panel *panels;
    struct claim *claims;
    const char *default_profile;
    /* in names of files: conventions that the file does not say itself (conventions.h), or empty */
    char apart[CONVENTIONS_TEXT];
    void *owned; /* the parsed files */
};

/* Reads `path`.  ERR_INPUT "path:line: ..." on anything malformed, missing, unknown or out of
 * bounds. */
int experiment_load(const char *path, struct experiment **out, struct err *err);
/* NULL is legal. */
void experiment_free(struct experiment *experiment);

/* The profile or run of that name; NULL and ERR_USAGE with the names there are and the nearest
 * one. */
const struct experiment_profile *experiment_profile(const struct experiment *experiment,
                                                    const char *name, struct err *err);
const struct experiment_run *experiment_run(const struct experiment *experiment, const char *name,
                                            struct err *err);

/* 1 when the profile's schedules are not the paper's own: N, B, ghost, lr or epochs are scaled. */
int experiment_reduced(const struct experiment *experiment,
                       const struct experiment_profile *profile);
/* 1 when what is trained at the profile is what the paper trained: its schedules, and the network
 * and test images of the profile that is named "paper".  A profile of fewer images or of another
 * network never passes for it, nor does any where none has that name. */
int experiment_is_paper(const struct experiment *experiment,
                        const struct experiment_profile *profile);

/* The run's schedule at a profile's scale.  ERR_INPUT where the division leaves a remainder that
 * matters: in a batch, the ghost, batch_max or a step epoch.  N is rounded down. */
int experiment_schedule(const struct experiment *experiment,
                        const struct experiment_profile *profile, const struct experiment_run *run,
                        struct schedule *out, struct err *err);

#endif
