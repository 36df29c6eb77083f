/* conventions.h -- what the paper leaves open and other code does otherwise, by name: in an
 * experiment file, on the command line, in a caption.
 *
 *     last_batch = "drop" | "keep"       the last, partial batch of an epoch
 *     early_steps = 0                    a step takes effect so many epochs early; 1: after 59 full
 *                                        epochs
 *     moments_at_step = "keep" | "reset" the optimizer's memory at a step of the schedule
 *     extra_epochs = 0                   behind the last epoch, at the paper's scale; 5: 205 epochs
 *     weight_decay_on = "all" | "weights"          on every parameter, or on the weights of
 *                                        convolutions and dense layers alone
 *     label_smoothing = 0                so much of a training label is uniform; 0.1: Szegedy et
 *                                        al. (2016), section 7
 *     bn_gamma = "yes" | "no"            batch norm scales by gamma
 *     running_statistics = "image" | "update"      what the decay of running statistics is counted
 *                                        in: .9 every 128 images, or .9997 every update
 * and, of an experiment on a folder of images, for all of its runs:
 *     antialias = "yes" | "no"           when images are made smaller; no: TensorFlow 2's plain
 *                                        bilinear resizing
 *     colour = "none" | "inception"      training images' brightness and saturation vary
 *     orientation = "ignore" | "apply"   the side that cameras note as the upper one
 * The first of each is the default, under which every count in the paper is true. */
#ifndef EXPERIMENT_CONVENTIONS_H
#define EXPERIMENT_CONVENTIONS_H

#include "experiment/settings.h"
#include "schedule/schedule.h"

#include <jansson.h>
#include <stddef.h>

struct err;
struct experiment_run; /* experiment/experiment.h */

#define CONVENTIONS_TEXT 320
#define CONVENTIONS_KEYS                                                               \
    "last_batch", "early_steps", "moments_at_step", "extra_epochs", "weight_decay_on", \
        "label_smoothing", "bn_gamma", "running_statistics"
#define CONVENTIONS_IMAGE_KEYS "antialias", "colour", "orientation"

/* How the files of a folder of images become rows; zeroed: the defaults. */
struct image_conventions {
    int aliased, coloured, oriented;
};

/* Reads the keys above from a run of an experiment file; what is left out keeps its default. */
int conventions_parse(struct settings_view *view, struct schedule_conventions *conventions);
/* The same of an experiment and its images. */
int conventions_parse_images(struct settings_view *view, struct image_conventions *images);

/* Changes what `words` says, "last_batch=keep,extra_epochs=5".  ERR_USAGE names the word and what
 * it could be. */
int conventions_apply(const char *words, struct schedule_conventions *conventions,
                      struct image_conventions *images, struct err *err);

/* ERR_INPUT, naming the run, where its conventions say something of what it has not. */
int conventions_check(const struct experiment_run *run, struct err *err);

/* "last batch kept, steps 1 epoch early"; empty when all are the default. */
void conventions_text(const struct schedule_conventions *conventions, char text[CONVENTIONS_TEXT]);

/* For a run's identity: those that its phases do not show, where they are not the default.  *object
 * is NULL when there is none, else the caller's.  ERR_MEMORY: never with a part left out. */
int conventions_json(const struct schedule_conventions *conventions, json_t **object,
                     struct err *err);

/* Appends to text in what conventions are not the experiment file's own, for names of files:
 * "-moments_at_step=reset"; what stands there already is not said twice. */
void conventions_apart(const struct schedule_conventions *own,
                       const struct image_conventions *own_images,
                       const struct schedule_conventions *now,
                       const struct image_conventions *now_images, char text[CONVENTIONS_TEXT]);

#endif
