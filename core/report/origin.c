#include "report/origin.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define DAY 10 /* characters of "2026-11-24" */

/* Appends to a list "A; B" what is not in it. */
static void put_new(struct text *list, const char *item)
{
    size_t length = strlen(item);
    const char *at = list->size == 0 ? NULL : list->bytes;
    while (at != NULL && length > 0) {
        const char *end = strstr(at, "; ");
        size_t size = end == NULL ? strlen(at) : (size_t)(end - at);
        if (size == length && strncmp(at, item, length) == 0)
            return;
        at = end == NULL ? NULL : end + 2;
    }
    if (length > 0)
        text_put(list, "%s%s", list->size == 0 ? "" : "; ", item);
}

static const char *word(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? "" : value;
}

static void take_day(const char *time, int later, char day[24])
{
    if (strlen(time) >= DAY && (day[0] == '\0' || (strncmp(time, day, DAY) > 0) == later))
        snprintf(day, 24, "%.*s", DAY, time);
}

struct lists {
    struct text programs, machines, libraries, compilers;
};

static void take_session(struct origin *origin, struct lists *lists, const json_t *session)
{
    const json_t *host = json_object_get(session, "host");
    json_int_t cores = json_integer_value(json_object_get(host, "cores"));
    char words[512];
    snprintf(words, sizeof words, "%s, commit %s", word(session, "version"),
             word(session, "commit"));
    put_new(&lists->programs, words);
    snprintf(words, sizeof words, "%s, %" JSON_INTEGER_FORMAT " core%s, %s %s",
             word(host, "device"), cores, cores == 1 ? "" : "s", word(host, "system"),
             word(host, "machine"));
    put_new(&lists->machines, words);
    put_new(&lists->libraries, word(host, "library"));
    put_new(&lists->compilers, word(session, "compiler"));
    take_day(word(session, "started"), 0, origin->first);
    take_day(word(session, "ended"), 1, origin->last);
    json_int_t starts = json_integer_value(json_object_get(session, "starts"));
    origin->sessions += starts > 0 ? (size_t)starts : 1; /* several that were made one */
}

static void take_run(struct origin *origin, struct lists *lists, const struct stored *run)
{
    const json_t *sessions = json_object_get(run->manifest, "sessions");
    for (size_t i = 0; i < json_array_size(sessions); i++)
        take_session(origin, lists, json_array_get(sessions, i));
    origin->seconds += json_number_value(
        json_object_get(json_object_get(run->manifest, "result"), "seconds"));
}

int origin_read(struct origin *origin, const struct curves *curves, struct err *err)
{
    struct lists lists = {0};
    *origin = (struct origin){0};
    for (size_t i = 0; i < curves->count; i++)
        for (size_t s = 0; s < curves->curve[i].count; s++)
            take_run(origin, &lists, curves->curve[i].seeds[s]);
    int code = text_take(&lists.programs, &origin->programs, "a report", err);
    if (code == 0)
        code = text_take(&lists.machines, &origin->machines, "a report", err);
    if (code == 0)
        code = text_take(&lists.libraries, &origin->libraries, "a report", err);
    if (code == 0)
        code = text_take(&lists.compilers, &origin->compilers, "a report", err);
    text_release(&lists.programs);
    text_release(&lists.machines);
    text_release(&lists.libraries);
    text_release(&lists.compilers);
    if (code != 0)
        origin_release(origin);
    return code;
}

void origin_release(struct origin *origin)
{
    mem_free(origin->programs);
    mem_free(origin->machines);
    mem_free(origin->libraries);
    mem_free(origin->compilers);
    *origin = (struct origin){0};
}
