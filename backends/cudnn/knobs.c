#include "knobs.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int knobs_text(const struct knobs *knobs, char *text, size_t size)
{
    size_t used = 0;
    if (knobs->count == 0)
        return snprintf(text, size, "-") >= (int)size;
    for (int i = 0; i < knobs->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId32 "=%" PRId64,
                                 i == 0 ? "" : ",", knobs->list[i].type, knobs->list[i].value);
    return used >= size;
}

/* A whole number at *text, which moves behind it. */
static int take(const char **text, int64_t limit, int64_t *value)
{
    char *end;
    const char *digits = **text == '-' ? *text + 1 : *text;
    errno = 0;
    if (!isdigit((unsigned char)*digits))
        return 1;
    long long number = strtoll(*text, &end, 10);
    if (errno != 0 || number > limit || number < -limit)
        return 1;
    *text = end;
    *value = number;
    return 0;
}

int knobs_parse(const char *text, struct knobs *knobs)
{
    memset(knobs, 0, sizeof *knobs);
    if (strcmp(text, "-") == 0)
        return 0;
    for (;; text++) {
        int64_t type, value;
        if (knobs->count == KNOBS_MAX || take(&text, INT32_MAX, &type) != 0 || *text++ != '=' ||
            take(&text, INT64_MAX, &value) != 0 || (*text != ',' && *text != '\0'))
            return 1;
        knobs->list[knobs->count].type = (int32_t)type;
        knobs->list[knobs->count++].value = value;
        if (*text == '\0')
            return 0;
    }
}

int knobs_same(const struct knobs *a, const struct knobs *b)
{
    if (a->count != b->count)
        return 0;
    for (int i = 0; i < a->count; i++)
        if (a->list[i].type != b->list[i].type || a->list[i].value != b->list[i].value)
            return 0;
    return 1;
}
