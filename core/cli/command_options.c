/* The options of the commands that look at an experiment, in one table. */
#include "cli/backend_rows.h"
#include "cli/command.h"
#include "cli/options.h"
#include "lab/figure.h"

#define JOBS_MAX 256
#define RANKS_MAX 4096

static const char *const BAD_IMAGES[] = {"fail", "skip"};
#define SKIP 2 /* its place, from 1 */

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

void options_parse(int argc, char **argv, const char *usage, const char *about, int operand_wanted,
                   struct command_options *options)
{
    const struct option_table table = {.usage = usage,
                                       .about = about,
                                       .rows = rows,
                                       .count = sizeof rows / sizeof rows[0],
                                       .operands = operand_wanted ? OPTION_OPERANDS_ONE
                                                                  : OPTION_OPERANDS_NONE,
                                       .operand_offset = FIELD(figure),
                                       .operand_missing = "which figure? `repro list` names them"};
    option_table_parse(&table, argc, argv, options);
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
