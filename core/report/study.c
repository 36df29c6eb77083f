#include "report/report_parts.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/study.h"
#include "report/cells.h"

#include <stdio.h>
#include <string.h>

#define TABLE_LIMIT ((size_t)64 << 20)

/* The profile that a stem names behind the study's name; NULL where it names none. */
static const char *profile_of(const struct experiment *experiment, const char *stem)
{
    const char *rest = stem + strlen(experiment->name) + 1;
    for (size_t i = 0; i < experiment->profile_count; i++) {
        const char *name = experiment->profiles[i].name;
        size_t length = strlen(name);
        if (strncmp(rest, name, length) == 0 && rest[length] == '-')
            return name;
    }
    return NULL;
}

static int is_chosen(const struct sets_choice *choice, const char *stem, const char *profile)
{
    const char *backend = choice->backend == NULL ? NULL : strstr(stem, choice->backend);
    return choice->id == NULL &&
           (choice->profile == NULL ||
            (profile != NULL && strcmp(profile, choice->profile) == 0)) &&
           (choice->backend == NULL || (backend != NULL && backend > stem && backend[-1] == '-'));
}

/* The second line of comment at the head of the points. */
static char *caption_of(const char *points, struct err *err)
{
    const char *second = strncmp(points, "# ", 2) == 0 ? strchr(points, '\n') : NULL;
    if (second == NULL || strncmp(second, "\n# ", 3) != 0)
        return mem_string("", err);
    second += 3;
    return mem_format(err, "%.*s", (int)strcspn(second, "\n"), second);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static char *command_of(const struct report_figure *figure, const char *profile, struct err *err)
{
    struct text out = {0};
    char *command = NULL;
    text_put_string(&out, "repro ");
    report_put_word(&out, figure->asked);
    if (profile != NULL) {
        text_put_string(&out, " --profile ");
        report_put_word(&out, profile);
    }
    text_put_string(&out, " --data DIR --backend NAME --seed N");
    return text_take(&out, &command, "a report", err) == 0 ? command : NULL;
}

/* "Profile small, cifar10-onednn, seed 1", of "appendix-a-small-cifar10-onednn-s1". */
static char *title_of(const struct experiment *experiment, const char *stem, struct err *err)
{
    const char *profile = profile_of(experiment, stem), *seed = strrchr(stem, '-');
    if (profile == NULL || seed == NULL || seed[1] != 's')
        return mem_string(stem, err);
    const char *rest = stem + strlen(experiment->name) + strlen(profile) + 2;
    return mem_format(err, "Profile %s, %.*s, seed %s", profile, (int)(seed - rest), rest,
                      seed + 2);
}

static int name_series(struct report_study *study, struct err *err)
{
    size_t held = study->measurements / 2;
    study->series_count = held < REPORT_SERIES ? held : REPORT_SERIES;
    for (size_t i = 0; i < study->series_count; i++) {
        const char *momentum, *batch;
        size_t digits, more;
        if (!cells_at(study->summary, i, "momentum", &momentum, &digits) ||
            !cells_at(study->summary, i, "batch", &batch, &more))
            return err_set(err, ERR_INPUT, "%s-summary.tsv:%zu: no momentum and batch", study->stem,
                           i + 2);
        snprintf(study->series[i], sizeof study->series[i], "m = %.*s, B = %.*s", (int)digits,
                 momentum, (int)more, batch);
    }
    return 0;
}

static int read_study(const struct report *report, const struct report_figure *figure,
                      const char *stem, struct report_study *study, struct err *err)
{
    const char *out = report->options->out;
    char *points = mem_format(err, "%s/%s.tsv", out, stem);
    char *summary = mem_format(err, "%s/%s-summary.tsv", out, stem);
    size_t size;
    int code = points == NULL || summary == NULL ? ERR_MEMORY : 0;
    study->name = mem_string(stem, err);
    study->stem = mem_format(err, "%s/%s", out, stem);
    study->command = command_of(figure, profile_of(figure->experiment, stem), err);
    study->title = title_of(figure->experiment, stem, err);
    if (study->name == NULL || study->stem == NULL || study->command == NULL ||
        study->title == NULL)
        code = ERR_MEMORY;
    if (code == 0)
        code = file_read(points, TABLE_LIMIT, &study->points, &size, err);
    if (code == 0)
        code = file_read(summary, TABLE_LIMIT, &study->summary, &size, err);
    if (code == 0 && lines_of(study->summary) < 2)
        code = err_set(err, ERR_INPUT, "%s: no measurement in it", summary);
    if (code == 0) {
        study->measurements = lines_of(study->summary) - 1;
        study->caption = caption_of(study->points, err);
        code = study->caption == NULL ? ERR_MEMORY : name_series(study, err);
    }
    mem_free(points);
    mem_free(summary);
    return code;
}

int report_studies_read(const struct report *report, struct report_figure *figure, struct err *err)
{
    const struct experiment *experiment = figure->experiment;
    char **stems = NULL;
    size_t count = 0;
    int code = study_stems(experiment, report->options->out, &stems, &count, err);
    if (code == 0 && (figure->studies = mem_new(count, sizeof *figure->studies, err)) == NULL)
        code = ERR_MEMORY;
    for (size_t i = 0; i < count && code == 0; i++)
        if (is_chosen(report->options->choice, stems[i], profile_of(experiment, stems[i])))
            code = read_study(report, figure, stems[i], &figure->studies[figure->study_count++],
                              err);
    study_stems_free(stems, count);
    return code;
}

void report_study_release(struct report_study *study)
{
    mem_free(study->name);
    mem_free(study->stem);
    mem_free(study->title);
    mem_free(study->caption);
    mem_free(study->command);
    mem_free(study->points);
    mem_free(study->summary);
}
