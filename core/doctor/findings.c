#include "doctor/findings.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 32

const char *const finding_states[FINDING_STATES] = {"fine", "note", "hinders"};

static int grow(struct findings *findings, struct err *err)
{
    size_t capacity = findings->capacity == 0 ? FIRST_CAPACITY : 2 * findings->capacity;
    struct finding *list = mem_new(capacity, sizeof *list, err);
    if (list == NULL)
        return ERR_MEMORY;
    if (findings->count > 0)
        memcpy(list, findings->list, findings->count * sizeof *list);
    mem_free(findings->list);
    findings->list = list;
    findings->capacity = capacity;
    return 0;
}

struct finding *findings_add(struct findings *findings, enum finding_state state, const char *name,
                             struct err *err, const char *format, ...)
{
    va_list args;
    if (findings->count == findings->capacity && grow(findings, err) != 0)
        return NULL;
    struct finding *finding = &findings->list[findings->count++];
    *finding = (struct finding){.state = state};
    snprintf(finding->name, sizeof finding->name, "%s", name);
    va_start(args, format);
    vsnprintf(finding->words, sizeof finding->words, format, args);
    va_end(args);
    return finding;
}

int finding_mend(struct finding *finding, const char *format, ...)
{
    va_list args;
    if (finding == NULL)
        return ERR_MEMORY;
    va_start(args, format);
    vsnprintf(finding->mend, sizeof finding->mend, format, args);
    va_end(args);
    return 0;
}

size_t findings_count(const struct findings *findings, enum finding_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += findings->list[i].state == state;
    return count;
}

void findings_release(struct findings *findings)
{
    mem_free(findings->list);
    memset(findings, 0, sizeof *findings);
}
