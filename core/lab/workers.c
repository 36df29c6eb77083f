#include "lab/workers.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"
#include "train/reduction.h"

#include <math.h>
#include <string.h>

/* ---- What the user says ---- */

struct unit {
    const char *name;
    double size;
};

static const struct unit rates[] = {
    {"GB/s", 1e9}, {"MB/s", 1e6}, {"kB/s", 1e3}, {"Gbit/s", 1.25e8}, {"Mbit/s", 1.25e5}};
static const struct unit times[] = {{"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};

/* A number with one of the units behind it, up to `end`; 1: it is one. */
static int take(const char *text, const char *end, const struct unit *units, size_t count,
                double *value)
{
    const char *at;
    double number;
    if (!number_real(text, &number, &at) || at >= end)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == (size_t)(end - at) &&
            memcmp(units[i].name, at, (size_t)(end - at)) == 0) {
            *value = number * units[i].size;
            return 1;
        }
    return 0;
}

int workers_link_parse(const char *text, struct workers_link *link, struct err *err)
{
    struct workers_link read = {0};
    const char *comma = strchr(text, ',');
    if (comma == NULL ||
        !take(text, comma, rates, sizeof rates / sizeof rates[0], &read.bandwidth) ||
        !take(comma + 1, text + strlen(text), times, sizeof times / sizeof times[0],
              &read.latency) ||
        !(read.bandwidth > 0 && read.latency >= 0))
        return err_set(err, ERR_USAGE,
                       "--link: '%s' is no bandwidth (GB/s, MB/s, kB/s, Gbit/s, Mbit/s) above 0 "
                       "and latency (s, ms, us, ns), such as 25GB/s,2us",
                       text);
    *link = read;
    return 0;
}

int workers_list_parse(const char *text, int *list, size_t *count, struct err *err)
{
    int64_t before = 0, value;
    size_t found = 0;
    for (const char *at = text, *end;; at = end + 1) {
        if (!number_whole(at, &value, &end) || (*end != ',' && *end != '\0') || value <= before ||
            value > WORKERS_MAX || found == WORKERS_LIST_MAX)
            return err_set(err, ERR_USAGE,
                           "--workers: '%s' is no list of up to %d rising numbers from 1 to %d, "
                           "such as 1,8,64",
                           text, WORKERS_LIST_MAX, WORKERS_MAX);
        list[found++] = (int)value;
        before = value;
        if (*end == '\0')
            break;
    }
    *count = found;
    return 0;
}

/* ---- The model ---- */

int64_t workers_useful(const struct workers_model *model, const struct schedule *schedule,
                       int64_t batch)
{
    int64_t groups = model->groups == 0 ? batch : model->groups;
    return reduction_cut(batch, model->micro, schedule->ghost, groups).leaves;
}

static int64_t leaf_rows(const struct reduction_cut *cut, int64_t leaf)
{
    struct reduction_span micros = reduction_leaf(cut, leaf);
    int64_t rows = 0;
    for (int64_t i = 0; i < micros.count; i++)
        rows += reduction_micro(cut, micros.first + i).count;
    return rows;
}

static double message_seconds(const struct workers_model *model)
{
    return model->link.latency + (double)model->message / model->link.bandwidth;
}

/* ceil(log2(count)) */
static int rounds(int count)
{
    int result = 0;
    while (count > 1 << result)
        result++;
    return result;
}

/* As train/trainer_ranks.c has it: a rank computes its leaves before it waits, and both sides of a
 * message are busy until it is over. */
double workers_update(const struct workers_model *model, const struct schedule *schedule,
                      int64_t rows, int workers, double *clock, double *compute)
{
    struct reduction_cut cut = reduction_cut(rows, model->micro, schedule->ghost,
                                             model->groups == 0 ? workers : model->groups);
    struct reduction_walk walk = reduction_walk(cut.leaves);
    struct reduction_step step;
    double message = message_seconds(model), longest = 0.0;
    memset(clock, 0, (size_t)workers * sizeof *clock);
    for (int64_t leaf = 0; leaf < cut.leaves; leaf++) {
        double *own = &clock[reduction_rank(&cut, leaf, workers)];
        *own += (double)leaf_rows(&cut, leaf) / model->speed;
        longest = fmax(longest, *own);
    }
    while (reduction_next(&walk, &step)) {
        if (step.op != REDUCTION_JOIN)
            continue;
        double *left = &clock[reduction_rank(&cut, step.first - 1, workers)];
        double *right = &clock[reduction_rank(&cut, step.last, workers)];
        if (left != right)
            *left = *right = fmax(*left, *right) + message;
    }
    *compute = longest;
    return clock[workers - 1] + rounds(workers) * message;
}

static double evaluation(const struct workers_model *model, int workers)
{
    int64_t micros = model->test_micros, most = (micros + workers - 1) / workers;
    return micros == 0 ? 0.0 : model->evaluation * (double)most / (double)micros;
}

int workers_run(const struct workers_model *model, const struct schedule *schedule, int workers,
                struct workers_time *out, struct err *err)
{
    struct workers_time time = {0};
    double *clock = mem_new((size_t)workers, sizeof *clock, err);
    if (clock == NULL)
        return ERR_MEMORY;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        double whole_compute, last_compute;
        double whole = workers_update(model, schedule, phase->batch, workers, clock,
                                      &whole_compute);
        double last = workers_update(model, schedule, phase->last_rows, workers, clock,
                                     &last_compute);
        double before = (double)(phase->updates_per_epoch - 1), epochs = phase->epochs;
        time.seconds += epochs * (before * whole + last + evaluation(model, workers) + model->rest);
        time.messages += epochs * (before * (whole - whole_compute) + last - last_compute);
    }
    mem_free(clock);
    *out = time;
    return 0;
}
