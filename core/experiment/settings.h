/* settings.h -- reading a libconfig file strictly: every complaint is "path:line: ..." and says
 * what would be right.
 *
 * A view is one group of the file, with an optional second group that stands in for keys the first
 * leaves out.  Getters keep the first failure in the view and return zeroes from then on, so that
 * only the last of a row needs a check. */
#ifndef EXPERIMENT_SETTINGS_H
#define EXPERIMENT_SETTINGS_H

#include <libconfig.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct settings_view {
    const char *path; /* of the file, for messages; borrowed */
    const config_setting_t *group;
    const config_setting_t *fallback; /* or NULL */
    struct err *err;
    int failed; /* code of the first failure, 0 so far */
};

/* Parses the file at `path` into *config, which the caller releases by config_destroy() after
 * success only; `path` must live as long, messages about any setting of the file name it. ERR_INPUT
 * "path:line: ..." on a syntax error, a NUL byte, @include, or a whole number too large for its
 * type; a file of more than 65535 bytes is refused. */
int settings_read(const char *path, config_t *config, struct err *err);

/* Fills the view's err with "path:line: ..." and keeps and returns ERR_INPUT; the first failure
 * wins. */
int settings_fail(struct settings_view *view, const config_setting_t *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails when `group` is no group or holds a key that is none of keys. */
int settings_check(struct settings_view *view, const config_setting_t *group,
                   const char *const *keys, size_t count);

/* The setting of that name in group or fallback, or NULL.  Never fails. */
const config_setting_t *settings_find(const struct settings_view *view, const char *key);

/* Required keys: a missing one fails, as do a wrong type and a value out of bounds (both included).
 * Whole numbers are fine where a double is asked for.  `bounds` are the words for a double's bounds
 * ("above 0"). */
int64_t settings_int(struct settings_view *view, const char *key, int64_t low, int64_t high);
double settings_double(struct settings_view *view, const char *key, double low, double high,
                       const char *bounds);
/* true or false, as 1 or 0. */
int settings_bool(struct settings_view *view, const char *key);
/* Not empty. */
const char *settings_string(struct settings_view *view, const char *key);
/* As above, of letters, digits and '-' only and at most 64 bytes: fit for a file name. */
const char *settings_name(struct settings_view *view, const char *key);
/* A text that is one of words[]: its index; -1 after a failure, which names the nearest or all. */
int settings_choice(struct settings_view *view, const char *key, const char *const *words,
                    size_t count);
/* A list "( ... )" of 1 to `most` groups. */
const config_setting_t *settings_groups(struct settings_view *view, const char *key, int most);

/* Element `index` of an array or list; a scalar is every element of itself.  For keys that say one
 * thing for all steps or one thing each.  NULL after a failure, among them a length other than
 * `count`. */
const config_setting_t *settings_each(struct settings_view *view, const char *key, int index,
                                      int count);

/* The value of one setting, whatever its name. */
int64_t settings_int_of(struct settings_view *view, const config_setting_t *at, const char *key,
                        int64_t low, int64_t high);
double settings_double_of(struct settings_view *view, const config_setting_t *at, const char *key,
                          double low, double high, const char *bounds);
const char *settings_string_of(struct settings_view *view, const config_setting_t *at,
                               const char *key);
int settings_choice_of(struct settings_view *view, const config_setting_t *at, const char *key,
                       const char *const *words, size_t count);

#endif
