#include "train/reduction.h"

#include "base/err.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

int64_t reduction_micros(int64_t batch, int64_t micro)
{
    return (batch + micro - 1) / micro;
}

int64_t reduction_groups(int64_t micros, int64_t groups)
{
    return micros < groups ? micros : groups;
}

struct row_span reduction_deal(int64_t micros, int64_t groups, int64_t g)
{
    int64_t first = g * micros / groups;
    return (struct row_span){first, (g + 1) * micros / groups - first};
}

struct row_span reduction_rows(int64_t batch, int64_t micro, int64_t i)
{
    int64_t first = i * micro;
    return (struct row_span){first, batch - first < micro ? batch - first : micro};
}

int64_t reduction_pieces(int64_t rows, int64_t micro, int64_t ghost)
{
    return reduction_micros(rows - rows % ghost, micro) + (rows % ghost > 0);
}

struct row_span reduction_piece(int64_t rows, int64_t micro, int64_t ghost, int64_t i)
{
    int64_t whole = rows - rows % ghost;
    if (i < reduction_micros(whole, micro))
        return reduction_rows(whole, micro, i);
    return (struct row_span){whole, rows - whole};
}

int reduction_init(struct reduction *sum, int64_t count, int64_t groups, struct err *err)
{
    memset(sum, 0, sizeof *sum);
    sum->count = count;
    while ((int64_t)1 << sum->levels <= groups)
        sum->levels++;
    sum->slot = mem_new((size_t)sum->levels, sizeof *sum->slot, err);
    sum->spare.values = mem_new((size_t)count, sizeof(float), err);
    int failed = sum->slot == NULL || sum->spare.values == NULL;
    for (int k = 0; !failed && k < sum->levels; k++) {
        sum->slot[k].values = mem_new((size_t)count, sizeof(float), err);
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
    for (int k = 0; sum->slot != NULL && k < sum->levels; k++)
        mem_free(sum->slot[k].values);
    mem_free(sum->slot);
    mem_free(sum->spare.values);
    memset(sum, 0, sizeof *sum);
}

void reduction_start(struct reduction *sum)
{
    sum->leaves = 0;
}

/* right += left, elementwise: left stands before right in the batch. */
static void merge(const struct partial *left, struct partial *right, int64_t count)
{
    const float *restrict from = left->values;
    float *restrict to = right->values;
    for (int64_t i = 0; i < count; i++)
        to[i] = from[i] + to[i];
    right->loss = left->loss + right->loss;
    right->correct += left->correct;
    right->rows += left->rows;
}

static void swap(struct partial *a, struct partial *b)
{
    struct partial kept = *a;
    *a = *b;
    *b = kept;
}

int reduction_joins(int64_t leaves)
{
    int slot = 0;
    while (leaves >> slot & 1)
        slot++;
    return slot;
}

void reduction_push(struct reduction *sum)
{
    int k = reduction_joins(sum->leaves);
    for (int j = 0; j < k; j++)
        merge(&sum->slot[j], &sum->spare, sum->count);
    assert(k < sum->levels);
    swap(&sum->slot[k], &sum->spare);
    sum->leaves++;
}

const struct partial *reduction_finish(struct reduction *sum)
{
    struct partial *total = NULL;
    for (int k = 0; k < sum->levels; k++) {
        if (!(sum->leaves >> k & 1))
            continue;
        if (total != NULL)
            merge(&sum->slot[k], total, sum->count);
        else
            total = &sum->slot[k];
    }
    assert(total != NULL);
    return total;
}
