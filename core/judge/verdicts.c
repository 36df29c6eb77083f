#include "judge/verdicts.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 110
#define INDENT 17 /* behind the verdict */
#define LABEL 11  /* "measured   " */

int verdicts_judge(struct verdicts *verdicts, const struct claim_evidence *evidence,
                   const char *data, const char *backend, struct err *err)
{
    const struct experiment *experiment = evidence->experiment;
    *verdicts = (struct verdicts){
        .evidence = evidence, .data = data, .backend = backend, .count = experiment->claim_count};
    verdicts->verdicts = mem_new(verdicts->count, sizeof *verdicts->verdicts, err);
    if (verdicts->verdicts == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < verdicts->count; i++) {
        claim_judge(&experiment->claims[i], evidence, &verdicts->verdicts[i]);
        verdicts->outcomes[verdicts->verdicts[i].outcome]++;
    }
    return 0;
}

void verdicts_release(struct verdicts *verdicts)
{
    mem_free(verdicts->verdicts);
    memset(verdicts, 0, sizeof *verdicts);
}

/* Columns that `length` bytes of UTF-8 take. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* Words of `text` from column `at` on; lines that follow start at `indent`.  Ends the line. */
static void wrap(struct text *out, const char *text, size_t at, size_t indent)
{
    int first = 1;
    for (size_t length; *text != '\0'; text += length) {
        text += strspn(text, " ");
        length = strcspn(text, " ");
        size_t wide = columns(text, length);
        if (!first && at + 1 + wide > WIDTH) {
            text_put(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            text_put_char(out, ' ');
            at++;
        }
        text_put_bytes(out, text, length);
        at += wide;
        first = 0;
    }
    text_put_char(out, '\n');
}

static void write_part(struct text *out, const char *label, const char *text)
{
    text_put(out, "%*s%-*s", INDENT, "", LABEL, label);
    wrap(out, text, INDENT + LABEL, INDENT + LABEL);
}

static int write_claim(struct text *out, const struct verdicts *verdicts, size_t i, struct err *err)
{
    const struct claim_evidence *evidence = verdicts->evidence;
    const struct claim *claim = &evidence->experiment->claims[i];
    const struct claim_verdict *verdict = &verdicts->verdicts[i];
    const struct experiment_profile *here = &evidence->experiment->profiles[evidence->profile];
    const char *profile = experiment_is_paper(evidence->experiment, here) ? NULL : here->name;
    const char *words = claim->quote != NULL ? claim->quote : claim->drawn;
    const char *mark = claim->quote == NULL ? "" : strchr(words, '"') != NULL ? "'" : "\"";
    char *head = mem_format(err, "%s%s%s%s %s: %s%s%s", profile == NULL ? "" : "at profile ",
                            profile == NULL ? "" : profile, profile == NULL ? "" : ", ",
                            claim->quote != NULL ? "section" : "drawn in", claim->section, mark,
                            words, mark);
    char *needed = mem_format(err, "%s (%s)", verdict->needed, claim->from);
    if (head != NULL && needed != NULL) {
        text_put(out, "%-*s", INDENT, claim_outcome_word(verdict->outcome));
        wrap(out, head, INDENT, INDENT);
        write_part(out, "measured", verdict->measured);
        if (verdict->needed[0] != '\0')
            write_part(out, "needed", needed);
        if (verdict->power[0] != '\0')
            write_part(out, "power", verdict->power);
    }
    int code = head == NULL || needed == NULL ? ERR_MEMORY : 0;
    mem_free(head);
    mem_free(needed);
    return code;
}

static void write_summary(struct text *out, const struct verdicts *verdicts)
{
    const struct claim_evidence *evidence = verdicts->evidence;
    text_put(out, "%s, profile %s, ", evidence->experiment->name,
             evidence->experiment->profiles[evidence->profile].name);
    if (evidence->experiment->schedules_only)
        text_put(out, "by the plan alone");
    else if (verdicts->data == NULL)
        text_put(out, "nothing trained so far");
    else
        text_put(out, "%s data, backend %s", verdicts->data, verdicts->backend);
    text_put(out, ": of %zu claims %zu hold, %zu fail, %zu need more runs, %zu not run\n",
             verdicts->count, verdicts->outcomes[CLAIM_HOLDS], verdicts->outcomes[CLAIM_FAILS],
             verdicts->outcomes[CLAIM_NOT_ENOUGH_RUNS], verdicts->outcomes[CLAIM_NOT_RUN]);
}

int verdicts_text(const struct verdicts *verdicts, char **text, struct err *err)
{
    struct text out = {0};
    int code = 0;
    for (size_t i = 0; i < verdicts->count && code == 0; i++)
        code = write_claim(&out, verdicts, i, err);
    write_summary(&out, verdicts);
    if (code == 0)
        return text_take(&out, text, "the verdicts", err);
    text_release(&out);
    return code;
}

/* A cell of the table: tabs and line ends become blanks. */
static void write_cell(struct text *out, const char *text, char end)
{
    for (; *text != '\0'; text++)
        text_put_char(out, *text == '\t' || *text == '\n' || *text == '\r' ? ' ' : *text);
    text_put_char(out, end);
}

int verdicts_write(const struct verdicts *verdicts, const char *path, struct err *err)
{
    const struct claim_evidence *evidence = verdicts->evidence;
    const struct experiment *experiment = evidence->experiment;
    char *bytes = NULL;
    struct text table = {0}, *out = &table;
    text_put_string(
        out,
        "verdict\tfigure\tprofile\tdata\tbackend\tsection\tkind\twords\tmeasured\tneeded\tfrom\t"
        "power\n");
    for (size_t i = 0; i < verdicts->count; i++) {
        const struct claim *claim = &experiment->claims[i];
        const char *cells[] = {claim_outcome_word(verdicts->verdicts[i].outcome),
                               experiment->name,
                               experiment->profiles[evidence->profile].name,
                               verdicts->data,
                               verdicts->backend,
                               claim->section,
                               claim->kind_name,
                               claim->quote != NULL ? claim->quote : claim->drawn,
                               verdicts->verdicts[i].measured,
                               verdicts->verdicts[i].needed,
                               claim->from,
                               verdicts->verdicts[i].power};
        size_t last = sizeof cells / sizeof cells[0] - 1;
        for (size_t c = 0; c <= last; c++)
            write_cell(out, cells[c], c == last ? '\n' : '\t');
    }
    size_t size = table.size;
    int code = text_take(&table, &bytes, path, err);
    if (code == 0)
        code = file_replace(path, bytes, size, err);
    mem_free(bytes);
    return code;
}
