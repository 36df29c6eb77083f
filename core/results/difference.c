#include "results/difference.h"

#include "base/text_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct search {
    struct difference *list;
    size_t count;
};

static void put_value(const json_t *value, char *text, size_t size)
{
    if (json_is_string(value))
        snprintf(text, size, "%s", json_string_value(value));
    else if (json_is_integer(value))
        snprintf(text, size, "%" PRId64, (int64_t)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, size, "%.9g", json_real_value(value));
    else if (value == NULL)
        snprintf(text, size, "nothing");
    else {
        struct text words = {0};
        text_put_json(&words, value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(text, size, "%s", words.failed ? "?" : words.bytes);
        text_release(&words);
    }
}

/* A manifest holds twelve digits. */
static int same_number(double was, double now)
{
    return fabs(was - now) <= 1e-11 * fabs(now);
}

static void compare(struct search *search, const char *path, const json_t *was, const json_t *now);

static void compare_objects(struct search *search, const char *path, const json_t *was,
                            const json_t *now)
{
    char inner[DIFFERENCE_TEXT];
    const char *key, *dot = path[0] == '\0' ? "" : ".";
    json_t *value;
    json_object_foreach((json_t *)now, key, value)
    {
        snprintf(inner, sizeof inner, "%s%s%s", path, dot, key);
        compare(search, inner, json_object_get(was, key), value);
    }
    json_object_foreach((json_t *)was, key, value)
    {
        if (json_object_get(now, key) != NULL)
            continue;
        snprintf(inner, sizeof inner, "%s%s%s", path, dot, key);
        compare(search, inner, value, NULL);
    }
}

static void compare(struct search *search, const char *path, const json_t *was, const json_t *now)
{
    if (json_is_object(was) && json_is_object(now)) {
        compare_objects(search, path, was, now);
        return;
    }
    if (json_is_array(was) && json_is_array(now)) {
        size_t a = json_array_size(was), b = json_array_size(now);
        for (size_t i = 0; i < a || i < b; i++) {
            char inner[DIFFERENCE_TEXT];
            snprintf(inner, sizeof inner, "%s[%zu]", path, i);
            compare(search, inner, json_array_get(was, i), json_array_get(now, i));
        }
        return;
    }
    int numbers = json_is_number(was) && json_is_number(now);
    if (numbers ? same_number(json_number_value(was), json_number_value(now))
                : json_equal(was, now))
        return;
    if (search->count < DIFFERENCE_MAX) {
        struct difference *found = &search->list[search->count];
        snprintf(found->path, sizeof found->path, "%s", path);
        put_value(was, found->was, sizeof found->was);
        put_value(now, found->now, sizeof found->now);
    }
    search->count++;
}

size_t difference_find(const json_t *was, const json_t *now, struct difference list[DIFFERENCE_MAX])
{
    struct search search = {.list = list};
    compare(&search, "", was, now);
    return search.count;
}
