#include "experiment/conventions.h"

#include "base/err.h"
#include "base/number.h"
#include "base/suggest.h"

#include <stdio.h>
#include <string.h>

#define EPOCHS_LIMIT 100000
#define KNOWN_TEXT 240
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct all {
    struct schedule_conventions schedule;
    struct image_conventions images;
};

static const char *const KEYS[] = {CONVENTIONS_KEYS, CONVENTIONS_IMAGE_KEYS};

/* A convention is a number of epochs or one of two words, of which the second is not the
 * default. */
static const struct convention {
    const char *key, *usual, *other; /* words; NULL: a number */
    size_t offset;                   /* of an int in struct all */
} TABLE[] = {
    {"last_batch", "drop", "keep", offsetof(struct all, schedule.keep_last_batch)},
    {"early_steps", NULL, NULL, offsetof(struct all, schedule.early_steps)},
    {"moments_at_step", "keep", "reset", offsetof(struct all, schedule.reset_moments)},
    {"extra_epochs", NULL, NULL, offsetof(struct all, schedule.extra_epochs)},
    {"antialias", "yes", "no", offsetof(struct all, images.aliased)},
    {"colour", "none", "inception", offsetof(struct all, images.coloured)},
    {"orientation", "ignore", "apply", offsetof(struct all, images.oriented)},
};

static int *field(struct all *all, size_t i)
{
    return (int *)((char *)all + TABLE[i].offset);
}

static int parse(struct settings_view *view, struct all *all)
{
    for (size_t i = 0; i < COUNT_OF(TABLE) && view->failed == 0; i++) {
        if (settings_find(view, TABLE[i].key) == NULL)
            continue;
        if (TABLE[i].usual == NULL) {
            *field(all, i) = (int)settings_int(view, TABLE[i].key, 0, EPOCHS_LIMIT);
            continue;
        }
        const char *text = settings_string(view, TABLE[i].key);
        if (text == NULL)
            break;
        *field(all, i) = strcmp(text, TABLE[i].other) == 0;
        if (strcmp(text, TABLE[i].other) != 0 && strcmp(text, TABLE[i].usual) != 0)
            settings_fail(view, settings_find(view, TABLE[i].key),
                          "'%s' is \"%.80s\"; it must be \"%s\" or \"%s\"", TABLE[i].key, text,
                          TABLE[i].usual, TABLE[i].other);
    }
    return view->failed;
}

/* The keys of the other kind are refused where a view's keys are checked. */
int conventions_parse(struct settings_view *view, struct schedule_conventions *conventions)
{
    struct all all = {.schedule = *conventions};
    int code = parse(view, &all);
    *conventions = all.schedule;
    return code;
}

int conventions_parse_images(struct settings_view *view, struct image_conventions *images)
{
    struct all all = {.images = *images};
    int code = parse(view, &all);
    *images = all.images;
    return code;
}

static int apply_value(size_t i, const char *value, struct all *all, struct err *err)
{
    if (TABLE[i].usual != NULL) {
        *field(all, i) = strcmp(value, TABLE[i].other) == 0;
        if (strcmp(value, TABLE[i].other) == 0 || strcmp(value, TABLE[i].usual) == 0)
            return 0;
        return err_set(err, ERR_USAGE, "convention %s=%.40s: it is %s or %s", TABLE[i].key, value,
                       TABLE[i].usual, TABLE[i].other);
    }
    const char *end;
    int64_t epochs;
    if (!number_whole(value, &epochs, &end) || *end != '\0' || epochs < 0 || epochs > EPOCHS_LIMIT)
        return err_set(err, ERR_USAGE, "convention %s=%.40s: it is a number of epochs, 0 to %d",
                       TABLE[i].key, value, EPOCHS_LIMIT);
    *field(all, i) = (int)epochs;
    return 0;
}

/* "there are last_batch=drop|keep, early_steps=N, ..." */
static const char *known_words(char text[KNOWN_TEXT])
{
    size_t used = (size_t)snprintf(text, KNOWN_TEXT, "there are ");
    for (size_t i = 0; i < COUNT_OF(TABLE) && used < KNOWN_TEXT; i++)
        used += (size_t)snprintf(text + used, KNOWN_TEXT - used, "%s%s=%s%s%s", i == 0 ? "" : ", ",
                                 TABLE[i].key, TABLE[i].usual == NULL ? "N" : TABLE[i].usual,
                                 TABLE[i].usual == NULL ? "" : "|",
                                 TABLE[i].usual == NULL ? "" : TABLE[i].other);
    return text;
}

static int apply_one(const char *word, size_t length, struct all *all, struct err *err)
{
    char copy[128], known[KNOWN_TEXT], mend[SUGGEST_TEXT];
    snprintf(copy, sizeof copy, "%.*s", (int)length, word);
    char *equals = strchr(copy, '=');
    if (equals == NULL)
        return err_set(err, ERR_USAGE, "convention '%s': no '='; %s", copy, known_words(known));
    *equals = '\0';
    for (size_t i = 0; i < COUNT_OF(TABLE); i++)
        if (strcmp(copy, TABLE[i].key) == 0)
            return apply_value(i, equals + 1, all, err);
    return err_set(err, ERR_USAGE, "unknown convention '%s'%s", copy,
                   suggest_phrase(mend, copy, KEYS, COUNT_OF(KEYS), '\'', known_words(known)));
}

int conventions_apply(const char *words, struct schedule_conventions *conventions,
                      struct image_conventions *images, struct err *err)
{
    struct all changed = {*conventions, *images};
    for (const char *at = words;; at++) {
        size_t length = strcspn(at, ",");
        int code = apply_one(at, length, &changed, err);
        if (code != 0)
            return code;
        at += length;
        if (*at == '\0')
            break;
    }
    *conventions = changed.schedule;
    *images = changed.images;
    return 0;
}

void conventions_text(const struct schedule_conventions *conventions, char text[CONVENTIONS_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    if (conventions->keep_last_batch)
        used += (size_t)snprintf(text + used, CONVENTIONS_TEXT - used,
                                 ", last batch of an epoch kept");
    if (conventions->early_steps > 0)
        used += (size_t)snprintf(text + used, CONVENTIONS_TEXT - used, ", steps %d epoch%s early",
                                 conventions->early_steps,
                                 conventions->early_steps == 1 ? "" : "s");
    if (conventions->reset_moments)
        used += (size_t)snprintf(text + used, CONVENTIONS_TEXT - used,
                                 ", optimizer begins anew at steps");
    if (conventions->extra_epochs > 0)
        snprintf(text + used, CONVENTIONS_TEXT - used, ", %d extra epoch%s",
                 conventions->extra_epochs, conventions->extra_epochs == 1 ? "" : "s");
    if (text[0] != '\0')
        memmove(text, text + 2, strlen(text + 2) + 1);
}

int conventions_json(const struct schedule_conventions *conventions, json_t **object,
                     struct err *err)
{
    *object = NULL;
    if (!conventions->keep_last_batch && !conventions->reset_moments)
        return 0;
    json_t *found = json_object();
    int bad = found == NULL;
    if (conventions->keep_last_batch)
        bad |= json_object_set_new(found, "last_batch", json_string("keep")) != 0;
    if (conventions->reset_moments)
        bad |= json_object_set_new(found, "moments_at_step", json_string("reset")) != 0;
    if (bad) {
        json_decref(found);
        return err_set(err, ERR_MEMORY, "out of memory while writing a run's conventions");
    }
    *object = found;
    return 0;
}
