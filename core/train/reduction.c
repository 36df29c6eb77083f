/* The walk is a binary counter.  The leaves before the current sum stand in the slots as the digits
 * of their number: slot k holds 2^k of them when bit k of `first` is set.  A sum joins the slot on
 * its left when they are of one size, or when no leaf is left to make it grow. */
#include "train/reduction.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

int64_t reduction_micros(int64_t rows, int64_t micro)
{
    return (rows + micro - 1) / micro;
}

struct reduction_span reduction_rows(int64_t rows, int64_t micro, int64_t i)
{
    int64_t first = i * micro;
    return (struct reduction_span){first, rows - first < micro ? rows - first : micro};
}

int64_t reduction_groups(int64_t micros, int64_t groups)
{
    return micros < groups ? micros : groups;
}

struct reduction_span reduction_deal(int64_t count, int64_t parts, int64_t g)
{
    int64_t first = g * count / parts;
    return (struct reduction_span){first, (g + 1) * count / parts - first};
}

struct reduction_cut reduction_cut(int64_t rows, int64_t micro, int64_t ghost, int64_t groups)
{
    int64_t rest = rows % ghost, whole = reduction_micros(rows - rest, micro);
    struct reduction_cut cut = {
        .rows = rows, .micro = micro, .rest = rest, .groups = reduction_groups(whole, groups)};
    cut.micros = whole + (rest > 0);
    cut.leaves = cut.groups + (rest > 0);
    return cut;
}

struct reduction_span reduction_micro(const struct reduction_cut *cut, int64_t i)
{
    if (cut->rest > 0 && i == cut->micros - 1)
        return (struct reduction_span){cut->rows - cut->rest, cut->rest};
    return reduction_rows(cut->rows - cut->rest, cut->micro, i);
}

struct reduction_span reduction_leaf(const struct reduction_cut *cut, int64_t leaf)
{
    if (leaf == cut->groups)
        return (struct reduction_span){cut->micros - 1, 1};
    return reduction_deal(cut->micros - (cut->rest > 0), cut->groups, leaf);
}

int64_t reduction_rank(const struct reduction_cut *cut, int64_t leaf, int64_t ranks)
{
    return ((leaf + 1) * ranks - 1) / cut->leaves;
}

struct reduction_span reduction_share(const struct reduction_cut *cut, int64_t rank, int64_t ranks)
{
    struct reduction_span leaves = reduction_deal(cut->leaves, ranks, rank);
    if (leaves.count == 0)
        return (struct reduction_span){0, 0};
    int64_t first = reduction_leaf(cut, leaves.first).first;
    struct reduction_span last = reduction_leaf(cut, leaves.first + leaves.count - 1);
    return (struct reduction_span){first, last.first + last.count - first};
}

struct reduction_walk reduction_walk(int64_t leaves)
{
    return (struct reduction_walk){.leaves = leaves, .first = 0, .last = -1};
}

/* Of a power of two. */
static int log2_of(int64_t power)
{
    int k = 0;
    while (power >> k > 1)
        k++;
    return k;
}

int reduction_next(struct reduction_walk *walk, struct reduction_step *step)
{
    int64_t size = walk->last - walk->first + 1, left = walk->first & -walk->first;
    int ends = walk->last == walk->leaves - 1;
    *step = (struct reduction_step){.first = walk->first, .last = walk->last};
    if (size == 0 && !ends) {
        step->op = REDUCTION_LEAF;
        step->last = walk->last = walk->first;
    } else if (left > 0 && (left == size || ends)) {
        step->op = REDUCTION_JOIN;
        step->slot = log2_of(left);
        walk->first -= left;
    } else if (!ends) {
        step->op = REDUCTION_KEEP;
        step->slot = log2_of(size);
        walk->first = walk->last + 1;
    } else {
        return 0;
    }
    return 1;
}

int reduction_slots(int64_t leaves)
{
    int slots = 0;
    while ((int64_t)1 << slots < leaves)
        slots++;
    return slots;
}

int reduction_init(struct reduction *sum, int64_t count, int64_t leaves, struct err *err)
{
    memset(sum, 0, sizeof *sum);
    sum->count = count;
    sum->slots = reduction_slots(leaves);
    sum->slot = mem_new((size_t)sum->slots, sizeof *sum->slot, err);
    sum->current.values = mem_new((size_t)count + REDUCTION_TAIL, sizeof(float), err);
    int failed = sum->slot == NULL || sum->current.values == NULL;
    for (int k = 0; !failed && k < sum->slots; k++) {
        sum->slot[k].values = mem_new((size_t)count + REDUCTION_TAIL, sizeof(float), err);
        failed = sum->slot[k].values == NULL;
    }
    if (failed) {
        reduction_release(sum);
        return ERR_MEMORY;
    }
    return 0;
}

void reduction_release(struct reduction *sum)
{
    for (int k = 0; sum->slot != NULL && k < sum->slots; k++)
        mem_free(sum->slot[k].values);
    mem_free(sum->slot);
    mem_free(sum->current.values);
    memset(sum, 0, sizeof *sum);
}

void reduction_keep(struct reduction *sum, int slot)
{
    assert(slot < sum->slots);
    struct partial kept = sum->current;
    sum->current = sum->slot[slot];
    sum->slot[slot] = kept;
}

void reduction_join(struct reduction *sum, int slot)
{
    assert(slot < sum->slots);
    const struct partial *left = &sum->slot[slot];
    struct partial *right = &sum->current;
    const float *restrict from = left->values;
    float *restrict to = right->values;
    for (int64_t i = 0; i < sum->count; i++)
        to[i] = from[i] + to[i];
    right->loss = left->loss + right->loss;
    right->correct += left->correct;
    right->rows += left->rows;
}
