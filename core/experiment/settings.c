#include "experiment/settings.h"

#include "base/err.h"
#include "base/suggest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_LIMIT 64

int settings_fail(struct settings_view *view, const config_setting_t *at, const char *format, ...)
{
    if (view->failed != 0)
        return view->failed;
    char text[ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* The root group has line 0: what is missing there is missing from line 1 on. */
    unsigned line = config_setting_source_line(at);
    /* settings_read()'s */
    const char *path = config_setting_get_hook(config_root_setting(at->config));
    return view->failed = err_set(view->err, ERR_INPUT, "%s:%u: %s",
                                  path == NULL ? view->path : path, line == 0 ? 1 : line, text);
}

static const char *type_name(const config_setting_t *at)
{
    switch (config_setting_type(at)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a whole number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    case CONFIG_TYPE_GROUP:
        return "a group { ... }";
    case CONFIG_TYPE_ARRAY:
        return "an array [ ... ]";
    default:
        return "a list ( ... )";
    }
}

int settings_check(struct settings_view *view, const config_setting_t *group,
                   const char *const *keys, size_t count)
{
    if (!config_setting_is_group(group)) {
        const char *name = config_setting_name(group) == NULL ? "this element"
                                                              : config_setting_name(group);
        return settings_fail(view, group, "%s is %s; it must be a group { ... }", name,
                             type_name(group));
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *at = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(at);
        size_t k = 0;
        while (k < count && strcmp(name, keys[k]) != 0)
            k++;
        if (k < count)
            continue;
        char mend[SUGGEST_TEXT];
        return settings_fail(view, at, "unknown key '%s'%s", name,
                             suggest_phrase(mend, name, keys, count, '\'', "remove it"));
    }
    return view->failed;
}

const config_setting_t *settings_find(const struct settings_view *view, const char *key)
{
    const config_setting_t *at = config_setting_get_member(view->group, key);
    if (at == NULL && view->fallback != NULL)
        at = config_setting_get_member(view->fallback, key);
    return at;
}

static const config_setting_t *need(struct settings_view *view, const char *key)
{
    const config_setting_t *at = view->failed != 0 ? NULL : settings_find(view, key);
    if (at == NULL)
        settings_fail(view, view->group, "the key '%s' is missing%s", key,
                      view->fallback == NULL ? "" : ", here and in defaults");
    return at;
}

int64_t settings_int_of(struct settings_view *view, const config_setting_t *at, const char *key,
                        int64_t low, int64_t high)
{
    if (at == NULL || view->failed != 0)
        return 0;
    int type = config_setting_type(at);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        settings_fail(view, at, "'%s' is %s; it must be a whole number", key, type_name(at));
        return 0;
    }
    int64_t value = config_setting_get_int64(at);
    if (value < low || value > high) {
        settings_fail(view, at, "'%s' is %" PRId64 "; it must be %" PRId64 " to %" PRId64, key,
                      value, low, high);
        return 0;
    }
    return value;
}

double settings_double_of(struct settings_view *view, const config_setting_t *at, const char *key,
                          double low, double high, const char *bounds)
{
    if (at == NULL || view->failed != 0)
        return 0;
    if (!config_setting_is_number(at)) {
        settings_fail(view, at, "'%s' is %s; it must be a number", key, type_name(at));
        return 0;
    }
    double value = config_setting_type(at) == CONFIG_TYPE_FLOAT
                       ? config_setting_get_float(at)
                       : (double)config_setting_get_int64(at);
    if (!(value >= low && value <= high)) {
        settings_fail(view, at, "'%s' is %g; it must be %s", key, value, bounds);
        return 0;
    }
    return value;
}

const char *settings_string_of(struct settings_view *view, const config_setting_t *at,
                               const char *key)
{
    if (at == NULL || view->failed != 0)
        return NULL;
    if (config_setting_type(at) != CONFIG_TYPE_STRING) {
        settings_fail(view, at, "'%s' is %s; it must be a text in double quotes", key,
                      type_name(at));
        return NULL;
    }
    const char *value = config_setting_get_string(at);
    if (value[0] == '\0')
        settings_fail(view, at, "'%s' is empty", key);
    return view->failed != 0 ? NULL : value;
}

int64_t settings_int(struct settings_view *view, const char *key, int64_t low, int64_t high)
{
    return settings_int_of(view, need(view, key), key, low, high);
}

double settings_double(struct settings_view *view, const char *key, double low, double high,
                       const char *bounds)
{
    return settings_double_of(view, need(view, key), key, low, high, bounds);
}

int settings_choice_of(struct settings_view *view, const config_setting_t *at, const char *key,
                       const char *const *words, size_t count)
{
    const char *text = settings_string_of(view, at, key);
    if (text == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return (int)i;
    char known[SUGGEST_TEXT], otherwise[SUGGEST_TEXT + 32], mend[SUGGEST_TEXT];
    snprintf(otherwise, sizeof otherwise, "it must be one of %s",
             suggest_names(known, words, count));
    settings_fail(view, at, "'%s' is \"%.80s\"%s", key, text,
                  suggest_phrase(mend, text, words, count, '"', otherwise));
    return -1;
}

int settings_bool(struct settings_view *view, const char *key)
{
    const config_setting_t *at = need(view, key);
    if (at == NULL || config_setting_type(at) == CONFIG_TYPE_BOOL)
        return at != NULL && config_setting_get_bool(at);
    settings_fail(view, at, "'%s' is %s; it must be true or false", key, type_name(at));
    return 0;
}

const char *settings_string(struct settings_view *view, const char *key)
{
    return settings_string_of(view, need(view, key), key);
}

int settings_choice(struct settings_view *view, const char *key, const char *const *words,
                    size_t count)
{
    return settings_choice_of(view, need(view, key), key, words, count);
}

const char *settings_name(struct settings_view *view, const char *key)
{
    const config_setting_t *at = need(view, key);
    const char *value = settings_string_of(view, at, key);
    if (value == NULL)
        return NULL;
    size_t fit = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    if (value[fit] != '\0' || fit > NAME_LIMIT) {
        settings_fail(view, at, "'%s' is \"%.80s\"; it must be at most %d letters, digits and '-'",
                      key, value, NAME_LIMIT);
        return NULL;
    }
    return value;
}

const config_setting_t *settings_groups(struct settings_view *view, const char *key, int most)
{
    const config_setting_t *at = need(view, key);
    if (at == NULL)
        return NULL;
    if (!config_setting_is_list(at))
        settings_fail(view, at, "'%s' is %s; it must be a list ( { ... }, { ... } )", key,
                      type_name(at));
    else if (config_setting_length(at) < 1 || config_setting_length(at) > most)
        settings_fail(view, at, "'%s' has %d entries; it must have 1 to %d", key,
                      config_setting_length(at), most);
    return view->failed != 0 ? NULL : at;
}

const config_setting_t *settings_each(struct settings_view *view, const char *key, int index,
                                      int count)
{
    const config_setting_t *at = need(view, key);
    if (at == NULL || (!config_setting_is_array(at) && !config_setting_is_list(at)))
        return at;
    int length = config_setting_length(at);
    if (length != count) {
        settings_fail(view, at,
                      "'%s' has %d entries for %d steps; give one for each or a single one for all",
                      key, length, count);
        return NULL;
    }
    return config_setting_get_elem(at, (unsigned)index);
}
