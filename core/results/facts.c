#include "results/facts.h"

#include "backend/backend.h"
#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

int64_t facts_train_n(const struct facts *facts)
{
    return facts->experiment->train_n / facts->profile->divide;
}

const char *facts_label(const struct facts_backend *backend, char text[FACTS_LABEL])
{
    int plain = backend->precision == REPRO_PRECISION_F32;
    snprintf(text, FACTS_LABEL, "%s%s%s%s", backend->name, plain ? "" : "-",
             plain ? "" : precision_name(backend->precision), backend->tuned ? "-tuned" : "");
    return text;
}

char *facts_stem(const struct facts *facts, const char *apart, struct err *err)
{
    const char *name = facts->experiment->name, *profile = facts->profile->name;
    char label[FACTS_LABEL], threads[16] = "";
    const char *own = facts->experiment->apart;
    if (facts->experiment->schedules_only)
        return mem_format(err, "%s-%s%s", name, profile, own);
    if (!facts->backend.any_threads && facts->backend.threads != 1)
        snprintf(threads, sizeof threads, "-t%d", facts->backend.threads);
    apart = apart == NULL ? "" : apart;
    return mem_format(err, "%s-%s-%s-%s%s%s%s%s", name, profile, facts->data.name,
                      facts_label(&facts->backend, label), threads, own,
                      apart[0] == '\0' ? "" : "-", apart);
}

/* Copies a text of the manifest; an absent one is empty. */
static void take_text(const json_t *object, const char *key, char *text, size_t size)
{
    const char *found = json_string_value(json_object_get(object, key));
    snprintf(text, size, "%s", found == NULL ? "" : found);
}

int facts_read(struct facts *facts, const json_t *manifest, struct err *err)
{
    const json_t *identity = json_object_get(manifest, "identity");
    const json_t *data = json_object_get(identity, "data");
    const json_t *backend = json_object_get(identity, "backend");
    const json_t *sessions = json_object_get(manifest, "sessions");
    const json_t *last = json_array_get(sessions, json_array_size(sessions) - 1);
    const json_t *host = json_object_get(last, "host"), *threads;
    json_int_t ghost = json_integer_value(json_object_get(identity, "ghost"));
    json_int_t micro = json_integer_value(json_object_get(identity, "micro"));
    struct facts_data *d = &facts->data;
    struct facts_backend *b = &facts->backend;
    char precision[16];
    take_text(data, "name", d->name, sizeof d->name);
    take_text(data, "name", d->title, sizeof d->title);
    d->own_files = (int)json_integer_value(json_object_get(manifest, "own_files"));
    take_text(data, "augment", d->augment, sizeof d->augment);
    take_text(data, "xxh3", d->digest, sizeof d->digest);
    take_text(backend, "name", b->name, sizeof b->name);
    take_text(backend, "version", b->version, sizeof b->version);
    take_text(backend, "algorithms", b->algorithms, sizeof b->algorithms);
    take_text(backend, "precision", precision, sizeof precision);
    take_text(host, "device", b->device, sizeof b->device);
    take_text(host, "library", b->library, sizeof b->library);
    b->precision = precision_find(precision);
    b->tuned = json_is_true(json_object_get(last, "tuned"));
    threads = json_object_get(backend, "threads");
    b->any_threads = threads == NULL;
    b->threads = (int)json_integer_value(threads != NULL ? threads
                                                         : json_object_get(host, "threads"));
    if (d->name[0] == '\0' || b->name[0] == '\0' || b->precision == 0 || ghost < 1 || micro < 1)
        return err_set(err, ERR_INPUT, "no data set, backend, precision or micro in its identity");
    facts->micro_ghosts = micro / ghost;
    return 0;
}

int facts_same(const struct facts *a, const struct facts *b)
{
    const struct facts_backend *x = &a->backend, *y = &b->backend;
    return strcmp(a->data.name, b->data.name) == 0 && strcmp(a->data.digest, b->data.digest) == 0 &&
           strcmp(a->data.augment, b->data.augment) == 0 && strcmp(x->name, y->name) == 0 &&
           strcmp(x->version, y->version) == 0 && strcmp(x->algorithms, y->algorithms) == 0 &&
           x->precision == y->precision && x->any_threads == y->any_threads &&
           (x->any_threads || x->threads == y->threads) && x->tuned == y->tuned &&
           a->micro_ghosts == b->micro_ghosts;
}
