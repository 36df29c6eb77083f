/* repro doctor: what is here, what is missing and what mends it. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "cli/options.h"
#include "doctor/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIMIT 60.0 /* seconds: far more than a trial takes on a slow machine */

struct settings {
    const char *data, *out, *backend;
    double limit;
    int brief, json;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
    {.name = "data",
     .letter = 'd',
     .argument = "DIR",
     .help = "folder of CIFAR-10, as a figure is given it",
     .kind = OPTION_TEXT,
     .offset = FIELD(data)},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where results are to go (default: results)",
     .kind = OPTION_TEXT,
     .offset = FIELD(out)},
    {.name = "backend",
     .letter = 'b',
     .argument = "NAME",
     .help = "plugin that is to do the arithmetic, as a figure is given it",
     .kind = OPTION_TEXT,
     .offset = FIELD(backend)},
    {.name = "limit",
     .argument = "SECONDS",
     .help = "each trial of a backend is ended after so many seconds (default: 60)",
     .kind = OPTION_REAL,
     .offset = FIELD(limit),
     .least = 0.1,
     .most = 1e4,
     .bounds = "from 0.1 to 10000"},
    {.name = "brief",
     .help = "whether backends work, not how fast",
     .kind = OPTION_FLAG,
     .offset = FIELD(brief)},
    {.name = "json", .help = "print one JSON object", .kind = OPTION_FLAG, .offset = FIELD(json)},
};

static const struct option_table table = {
    .about = "Says what the main job, `repro figure5`, finds on this machine: processor, backends "
             "by trial, data, room, programs; for what is missing, what mends it.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
};

/* One sentence: the first thing to do. */
static void put_next(struct text *out, const struct findings *findings)
{
    size_t hinders = findings_count(findings, FINDING_HINDERS), said = 0;
    int data = 1;
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->list[i].name, "CIFAR-10") == 0)
            data = findings->list[i].state == FINDING_FINE;
    if (hinders == 0) {
        text_put(out, data ? "`repro figure5 --profile small` can run: start it."
                           : "`repro figure5` can run; for the real data `repro fetch cifar10` "
                             "comes first.");
        return;
    }
    text_put_string(out, "`repro figure5` cannot run here yet: mend");
    for (size_t i = 0; i < findings->count; i++)
        if (findings->list[i].state == FINDING_HINDERS)
            text_put(out, "%s %s",
                     said++ == 0       ? ""
                     : said == hinders ? " and"
                                       : ",",
                     findings->list[i].name);
    text_put_string(out, ", then ask `repro doctor` again.");
}

static void print_text(const struct findings *findings, const char *next)
{
    static const char *const marks[FINDING_STATES] = {"ok", "--", "!!"};
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        printf("%s  %-17s %s\n", marks[finding->state], finding->name, finding->words);
        if (finding->mend[0] != '\0')
            printf("    %-17s %s\n", "", finding->mend);
    }
    printf("\n%s\n", next);
}

static int print_json(const struct findings *findings, const char *next, struct err *err)
{
    json_t *list = json_array(), *object;
    int bad = list == NULL;
    for (size_t i = 0; !bad && i < findings->count; i++) {
        const struct finding *finding = &findings->list[i];
        bad = json_array_append_new(
                  list,
                  json_pack("{s:s, s:s, s:s, s:s, s:f}", "name", finding->name, "state",
                            finding_states[finding->state], "words", finding->words, "mend",
                            finding->mend, "images_per_second", finding->images_per_second)) != 0;
    }
    object = json_pack("{s:b, s:s, s:o}", "ready", findings_count(findings, FINDING_HINDERS) == 0,
                       "next", next, "findings", list);
    struct text out = {0};
    char *text;
    text_put_json(&out, bad ? NULL : object, JSON_INDENT(2));
    json_decref(object);
    if (text_take(&out, &text, "the findings", NULL) != 0)
        return err_set(err, ERR_INTERNAL, "the findings cannot be put into JSON");
    puts(text);
    mem_free(text);
    return 0;
}

int command_doctor(int argc, char **argv)
{
    struct settings settings = {.out = "results", .limit = LIMIT};
    struct findings findings = {0};
    struct text sentence = {0};
    struct err err = {0};
    char *next = NULL;
    option_table_parse(&table, argc, argv, &settings);
    const struct doctor_options options = {.share = share_folder(),
                                           .data = settings.data,
                                           .out = settings.out,
                                           .backend = settings.backend,
                                           .limit = settings.limit,
                                           .brief = settings.brief};
    int code = doctor_examine(&options, &findings, &err);
    if (code == 0) {
        put_next(&sentence, &findings);
        code = text_take(&sentence, &next, "what to do next", &err);
    }
    if (code == 0 && settings.json)
        code = print_json(&findings, next, &err);
    else if (code == 0)
        print_text(&findings, next);
    if (code == 0 && fflush(stdout) != 0)
        code = err_errno(&err, errno, "standard output: cannot be written");
    int ready = findings_count(&findings, FINDING_HINDERS) == 0;
    findings_release(&findings);
    text_release(&sentence);
    mem_free(next);
    return code != 0 ? report_error(&err) : ready ? EXIT_DONE : EXIT_FAILED;
}
