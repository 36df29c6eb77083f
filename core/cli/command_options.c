/* The options of the commands that look at an experiment, in one table. */
#include "base/err.h"
#include "base/text.h"
#include "cli/backend_rows.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/say.h"
#include "lab/figure.h"
#include "schedule/noise.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 256
#define RANKS_MAX 4096
#define EVERY_SECONDS 5.0

static const char *const BAD_IMAGES[] = {"fail", "skip"};
#define SKIP 2 /* its place, from 1 */

static const char *const PROGRESS[] = {"live", "lines"};

#define FIELD(name) offsetof(struct command_options, name)

static const struct option_row rows[] = {
    {.name = "profile",
     .letter = 'p',
     .argument = "NAME",
     .help = "scale: paper, narrow, small, quick, smoke (default: the experiment's own)",
     .kind = OPTION_TEXT,
     .offset = FIELD(profile)},
    {.name = "data",
     .letter = 'd',
     .argument = "DIR",
     .help = "folder of the data set, or one that holds it as cifar10 or imagenet (default: "
             "$REPRO_DATA, $REPRO_IMAGENET, else the built-in synthetic set)",
     .kind = OPTION_TEXT,
     .offset = FIELD(data)},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where results go (default: results)",
     .kind = OPTION_TEXT,
     .offset = FIELD(out)},
    {.name = "seed",
     .letter = 's',
     .argument = "N",
     .help = "seed of shuffles, augmentation and initial weights, from 1 (default: 1)",
     .kind = OPTION_INT64,
     .offset = FIELD(seed),
     .low = 1,
     .high = INT64_MAX},
    {.name = "seeds",
     .letter = 'k',
     .argument = "K",
     .help = "runs a curve, with seeds from --seed on: the mean is drawn, with a band "
             "(default: the experiment's own, 1 for most)",
     .kind = OPTION_SIZE,
     .offset = FIELD(seeds),
     .low = 1,
     .high = FIGURE_SEED_MAX},
    {.name = "jobs",
     .letter = 'j',
     .argument = "N",
     .help = "runs trained at the same time, for a GPU that one run does not fill (default: 1); "
             "without --threads each gets cores / N CPU threads, which is part of the identity of "
             "onednn's runs",
     .kind = OPTION_INT,
     .offset = FIELD(jobs),
     .low = 1,
     .high = JOBS_MAX},
    {.name = "ranks",
     .argument = "N",
     .help = "processes that share every update: starts mpirun with so many; under a launcher "
             "(mpirun, srun) all of its processes do, and 1 says that each trains by itself",
     .kind = OPTION_INT,
     .offset = FIELD(ranks),
     .low = 1,
     .high = RANKS_MAX},
    {.name = "rank-timeout",
     .argument = "SECONDS",
     .help = "a rank that another one waits for longer is given up, and the job ends (default: "
             "300)",
     .kind = OPTION_REAL,
     .offset = FIELD(rank_timeout),
     .least = 1.0,
     .most = 1e6,
     .bounds = "from 1 to 1000000"},
    {.name = "convention",
     .letter = 'C',
     .argument = "NAME=VALUE,...",
     .help = "what the paper leaves open: last_batch=drop|keep, early_steps=0|1, "
             "moments_at_step=keep|reset, extra_epochs=0|5, weight_decay_on=all|weights, "
             "label_smoothing=0|0.1, bn_gamma=yes|no, running_statistics=image|update, and of "
             "image files antialias=yes|no, colour=none|inception, orientation=ignore|apply "
             "(default: the first of each, or the experiment's own)",
     .kind = OPTION_TEXT,
     .offset = FIELD(conventions)},
    {.name = "bad-images",
     .argument = "WHAT",
     .help = "what an image file does that cannot be decoded: fail; skip, the next one takes its "
             "place (default: fail)",
     .kind = OPTION_CHOICE,
     .offset = FIELD(bad_images),
     .names = BAD_IMAGES,
     .name_count = sizeof BAD_IMAGES / sizeof BAD_IMAGES[0]},
    {.name = "set",
     .argument = "ID",
     .help = "of results, as `repro check` lists them",
     .kind = OPTION_TEXT,
     .offset = FIELD(set)},
    {.name = "layers",
     .help = "of plan: the layers of the profile's network instead of the runs",
     .kind = OPTION_FLAG,
     .offset = FIELD(layers)},
    BACKEND_ROWS(struct command_options, "CPU threads (default: the cores this process may use, "
                                         "with --jobs a run's share of them)"),
};

static const struct option_row training_rows[] = {
    {.name = "measure-noise",
     .help = "measures the noise of the gradient while a run is trained, into noise.tsv in its "
             "folder, and draws it; changes no bit of the run",
     .kind = OPTION_FLAG,
     .offset = FIELD(measure_noise)},
    {.name = "noise-every",
     .argument = "K",
     .help = "of --measure-noise: before every K-th update (default: once an epoch, less often "
             "where that is more than 2 % of the training)",
     .kind = OPTION_INT64,
     .offset = FIELD(noise_every),
     .low = 1,
     .high = INT64_MAX},
    {.name = "noise-ghosts",
     .argument = "M",
     .help = "of --measure-noise: on M ghosts of rows drawn by themselves (default: as many as "
             "2 % of the training have, at most 8)",
     .kind = OPTION_INT64,
     .offset = FIELD(noise_ghosts),
     .low = NOISE_GHOSTS_MIN,
     .high = NOISE_GHOSTS_MAX},
    {.name = "progress",
     .argument = "KIND",
     .help = "live: a view that is redrawn, where standard error is a terminal that can show it; "
             "lines: one an epoch (default: live)",
     .kind = OPTION_CHOICE,
     .offset = FIELD(progress),
     .names = PROGRESS,
     .name_count = sizeof PROGRESS / sizeof PROGRESS[0]},
    {.name = "json",
     .help = "events on standard output, one JSON object a line, and nothing else there",
     .kind = OPTION_FLAG,
     .offset = FIELD(json)},
    {.name = "quiet",
     .letter = 'q',
     .help = "errors and the final verdicts only",
     .kind = OPTION_FLAG,
     .offset = FIELD(quiet)},
};

static const struct option_row plan_rows[] = {
    {.name = "workers",
     .argument = "N,...",
     .help = "the predicted training time on each of these numbers of workers, as a table and as "
             "a figure under --out; without data or backend where --speed is given",
     .kind = OPTION_TEXT,
     .offset = FIELD(workers)},
    {.name = "link",
     .argument = "RATE,LATENCY",
     .help = "between any two workers (default: 25GB/s,2us)",
     .kind = OPTION_TEXT,
     .offset = FIELD(link)},
    {.name = "speed",
     .argument = "IMAGES/S",
     .help = "that one worker trains on (default: from the logs under --out, else from a few timed "
             "updates)",
     .kind = OPTION_REAL,
     .offset = FIELD(speed),
     .least = 1e-6,
     .most = 1e12,
     .bounds = "from 1e-6 to 1e12"},
};

static const struct option_row watch_rows[] = {
    {.name = "every",
     .argument = "SECONDS",
     .help = "how often it looks (default: 5)",
     .kind = OPTION_REAL,
     .offset = FIELD(every),
     .least = 0.1,
     .most = 86400,
     .bounds = "from 0.1 to 86400"},
};

#define ROWS (sizeof rows / sizeof rows[0])

/* The rows that all share, with those that some commands have more. */
static void parse(int argc, char **argv, const char *usage, const char *about, int operand_wanted,
                  const struct option_row *more, size_t more_count, struct command_options *options)
{
    struct option_row all[OPTIONS_MAX];
    const struct option_table table = {.usage = usage,
                                       .about = about,
                                       .rows = all,
                                       .count = ROWS + more_count,
                                       .operands = operand_wanted ? OPTION_OPERANDS_ONE
                                                                  : OPTION_OPERANDS_NONE,
                                       .operand_offset = FIELD(figure),
                                       .operand_missing = "which figure? `repro list` names them"};
    assert(table.count <= OPTIONS_MAX);
    memcpy(all, rows, sizeof rows);
    if (more_count > 0)
        memcpy(all + ROWS, more, more_count * sizeof *more);
    option_table_parse(&table, argc, argv, options);
}

void options_parse(int argc, char **argv, const char *usage, const char *about, int operand_wanted,
                   struct command_options *options)
{
    parse(argc, argv, usage, about, operand_wanted, NULL, 0, options);
}

/* A word as a shell reads it back. */
static void put_word(struct text *line, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=,:+@%";
    if (*word != '\0' && strspn(word, plain) == strlen(word)) {
        text_put_string(line, word);
        return;
    }
    text_put_char(line, '\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            text_put_string(line, "'\\''");
        else
            text_put_char(line, *word);
    text_put_char(line, '\'');
}

/* As argp does. */
static void refuse(const char *why)
{
    struct err err = {0};
    err_set(&err, ERR_USAGE, "%s", why);
    exit(report_error(&err));
}

void options_parse_training(int argc, char **argv, const char *usage, const char *about,
                            int operand_wanted, struct command_options *options)
{
    static char given[1024];
    struct text line = {0};
    text_put_string(&line, "repro");
    for (int i = 0; i < argc; i++) {
        text_put_char(&line, ' ');
        put_word(&line, argv[i]);
    }
    if (!line.failed && line.size < sizeof given) {
        memcpy(given, line.bytes, line.size + 1);
        options->command_line = given;
    }
    text_release(&line);
    parse(argc, argv, usage, about, operand_wanted, training_rows,
          sizeof training_rows / sizeof training_rows[0], options);
    if (options->json && options->quiet)
        refuse("--json and --quiet: standard output is for one of them; leave out the other");
    if ((options->noise_every != 0 || options->noise_ghosts != 0) && !options->measure_noise)
        refuse("--noise-every and --noise-ghosts say how the noise is measured; add "
               "--measure-noise");
    say_set_mode(options->json ? SAY_EVENTS : options->quiet ? SAY_QUIET : SAY_PROSE);
}

void options_parse_plan(int argc, char **argv, const char *usage, const char *about,
                        struct command_options *options)
{
    parse(argc, argv, usage, about, 1, plan_rows, sizeof plan_rows / sizeof plan_rows[0], options);
    if (options->workers == NULL && (options->link != NULL || options->speed > 0))
        refuse("--link and --speed belong to --workers, such as --workers 1,8,64");
    if (options->workers != NULL && options->layers)
        refuse("--workers and --layers: a plan shows one of them; leave out the other");
}

void options_parse_watch(int argc, char **argv, const char *usage, const char *about,
                         struct command_options *options)
{
    options->every = EVERY_SECONDS;
    parse(argc, argv, usage, about, 1, watch_rows, sizeof watch_rows / sizeof watch_rows[0],
          options);
}

struct session_options session_choice(const struct command_options *options)
{
    return (struct session_options){
        .share = share_folder(),
        .figure = options->figure,
        .profile = options->profile,
        .data = options->data,
        .backend = options->backend,
        .precision = options->precision,
        .threads = options->threads,
        .jobs = options->jobs,
        .allow_nondeterministic = options->allow_nondeterministic,
        .tune = options->tune,
        .conventions = options->conventions,
        .skip_broken = options->bad_images == SKIP,
        .ranks = options->together,
    };
}
