/* command.h -- the commands behind `repro NAME`.  Only this room prints to the terminal or chooses
 * an exit code. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "lab/session.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* Exit codes, as in the manual. */
#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_CLAIM_FAILED 3
#define EXIT_CANNOT_RUN 77

/* Options shared by the commands that look at an experiment. */
struct command_options {
    const char *figure;
    const char *profile, *data, *backend, *out; /* NULL: default */
    const char *conventions;
    const char *set;        /* of results, by its id; NULL: whichever there is */
    int precision, threads; /* 0: default */
    int bad_images;         /* "fail", "skip", from 1; 0: default */
    int allow_nondeterministic, tune;
    uint64_t seed;              /* 0: default */
    size_t seeds;               /* runs a curve; 0: default */
    int jobs;                   /* runs trained side by side; 0: default */
    int layers;                 /* of plan: the network's layers instead of the runs */
    const char *workers, *link; /* of plan: numbers of workers, and what is between them */
    double speed;               /* of plan: images a second of one; 0: measured */
    int ranks; /* processes that share each update; 0: as many as a launcher has started */
    double rank_timeout;    /* seconds; 0: default */
    struct ranks *together; /* the processes of this job; NULL: it is alone */
    /* Of the commands that train. */
    int progress;      /* "live", "lines", from 1; 0: default */
    int json, quiet;   /* what standard output is for; both are one too many */
    int measure_noise; /* how: the two below, 0: default */
    int64_t noise_every, noise_ghosts;
    const char *command_line; /* as it was given, for a shell */
    double every;             /* of watch: seconds between two looks */
    int unfinished;           /* of watch: a run counts as a result as soon as it is begun */
};

struct command {
    const char *name, *arguments, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit code */
};

/* All commands but the figures, ended by a NULL name. */
extern const struct command commands[];

int command_figure(int argc, char **argv); /* argv[0] is the figure */
int command_all(int argc, char **argv);
int command_run(int argc, char **argv);
int command_runs(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_check(int argc, char **argv);
int command_power(int argc, char **argv);
int command_plot(int argc, char **argv);
int command_status(int argc, char **argv);
int command_watch(int argc, char **argv);
int command_backends(int argc, char **argv);
int command_list(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_export(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_report(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_fetch(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_complete(int argc, char **argv);
int command_conform(int argc, char **argv);

/* Parses the shared options (argp: --help, --usage and errors exit by themselves with EXIT_USAGE).
 * usage is the text behind the program's name; operand_wanted: one operand, the figure, is taken
 * into options->figure. */
void options_parse(int argc, char **argv, const char *usage, const char *about, int operand_wanted,
                   struct command_options *options);

/* The same for a command that trains, which has options more, and is told what standard output is
 * for (say.h). */
void options_parse_training(int argc, char **argv, const char *usage, const char *about,
                            int operand_wanted, struct command_options *options);

/* The same for plan, which has options on workers. */
void options_parse_plan(int argc, char **argv, const char *usage, const char *about,
                        struct command_options *options);

/* The same for watch, which has --every. */
void options_parse_watch(int argc, char **argv, const char *usage, const char *about,
                         struct command_options *options);

/* The folder that holds experiments/ and plots/: $REPRO_SHARE, else where they were installed. */
const char *share_folder(void);

/* What the shared options say to session_open(). */
struct session_options session_choice(const struct command_options *options);

struct facts;
struct figure;
struct store;

/* Where results lie: --out, else "results". */
const char *results_folder(const struct command_options *options);

/* --seed, else 1. */
uint64_t first_seed(const struct command_options *options);

/* The one set of results of an experiment in the store that the options name; *found is 0 where
 * there is none at all.  Where several fit it prints them and fails with ERR_USAGE. */
struct result_set;
int choose_results(const struct command_options *options, const struct experiment *experiment,
                   const struct store *store, struct result_set *set, int *found, struct err *err);

/* Says on stderr which run folders cannot be read. */
void print_damaged(const struct store *store);

/* Makes the report of every figure, of the results under `out`, and prints where it is.
 * conventions: those of the runs, or NULL. */
int report_results(const char *out, const char *conventions, struct err *err);

/* Predicts, prints and draws what the figure's runs take among options->workers. */
int plan_workers(const struct command_options *options, struct err *err);

/* Measures, prints and draws a study: an experiment that says `study`. */
int make_study(const struct figure *figure, struct err *err);

/* Trains what is missing of options->figure, draws it, prints results and verdicts.  *status is
 * EXIT_DONE or EXIT_CLAIM_FAILED. */
int make_figure(const struct command_options *options, int *status, struct err *err);

/* What is said before a figure's runs are trained; training what is missing of them, or of one,
 * with progress, so that a signal ends it with a checkpoint. */
void print_head(const struct figure *figure);
/* With `asked`, what the user asked for of output. */
struct run;
int train_figure(const struct command_options *asked, struct figure *figure, const struct run *only,
                 struct err *err);

/* Of each broken image of the data set that was found since *said of them, once. */
void say_broken(const struct dataset *data, int64_t *said);

/* Judges the claims of the experiment on what is done, prints the verdicts, keeps them as a table
 * under `out`.  store NULL: nothing was trained, by the plan alone.  Seeds are looked for from
 * `first` on; seeds 0: as many as are likely to be there.  *status is EXIT_DONE or
 * EXIT_CLAIM_FAILED.  *unkept, zeroed before, says why the table could not be written; that alone
 * is no error.  Without claims it does nothing. */
int judge_claims(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                 const char *out, int *status, struct err *unkept, struct err *err);

/* Says on standard error where a device's own choices are known to be slow at a precision (0:
 * f32). */
void report_slow(const char *backend, const struct repro_caps *caps, int precision);

/* Does the work of a command that trains, with the other processes of the job where a launcher has
 * started several or --ranks asks for them.  The first one talks; the stdout of the others is
 * closed.  work: 0 and *status, or an error.  Returns the exit code. */
int work_together(const struct command_options *options,
                  int (*work)(struct command_options *options, int *status, struct err *err));

/* Prints "repro: sentence" and returns the exit code that belongs to err->code. */
int report_error(const struct err *err);

#endif
