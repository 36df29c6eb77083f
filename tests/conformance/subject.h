/* subject.h -- the backend under test, and one network compiled by it beside the reference.
 *
 * The backend is $REPRO_CONFORMANCE_BACKEND (default "openblas").  One that cannot be loaded or has
 * no device skips every test with the reason, unless $REPRO_REQUIRE, a comma list, names it: then
 * they fail.  Every failed call ends the test with the backend's sentence. */
#ifndef CONFORMANCE_SUBJECT_H
#define CONFORMANCE_SUBJECT_H

#include "backend/backend.h"
#include "net/net.h"
#include "reference.h"

#include <stddef.h>
#include <stdint.h>

struct subject {
    struct repro_backend backend;
    struct repro_device *device;
    struct repro_caps caps;
    const char *name;
    char reason[1200]; /* why it cannot be tested; empty: it can */
};

extern struct subject subject;

/* cmocka group set-up and teardown. */
int subject_open(void **state);
int subject_close(void **state);

/* First line of each test: skips or fails it when there is nothing to test. */
void subject_need(void);
/* The same, and skips it where the backend lacks an optional function. */
void subject_need_function(int present, const char *name);
/* Skips the test when the device does not know an op of the graph, or the backend's contract a
 * flag. */
void subject_need_ops(const struct repro_graph *graph);

/* A device of so many threads. */
struct repro_device *subject_device(int threads);

/* An error that a test holds against a bound, in words: the one nearest to its bound is said when
 * the program ends, as "# worst ERROR of BOUND: WHAT".  `repro conform` reads it. */
void subject_measured(double error, double bound, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the test with the sentence when code is not 0. */
void subject_done(int32_t code, const struct repro_error *error);

/* Fails unless the code is `want` and the sentence, which names it, holds `word` in any case of
 * letters. */
void subject_refused(int32_t code, const struct repro_error *error, int32_t want, const char *word);

/* One compiled network, rows for it, and the reference with the same parameters. */
struct trial {
    struct net net;
    struct repro_net *compiled;
    struct reference reference;
    int micro, ghost;
    struct repro_rows rows; /* pixels, labels and image are guarded */
    uint8_t *pixels;
    int32_t *labels;
    int64_t *image;
    uint64_t input_sum; /* of the three, as last filled */
};

/* The case of graphs.h, or a named network; on the subject's device.  Ends the test on failure. */
struct graph_case;
void trial_of_case(struct trial *trial, const struct graph_case *graph_case);
void trial_of_name(struct trial *trial, const char *name, int side, int classes, int micro,
                   int ghost);
/* Reference only: no backend is touched. */
void trial_without_backend(struct trial *trial, const struct graph_case *graph_case);
/* Compiles the trial's net once more, or for the first time, on a device. */
struct repro_net *trial_compile(const struct trial *trial, struct repro_device *device);
/* The same on the subject's device, by the options given, but for the trial's micro and ghost where
 * they are 0. */
struct repro_net *trial_compile_with(const struct trial *trial,
                                     const struct repro_net_options *options);
/* Allows for inputs that the test itself has changed. */
void trial_seal(struct trial *trial);
/* Checks the guards and that no input was changed since it was filled or sealed. */
void trial_end(struct trial *trial);

/* Random parameters, running statistics, pixels and labels into the reference; image numbers beyond
 * 32 bits. */
void trial_fill(struct trial *trial, uint64_t seed);
/* The first seed whose TRAIN forward keeps the margin to every kink; see reference_forward().  Ends
 * the test when none of 200 does. */
void trial_fill_clear(struct trial *trial, double margin);
/* Writes the reference's PARAM and RUNNING, rounded to f32 there too, to a compiled net. */
void trial_load(const struct trial *trial, struct repro_net *compiled);

/* The calls of the table on a compiled net. */
void subject_write(struct repro_net *compiled, int arena, int64_t first, int64_t count,
                   const float *values);
/* A guarded buffer, poisoned before the read; freed by guard_free(). */
float *subject_read(struct repro_net *compiled, int arena, int64_t first, int64_t count);
void subject_zero(struct repro_net *compiled);
void subject_forward(struct repro_net *compiled, const struct repro_rows *rows);
void subject_backward(struct repro_net *compiled, double scale);
void subject_update(struct repro_net *compiled, const struct repro_step *step);
struct repro_metrics subject_metrics(struct repro_net *compiled);

/* The same call on trial->compiled and on the reference. */
void trial_zero(struct trial *trial);
void trial_forward(struct trial *trial, int mode, int64_t rows);
void trial_backward(struct trial *trial, double scale);

/* |got - want| / max(|want|, floor) in L2; infinite when a value is not finite. */
double relative_error(const float *got, const double *want, int64_t count, double floor);

/* Compare trial->compiled with trial->reference; fail above bound, naming the tensor.  Each returns
 * the worst error. */
double trial_check_logits(const struct trial *trial, double bound);
double trial_check_metrics(const struct trial *trial, double bound);
/* Every gradient and batch-norm sum.  A tensor's floor is a tenth of the whole gradient's root mean
 * square for each of its elements: a gradient that is 0 in exact arithmetic (a bias before a batch
 * norm) is rounding noise of 1e-7 of the whole in any other, while a wrong one is still seen when
 * it is as small as bound / 10 of the whole. */
double trial_check_partial(const struct trial *trial, double bound);

#endif
