/* schedule.h -- the schedule algebra: what B, lr and m are in every phase, and how many updates
 * that makes.
 *
 * A schedule_spec is what an experiment file says; a schedule is the phases it means.  Nothing here
 * trains. Symbols: N train_n, B batch, eps lr, m momentum, g noise scale. */
#ifndef SCHEDULE_SCHEDULE_H
#define SCHEDULE_SCHEDULE_H

#include <stdint.h>

struct err;

#define SCHEDULE_STEP_MAX 15
#define SCHEDULE_PHASE_MAX (SCHEDULE_STEP_MAX + 1)

/* What a step does with its factor alpha: the noise scale falls by alpha either way. */
enum schedule_action {
    SCHEDULE_DECAY_LR = 1, /* lr / alpha */
    /* B * alpha, or as the rule says, clipped to batch_max; what is left of alpha divides lr */
    SCHEDULE_GROW_BATCH = 2,
};

/* How learning rate and batch size stand for each other: what a grown batch holds that a decayed
 * learning rate would cut by alpha.  Either way lr / (1-m) falls by alpha at a constant B. */
enum schedule_rule {
    /* lr / B, the paper's: B * alpha */
    SCHEDULE_LINEAR = 0,
    /* lr / sqrt(B), at a constant lr: B * alpha^2 (Hoffer, Hubara & Soudry, 2017, who hold the
     * covariance of an update, lr^2 / B) */
    SCHEDULE_SQRT = 1,
    /* lr / sqrt(B), shared: B * alpha and lr / sqrt(alpha) (Meterez et al., "Seesaw", 2025, for
     * optimizers that normalise, as Adam) */
    SCHEDULE_SEESAW = 2,
};
#define SCHEDULE_RULE_COUNT 3
extern const char *const schedule_rule_names[SCHEDULE_RULE_COUNT]; /* "linear", "sqrt", "seesaw" */

/* What the paper leaves open and other code does otherwise; all 0 is the reading under which the
 * paper's counts hold. */
struct schedule_conventions {
    /* 1: the last, partial batch of an epoch is trained on too, as an update of its own */
    int keep_last_batch;
    /* a step takes effect this many epochs early: 1 is "after 59 full epochs" */
    int early_steps;
    /* 1: the optimizer begins anew at every step: moments zero, Adam's update number 1 */
    int reset_moments;
    /* trained behind the last epoch, at the last phase's values: 5 makes 205 of 200 */
    int extra_epochs;

    /* What follows changes no phase and no count; it travels with the schedule to the trainer. */

    /* 1: weight decay on the weights of convolutions and dense layers alone */
    int decay_weights;
    /* 0 <= s < 1: so much of a training label is spread evenly over all classes */
    double label_smoothing;
    /* 1: batch norm without its scale gamma */
    int no_gamma;
    /* 1: running batch-norm statistics move once an update, however many images it has */
    int running_per_update;
};

struct schedule_spec {
    int optimizer;     /* REPRO_OPTIMIZER_* */
    double lr;         /* of the first phase; > 0 */
    double momentum;   /* 0 <= m < 1; 0 for SGD and Adam */
    int64_t train_n;   /* N > 0 */
    int64_t batch;     /* B of the first phase, 0 < B <= N */
    int64_t batch_max; /* 0: no limit */
    int64_t ghost;     /* rows that share batch-norm statistics; every B is a multiple of it */
    int epochs;
    int step_count;
    /* rising, 0 < step < epochs; takes effect after that many full epochs */
    int step_epoch[SCHEDULE_STEP_MAX];
    double factor[SCHEDULE_STEP_MAX]; /* alpha > 1 */
    enum schedule_action action[SCHEDULE_STEP_MAX];
    enum schedule_rule rule; /* of the steps that grow the batch */
    struct schedule_conventions conventions;
};

struct phase {
    int first_epoch, epochs;
    int64_t batch;
    double lr, momentum;
    /* floor(N/B): the last, partial batch of an epoch is dropped; ceil(N/B) where it is kept */
    int64_t updates_per_epoch;
    /* rows of an epoch's last update: B, fewer where a partial batch is kept */
    int64_t last_rows;
    int64_t updates; /* of the whole phase */
    int64_t dropped; /* images left out per epoch: N mod B, or 0 */
};

struct schedule {
    int optimizer;
    int64_t train_n, ghost;
    int epochs;
    struct schedule_conventions conventions;
    int phase_count;
    struct phase phase[SCHEDULE_PHASE_MAX];
    int64_t updates; /* of the whole run */
};

/* Works the phases out.  ERR_INPUT, naming the step, when the spec breaks a bound above, a grown
 * batch is no multiple of the ghost or no whole number, or a batch exceeds N. */
int schedule_build(const struct schedule_spec *spec, struct schedule *out, struct err *err);

/* The phase of an epoch, 0 <= epoch < epochs. */
const struct phase *schedule_at(const struct schedule *schedule, int epoch);

/* Rows of an update, both counted from 0: the phase's batch, but for a partial one. */
int64_t schedule_rows(const struct schedule *schedule, int epoch, int64_t update_in_epoch);

/* Updates done before the epoch begins, 0 <= epoch <= epochs. */
int64_t schedule_updates_before(const struct schedule *schedule, int epoch);

/* Images trained on in the whole run: what batches take, without those dropped at the end of each
 * epoch. */
int64_t schedule_images(const struct schedule *schedule);

/* Noise scale g = lr/(1-momentum) * (train_n/batch - 1), eq. (4); unitless.  Needs 0 <= momentum <
 * 1, 0 < batch <= train_n. */
double noise_scale(double lr, double momentum, int64_t train_n, int64_t batch);

/* g ~ lr * train_n / (batch (1-momentum)), eq. (5); the same needs. */
double noise_scale_approximate(double lr, double momentum, int64_t train_n, int64_t batch);

/* What falls by alpha at a step of factor alpha, whatever carries it: lr / (B (1-m)), which is eq.
 * (5) without N, or by the other rules lr / (sqrt(B) (1-m)). */
double schedule_rate(enum schedule_rule rule, double lr, double momentum, int64_t batch);

/* N_lost = batch / (train_n (1-momentum)), eq. (13), in epochs. */
double epochs_lost(double momentum, int64_t train_n, int64_t batch);

#endif
