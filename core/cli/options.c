#include "cli/command.h"

#include "backend/names.h"
#include "lab/figure.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 256

enum { KEY_NONDETERMINISTIC = 256, KEY_TUNE, KEY_SET };

struct parse {
    struct command_options *options;
    int operand_wanted;
};

static const struct argp_option option_table[] = {
    {"profile", 'p', "NAME", 0, "scale: paper, small, quick, smoke (default: the experiment's own)",
     0},
    {"data", 'd', "DIR", 0,
     "folder with cifar-10-batches-bin (default: $REPRO_DATA, else the built-in synthetic set)", 0},
    {"backend", 'b', "NAME", 0,
     "plugin that does the arithmetic, by name or path (default: $REPRO_BACKEND, else onednn, else "
     "openblas)",
     0},
    {"out", 'o', "DIR", 0, "where results go (default: results)", 0},
    {"seed", 's', "N", 0, "seed of shuffles, augmentation and initial weights, from 1 (default: 1)",
     0},
    {"seeds", 'k', "K", 0,
     "runs a curve, with seeds from --seed on: the mean is drawn, with a band (default: 1)", 0},
    {"threads", 't', "N", 0,
     "CPU threads (default: the cores this process may use, with --jobs a run's share of them)", 0},
    {"jobs", 'j', "N", 0,
     "runs trained at the same time, for a GPU that one run does not fill (default: 1); without "
     "--threads each "
     "gets cores / N CPU threads, which is part of the identity of onednn's runs",
     0},
    {"convention", 'C', "NAME=VALUE,...", 0,
     "what the paper leaves open: last_batch=drop|keep, early_steps=0|1, "
     "moments_at_step=keep|reset, extra_epochs=0|5 (default: the first of each, or the "
     "experiment's own)",
     0},
    {"precision", 'P', "NAME", 0, "f32, tf32 or bf16 (default: f32)", 0},
    {"allow-nondeterministic", KEY_NONDETERMINISTIC, NULL, 0,
     "let the backend choose algorithms whose bits differ from run to run", 0},
    {"tune", KEY_TUNE, NULL, 0,
     "let the backend choose algorithms by trial, once a device; kept in $REPRO_PLANS, else the "
     "cache folder",
     0},
    {"set", KEY_SET, "ID", 0, "of results, as `repro check` lists them", 0},
    {0},
};

static uint64_t positive(struct argp_state *state, const char *name, const char *text,
                         uint64_t limit)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *text == '-' || value == 0 || value > limit)
        argp_error(state, "%s: '%s' is no whole number from 1 to %llu", name, text,
                   (unsigned long long)limit);
    return value;
}

static int precision(struct argp_state *state, const char *text)
{
    int found = precision_find(text);
    if (found == 0)
        argp_error(state, "--precision: '%s' is none of f32, tf32, bf16", text);
    return found;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    struct parse *parse = state->input;
    struct command_options *options = parse->options;
    switch (key) {
    case 'p':
        options->profile = argument;
        return 0;
    case 'd':
        options->data = argument;
        return 0;
    case 'b':
        options->backend = argument;
        return 0;
    case 'o':
        options->out = argument;
        return 0;
    case 's':
        options->seed = positive(state, "--seed", argument, INT64_MAX);
        return 0;
    case 'k':
        options->seeds = (size_t)positive(state, "--seeds", argument, FIGURE_SEED_MAX);
        return 0;
    case 't':
        options->threads = (int)positive(state, "--threads", argument, 4096);
        return 0;
    case 'j':
        options->jobs = (int)positive(state, "--jobs", argument, JOBS_MAX);
        return 0;
    case 'C':
        options->conventions = argument;
        return 0;
    case 'P':
        options->precision = precision(state, argument);
        return 0;
    case KEY_NONDETERMINISTIC:
        options->allow_nondeterministic = 1;
        return 0;
    case KEY_TUNE:
        options->tune = 1;
        return 0;
    case KEY_SET:
        options->set = argument;
        return 0;
    case ARGP_KEY_ARG:
        if (!parse->operand_wanted || options->figure != NULL)
            argp_error(state, "'%s' is one argument too many", argument);
        options->figure = argument;
        return 0;
    case ARGP_KEY_END:
        if (parse->operand_wanted && options->figure == NULL)
            argp_error(state, "which figure? `repro list` names them");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void options_parse(int argc, char **argv, const char *usage, const char *about, int operand_wanted,
                   struct command_options *options)
{
    struct parse parse = {options, operand_wanted};
    struct argp argp = {option_table, parse_option, usage, about, NULL, NULL, NULL};
    char *name = argv[0], label[256];
    snprintf(label, sizeof label, "repro %s", name); /* what the user would type before --help */
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = label;
    argp_parse(&argp, argc, argv, 0, NULL, &parse);
    argv[0] = name;
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
    };
}
