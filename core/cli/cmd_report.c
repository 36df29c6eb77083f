/* repro report: every figure's results as one page, and as an appendix. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/say.h"
#include "cli/version.h"
#include "backend/names.h"
#include "experiment/figures.h"
#include "report/appendix.h"
#include "report/report.h"
#include "report/web.h"

#include <stdio.h>
#include <string.h>

#define THREADS_MAX 4096

struct report_command {
    struct text figures; /* a line each */
    const char *out, *to, *profile, *data, *backend, *set, *conventions;
    int precision, threads, tune, tex;
};

#define FIELD(name) offsetof(struct report_command, name)

static const struct option_row rows[] = {
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where the results lie (default: results)",
     .kind = OPTION_TEXT,
     .offset = FIELD(out)},
    {.name = "to",
     .argument = "DIR",
     .help = "where the report goes (default: --out)",
     .kind = OPTION_TEXT,
     .offset = FIELD(to)},
    {.name = "tex",
     .help = "keep the LaTeX files and their figures, for an appendix of one's own",
     .kind = OPTION_FLAG,
     .offset = FIELD(tex)},
    {.name = "profile",
     .letter = 'p',
     .argument = "NAME",
     .help = "only results of this profile",
     .kind = OPTION_TEXT,
     .offset = FIELD(profile)},
    {.name = "data",
     .letter = 'd',
     .argument = "NAME",
     .help = "only results of this data set: cifar10, synthetic",
     .kind = OPTION_TEXT,
     .offset = FIELD(data)},
    {.name = "backend",
     .letter = 'b',
     .argument = "NAME",
     .help = "only results of this backend",
     .kind = OPTION_TEXT,
     .offset = FIELD(backend)},
    {.name = "precision",
     .letter = 'P',
     .argument = "NAME",
     .help = "only results of this precision",
     .kind = OPTION_CHOICE,
     .offset = FIELD(precision),
     .names = precision_names,
     .name_count = PRECISION_COUNT},
    {.name = "threads",
     .letter = 't',
     .argument = "N",
     .help = "only results of this number of threads, where it matters",
     .kind = OPTION_INT,
     .offset = FIELD(threads),
     .low = 1,
     .high = THREADS_MAX},
    {.name = "tune",
     .help = "only results of algorithms chosen by trial",
     .kind = OPTION_FLAG,
     .offset = FIELD(tune)},
    {.name = "set",
     .argument = "ID",
     .help = "only this set of results, as `repro check` lists them",
     .kind = OPTION_TEXT,
     .offset = FIELD(set)},
    {.name = "convention",
     .letter = 'C',
     .argument = "NAME=VALUE,...",
     .help = "as given when they were trained",
     .kind = OPTION_TEXT,
     .offset = FIELD(conventions)},
};

/* The figures of a report. */
struct figures {
    size_t count;
    char **names;
    struct experiment **experiments;
};

static void figures_release(struct figures *figures)
{
    for (size_t i = 0; figures->experiments != NULL && i < figures->count; i++)
        experiment_free(figures->experiments[i]);
    mem_free(figures->experiments);
    figures_free(figures->names, figures->count);
}

/* Cuts the operands apart; every figure there is where none is given. */
static int name_figures(const struct text *given, struct figures *figures, struct err *err)
{
    if (given->size == 0) {
        char *folder = mem_format(err, "%s/experiments", share_folder());
        int code = folder == NULL ? ERR_MEMORY
                                  : figures_list(folder, &figures->names, &figures->count, err);
        mem_free(folder);
        return code;
    }
    size_t lines = 0;
    for (size_t i = 0; i < given->size; i++)
        lines += given->bytes[i] == '\n';
    figures->names = mem_new(lines, sizeof *figures->names, err);
    if (figures->names == NULL)
        return ERR_MEMORY;
    for (const char *at = given->bytes, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        char *name = mem_format(err, "%.*s", (int)(end - at), at);
        if (name == NULL)
            return ERR_MEMORY;
        figures->names[figures->count++] = name;
    }
    return 0;
}

/* A profile that no figure has is a slip. */
static int check_profile(const struct figures *figures, const char *profile, struct err *err)
{
    if (profile == NULL || figures->count == 0)
        return 0;
    for (size_t i = figures->count; i-- > 0;)
        if (experiment_profile(figures->experiments[i], profile, err) != NULL)
            return 0;
    return ERR_USAGE;
}

/* Studies behind the others, where the order is nobody's wish. */
static void put_studies_last(struct figures *figures)
{
    size_t kept = 0;
    for (size_t i = 0; i < figures->count; i++) {
        struct experiment *experiment = figures->experiments[i];
        char *name = figures->names[i];
        if (experiment->study != NULL)
            continue;
        for (size_t k = i; k > kept; k--) {
            figures->experiments[k] = figures->experiments[k - 1];
            figures->names[k] = figures->names[k - 1];
        }
        figures->experiments[kept] = experiment;
        figures->names[kept++] = name;
    }
}

static int load_figures(const struct report_command *command, struct figures *figures,
                        struct err *err)
{
    int code = name_figures(&command->figures, figures, err);
    if (code == 0 &&
        (figures->experiments = mem_new(figures->count, sizeof *figures->experiments, err)) == NULL)
        code = ERR_MEMORY;
    for (size_t i = 0; i < figures->count && code == 0; i++) {
        struct session_options options = {.share = share_folder(),
                                          .figure = figures->names[i],
                                          .profile = command->profile,
                                          .conventions = command->conventions};
        code = session_load(&options, &figures->experiments[i], err);
    }
    if (code == 0)
        code = check_profile(figures, command->profile, err);
    if (code == 0 && command->figures.size == 0)
        put_studies_last(figures);
    return code;
}

static int write_report(const struct report *report, const char *to, int tex, struct err *err)
{
    char *page = mem_format(err, "%s/report.html", to);
    struct appendix_result made = {0};
    int code = page == NULL ? ERR_MEMORY : file_make_folders(to, err);
    if (code == 0)
        code = web_write(report, page, err);
    if (code == 0)
        say("page: %s\n", page);
    if (code == 0)
        code = appendix_write(report, to, tex, &made, err);
    if (code == 0 && made.pdf != NULL)
        say("appendix: %s\n", made.pdf);
    if (code == 0 && made.folder != NULL)
        say("LaTeX: %s/appendix.tex, to be \\input; %s/report.tex, a document of its own\n",
            made.folder, made.folder);
    if (code == 0 && made.reason[0] != '\0')
        say_notice("no PDF: %s", made.reason);
    if (code == 0)
        say_event("report", "{s:o, s:o}", "page", say_text(page), "appendix",
                  made.pdf == NULL ? json_null() : say_text(made.pdf));
    appendix_result_release(&made);
    mem_free(page);
    return code;
}

/* What options choose must be there. */
static int check_chosen(const struct report *report, struct err *err)
{
    const struct sets_choice *choice = report->options->choice;
    if (choice->data == NULL && choice->backend == NULL && choice->id == NULL &&
        choice->precision == 0 && choice->threads == 0 && !choice->tuned)
        return 0;
    for (size_t i = 0; i < report->figure_count; i++)
        if (report->figures[i].study_count > 0 ||
            (report->figures[i].set_count > 0 && report->figures[i].sets[0].trained))
            return 0;
    return err_set(err, ERR_USAGE,
                   "none of the results under '%s' fits the options; `repro report` without them "
                   "shows what there is",
                   report->options->out);
}

static int make_report(const struct report_command *command, struct err *err)
{
    struct figures figures = {0};
    struct report report = {0};
    const char *out = command->out == NULL ? "results" : command->out;
    const struct sets_choice choice = {.profile = command->profile,
                                       .data = command->data,
                                       .backend = command->backend,
                                       .id = command->set,
                                       .precision = command->precision,
                                       .threads = command->threads,
                                       .tuned = command->tune};
    int code = load_figures(command, &figures, err);
    if (code == 0) {
        struct report_options options = {
            .share = share_folder(),
            .out = out,
            .experiments = (const struct experiment *const *)figures.experiments,
            .asked = (const char *const *)figures.names,
            .count = figures.count,
            .choice = &choice,
            .conventions = command->conventions,
            .program = "repro " REPRO_VERSION " (" REPRO_COMMIT ")",
            .data_title = session_data_title};
        code = report_read(&report, &options, err);
        if (code == 0) {
            print_damaged(&report.store);
            code = check_chosen(&report, err);
        }
        if (code == 0)
            code = write_report(&report, command->to == NULL ? out : command->to, command->tex,
                                err);
    }
    report_release(&report);
    figures_release(&figures);
    return code;
}

int report_results(const char *out, const char *conventions, struct err *err)
{
    struct report_command command = {.out = out, .conventions = conventions};
    return make_report(&command, err);
}

int command_report(int argc, char **argv)
{
    static const struct option_table table = {
        .usage = "[FIGURE...]",
        .about =
            "Makes a page, report.html, and a PDF appendix, report.pdf, of the results under "
            "--out: of every figure, or those named.  Needs neither data nor backend nor network.  "
            "Every set of results is shown under its own heading, or those that the options "
            "name.  Without LaTeX there is no PDF; its sources are kept.  Trains nothing.",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
        .operands = OPTION_OPERANDS_ANY,
        .operand_offset = FIELD(figures)};
    struct report_command command = {0};
    struct err err = {0};
    option_table_parse(&table, argc, argv, &command);
    int code = command.figures.failed
                   ? err_set(&err, ERR_MEMORY, "out of memory while reading the options")
                   : make_report(&command, &err);
    text_release(&command.figures);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
