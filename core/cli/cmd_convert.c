/* repro convert SCHEDULE: a learning-rate schedule's batch-size twin, and back. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "schedule/convert.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TO = 0x100, KEY_LR, KEY_NEW_MOMENTUM, KEY_MAX, KEY_GHOST, KEY_FORMAT };

struct request {
    char words[2048];
    struct convert_setting setting;
    struct convert_target target;
    int json;
};

static const struct argp_option option_table[] = {
    {"train-n", 'N', "N", 0, "training images (default: 50000)", 0},
    {"batch", 'B', "B", 0, "batch of the first phase where SCHEDULE names none (default: 128)", 0},
    {"momentum", 'm', "M", 0, "momentum coefficient of SCHEDULE; 0: plain SGD (default: 0.9)", 0},
    {"epochs", 'e', "E", 0, "of the whole run (default: 200)", 0},
    {"to", KEY_TO, "KIND", 0,
     "what carries the fall of the noise scale: batch, lr, or hybrid (first step batch, then lr; "
     "default: batch)",
     0},
    {"batch-max", KEY_MAX, "B", 0, "largest batch; what is left of a step decays the learning rate",
     0},
    {"new-lr", KEY_LR, "LR", 0, "another initial learning rate; the batch grows in proportion", 0},
    {"new-momentum", KEY_NEW_MOMENTUM, "M", 0,
     "another momentum coefficient; the batch grows with 1/(1-m)", 0},
    {"ghost", KEY_GHOST, "N", 0, "warn of batches that are no multiple of it", 0},
    {"format", KEY_FORMAT, "NAME", 0,
     "text, or json: a table for a callback of PyTorch or Keras (default: text)", 0},
    {0},
};

static double real(struct argp_state *state, const char *name, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0')
        argp_error(state, "%s: '%s' is no number", name, text);
    return value;
}

static int64_t whole(struct argp_state *state, const char *name, const char *text, int64_t limit)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > limit)
        argp_error(state, "%s: '%s' is no whole number from 1 to %lld", name, text,
                   (long long)limit);
    return value;
}

/* Index of text among names, from 1. */
static int one_of(struct argp_state *state, const char *name, const char *text,
                  const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return i + 1;
    argp_error(state,
               count == 3 ? "%s: '%s' is none of %s, %s, %s" : "%s: '%s' is neither %s nor %s",
               name, text, names[0], names[1], count == 3 ? names[2] : "");
    return 1;
}

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
    static const char *const kinds[] = {"batch", "lr", "hybrid"}, *const formats[] = {"text",
                                                                                      "json"};
    struct request *r = state->input;
    switch (key) {
    case 'N':
        r->setting.train_n = whole(state, "--train-n", argument, INT64_MAX);
        return 0;
    case 'B':
        r->setting.batch = whole(state, "--batch", argument, INT64_MAX);
        return 0;
    case 'm':
        r->setting.momentum = real(state, "--momentum", argument);
        return 0;
    case 'e':
        r->setting.epochs = (int)whole(state, "--epochs", argument, INT32_MAX);
        return 0;
    case KEY_TO:
        r->target.kind = (enum convert_kind)one_of(state, "--to", argument, kinds, 3);
        return 0;
    case KEY_MAX:
        r->target.batch_max = whole(state, "--batch-max", argument, INT64_MAX);
        return 0;
    case KEY_LR:
        r->target.lr = real(state, "--new-lr", argument);
        if (!(r->target.lr > 0))
            argp_error(state, "--new-lr: '%s' is not above 0", argument);
        return 0;
    case KEY_NEW_MOMENTUM:
        r->target.momentum = real(state, "--new-momentum", argument);
        if (!(r->target.momentum >= 0))
            argp_error(state, "--new-momentum: '%s' is not at least 0 and below 1", argument);
        return 0;
    case KEY_GHOST:
        r->setting.ghost = whole(state, "--ghost", argument, INT64_MAX);
        return 0;
    case KEY_FORMAT:
        r->json = one_of(state, "--format", argument, formats, 2) == 2;
        return 0;
    case ARGP_KEY_ARG:
        if (strlen(r->words) + strlen(argument) + 2 > sizeof r->words)
            argp_error(state, "the schedule is longer than %zu characters", sizeof r->words);
        snprintf(r->words + strlen(r->words), sizeof r->words - strlen(r->words), "%s ", argument);
        return 0;
    case ARGP_KEY_END:
        if (r->words[0] == '\0')
            argp_error(state,
                       "which schedule? Such as: repro convert 0.1@0 0.02@60 0.004@120 0.0008@160");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int command_convert(int argc, char **argv)
{
    struct request request = {
        .setting = {.train_n = 50000, .batch = 128, .epochs = 200, .momentum = 0.9},
        .target = {.kind = CONVERT_BATCH, .momentum = -1}};
    struct argp argp = {option_table,
                        parse_option,
                        "SCHEDULE",
                        "Turns a schedule into one of equal noise scale in every phase: "
                        "a decaying learning rate into an increasing batch size, and back.  "
                        "SCHEDULE is a list of LR@EPOCH or "
                        "LRxBATCH@EPOCH, the first at 0.",
                        NULL,
                        NULL,
                        NULL};
    char *name = argv[0], label[] = "repro convert", *text = NULL;
    struct err err = {0};
    struct schedule from;
    struct conversion conversion;
    argp_err_exit_status = EXIT_USAGE;
    argv[0] = label;
    argp_parse(&argp, argc, argv, 0, NULL, &request);
    argv[0] = name;
    int code = convert_parse(request.words, &request.setting, &from, &err);
    if (code == 0)
        code = convert(&from, &request.setting, &request.target, &conversion, &err);
    if (code == 0)
        code = request.json ? convert_json(&conversion, &text, &err)
                            : convert_text(&conversion, &request.setting, &text, &err);
    if (code == 0)
        fputs(text, stdout);
    mem_free(text);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
