#include "experiment/conventions.h"

#include "base/err.h"
#include "experiment/experiment.h"
#include "base/number.h"
#include "base/suggest.h"

#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EPOCHS_LIMIT 100000
#define KNOWN_TEXT 400
#define SHARE_WORDS "at least 0 and below 1"
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct all {
    struct schedule_conventions schedule;
    struct image_conventions images;
};

static const char *const KEYS[] = {CONVENTIONS_KEYS, CONVENTIONS_IMAGE_KEYS};

enum kind {
    WORDS,  /* an int: one of two words, of which the second is not the default */
    EPOCHS, /* an int, a number of epochs */
    SHARE,  /* a double, at least 0 and below 1 */
};

static const struct convention {
    const char *key;
    enum kind kind;
    const char *usual, *other; /* of WORDS */
    size_t offset;             /* in struct all */
    int in_phases;             /* a run's phases show it, so that its identity need not */
} TABLE[] = {
#define FIELD(name) offsetof(struct all, name)
    {"last_batch", WORDS, "drop", "keep", FIELD(schedule.keep_last_batch), 0},
    {"early_steps", EPOCHS, NULL, NULL, FIELD(schedule.early_steps), 1},
    {"moments_at_step", WORDS, "keep", "reset", FIELD(schedule.reset_moments), 0},
    {"extra_epochs", EPOCHS, NULL, NULL, FIELD(schedule.extra_epochs), 1},
    {"weight_decay_on", WORDS, "all", "weights", FIELD(schedule.decay_weights), 0},
    {"label_smoothing", SHARE, NULL, NULL, FIELD(schedule.label_smoothing), 0},
    {"bn_gamma", WORDS, "yes", "no", FIELD(schedule.no_gamma), 0},
    {"running_statistics", WORDS, "image", "update", FIELD(schedule.running_per_update), 0},
    {"antialias", WORDS, "yes", "no", FIELD(images.aliased), 0},
    {"colour", WORDS, "none", "inception", FIELD(images.coloured), 0},
    {"orientation", WORDS, "ignore", "apply", FIELD(images.oriented), 0},
#undef FIELD
};

static int *number(struct all *all, size_t i)
{
    return (int *)(void *)((char *)all + TABLE[i].offset);
}

static double *share(struct all *all, size_t i)
{
    return (double *)(void *)((char *)all + TABLE[i].offset);
}

static void parse_words(struct settings_view *view, size_t i, int *to)
{
    const char *text = settings_string(view, TABLE[i].key);
    if (text == NULL)
        return;
    *to = strcmp(text, TABLE[i].other) == 0;
    if (!*to && strcmp(text, TABLE[i].usual) != 0)
        settings_fail(view, settings_find(view, TABLE[i].key),
                      "'%s' is \"%.80s\"; it must be \"%s\" or \"%s\"", TABLE[i].key, text,
                      TABLE[i].usual, TABLE[i].other);
}

static int parse(struct settings_view *view, struct all *all)
{
    for (size_t i = 0; i < COUNT_OF(TABLE) && view->failed == 0; i++) {
        if (settings_find(view, TABLE[i].key) == NULL)
            continue;
        if (TABLE[i].kind == WORDS)
            parse_words(view, i, number(all, i));
        else if (TABLE[i].kind == EPOCHS)
            *number(all, i) = (int)settings_int(view, TABLE[i].key, 0, EPOCHS_LIMIT);
        else
            *share(all, i) = settings_double(view, TABLE[i].key, 0, 1 - DBL_EPSILON, SHARE_WORDS);
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
    const char *end;
    int64_t epochs;
    double part;
    switch (TABLE[i].kind) {
    case WORDS:
        *number(all, i) = strcmp(value, TABLE[i].other) == 0;
        if (*number(all, i) || strcmp(value, TABLE[i].usual) == 0)
            return 0;
        return err_set(err, ERR_USAGE, "convention %s=%.40s: it is %s or %s", TABLE[i].key, value,
                       TABLE[i].usual, TABLE[i].other);
    case EPOCHS:
        if (!number_whole(value, &epochs, &end) || *end != '\0' || epochs < 0 ||
            epochs > EPOCHS_LIMIT)
            return err_set(err, ERR_USAGE, "convention %s=%.40s: it is a number of epochs, 0 to %d",
                           TABLE[i].key, value, EPOCHS_LIMIT);
        *number(all, i) = (int)epochs;
        return 0;
    default:
        if (!number_real(value, &part, &end) || *end != '\0' || !(part >= 0 && part < 1))
            return err_set(err, ERR_USAGE, "convention %s=%.40s: it is a number " SHARE_WORDS,
                           TABLE[i].key, value);
        *share(all, i) = part;
        return 0;
    }
}

/* "there are last_batch=drop|keep, early_steps=N, label_smoothing=0.1, ..." */
static const char *known_words(char text[KNOWN_TEXT])
{
    size_t used = (size_t)snprintf(text, KNOWN_TEXT, "there are ");
    for (size_t i = 0; i < COUNT_OF(TABLE) && used < KNOWN_TEXT; i++) {
        int is_words = TABLE[i].kind == WORDS;
        used += (size_t)snprintf(text + used, KNOWN_TEXT - used, "%s%s=%s%s%s", i == 0 ? "" : ", ",
                                 TABLE[i].key,
                                 is_words                  ? TABLE[i].usual
                                 : TABLE[i].kind == EPOCHS ? "N"
                                                           : "0.N",
                                 is_words ? "|" : "", is_words ? TABLE[i].other : "");
    }
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

int conventions_check(const struct experiment_run *run, struct err *err)
{
    if (!run->spec.conventions.decay_weights || run->weight_decay > 0)
        return 0;
    return err_set(err, ERR_INPUT,
                   "run '%s': weight_decay_on=weights, and its weight_decay is 0; leave the "
                   "convention at all",
                   run->name);
}

static int differ(struct all *a, struct all *b, size_t i)
{
    if (TABLE[i].kind == SHARE)
        return memcmp(share(a, i), share(b, i), sizeof *share(a, i)) != 0;
    return *number(a, i) != *number(b, i);
}

void conventions_apart(const struct schedule_conventions *own,
                       const struct image_conventions *own_images,
                       const struct schedule_conventions *now,
                       const struct image_conventions *now_images, char text[CONVENTIONS_TEXT])
{
    struct all before = {*own, *own_images}, after = {*now, *now_images};
    for (size_t i = 0; i < COUNT_OF(TABLE); i++) {
        char piece[64];
        size_t used = strlen(text);
        if (!differ(&before, &after, i))
            continue;
        if (TABLE[i].kind == WORDS)
            snprintf(piece, sizeof piece, "-%s=%s", TABLE[i].key,
                     *number(&after, i) ? TABLE[i].other : TABLE[i].usual);
        else if (TABLE[i].kind == EPOCHS)
            snprintf(piece, sizeof piece, "-%s=%d", TABLE[i].key, *number(&after, i));
        else
            snprintf(piece, sizeof piece, "-%s=%g", TABLE[i].key, *share(&after, i));
        if (strstr(text, piece) == NULL)
            snprintf(text + used, CONVENTIONS_TEXT - used, "%s", piece);
    }
}

__attribute__((format(printf, 2, 3))) static void put(char text[CONVENTIONS_TEXT],
                                                      const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    if (used > 0)
        used += (size_t)snprintf(text + used, CONVENTIONS_TEXT - used, ", ");
    va_start(args, format);
    vsnprintf(text + used, CONVENTIONS_TEXT - used, format, args);
    va_end(args);
}

void conventions_text(const struct schedule_conventions *conventions, char text[CONVENTIONS_TEXT])
{
    text[0] = '\0';
    if (conventions->keep_last_batch)
        put(text, "last batch of an epoch kept");
    if (conventions->early_steps > 0)
        put(text, "steps %d epoch%s early", conventions->early_steps,
            conventions->early_steps == 1 ? "" : "s");
    if (conventions->reset_moments)
        put(text, "optimizer begins anew at steps");
    if (conventions->extra_epochs > 0)
        put(text, "%d extra epoch%s", conventions->extra_epochs,
            conventions->extra_epochs == 1 ? "" : "s");
    if (conventions->decay_weights)
        put(text, "weight decay on weights only");
    if (conventions->label_smoothing > 0)
        put(text, "labels smoothed by %g", conventions->label_smoothing);
    if (conventions->no_gamma)
        put(text, "batch norm without gamma");
    if (conventions->running_per_update)
        put(text, "running statistics per update");
}

/* The value of a convention, NULL where it is the default or shown elsewhere. */
static json_t *value_json(struct all *all, size_t i, int *is_there)
{
    *is_there = !TABLE[i].in_phases &&
                (TABLE[i].kind == SHARE ? *share(all, i) > 0 : *number(all, i) != 0);
    if (!*is_there)
        return NULL;
    return TABLE[i].kind == SHARE ? json_real(*share(all, i)) : json_string(TABLE[i].other);
}

int conventions_json(const struct schedule_conventions *conventions, json_t **object,
                     struct err *err)
{
    struct all all = {.schedule = *conventions};
    json_t *found = NULL;
    int bad = 0, is_there;
    *object = NULL;
    for (size_t i = 0; i < COUNT_OF(TABLE) && !bad; i++) {
        json_t *value = value_json(&all, i, &is_there);
        if (!is_there)
            continue;
        if (found == NULL)
            found = json_object();
        bad = json_object_set_new(found, TABLE[i].key, value) != 0;
    }
    if (bad) {
        json_decref(found);
        return err_set(err, ERR_MEMORY, "out of memory while writing a run's conventions");
    }
    *object = found;
    return 0;
}
