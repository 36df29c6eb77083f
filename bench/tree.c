/* usage: mpirun -n R bench/tree [FLOATS...]
 * What the fixed tree costs: the sum of R partials of so many floats, told to all, as an update of
 * training makes it, against MPI_Allreduce, which may add in any order.  In turns, the median of
 * five turns of at least a quarter of a second each.  A line a size: floats, both times in
 * microseconds, their ratio, and what link that is to `repro plan --link`: the tree's time without
 * latency, a message. */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "train/ranks.h"
#include "train/reduction.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 5
#define TURN_SECONDS 0.25
#define LIMIT 300.0
#define EMPTY_FLOATS 1

struct contest {
    struct ranks *ranks;
    struct reduction sum;
    float *own; /* [sum.count] */
};

static int tree(struct contest *contest, struct err *err)
{
    struct ranks *ranks = contest->ranks;
    struct reduction *sum = &contest->sum;
    int64_t count = ranks->count, size = sum->count * (int64_t)sizeof(float);
    struct reduction_cut cut = reduction_cut(count, 1, 1, count);
    struct reduction_walk walk = reduction_walk(cut.leaves);
    struct reduction_step step;
    int code = 0;
    while (code == 0 && reduction_next(&walk, &step)) {
        int right = (int)reduction_rank(&cut, step.last, count);
        if (step.op == REDUCTION_LEAF && right == ranks->rank)
            memcpy(sum->current.values, contest->own, (size_t)size);
        else if (step.op == REDUCTION_KEEP && right == ranks->rank)
            reduction_keep(sum, step.slot);
        if (step.op != REDUCTION_JOIN)
            continue;
        int left = (int)reduction_rank(&cut, step.first - 1, count);
        if (left == ranks->rank)
            code = ranks_send(ranks, right, sum->slot[step.slot].values, size, err);
        if (right != ranks->rank)
            continue;
        code = ranks_receive(ranks, left, sum->slot[step.slot].values, size, err);
        if (code == 0)
            reduction_join(sum, step.slot);
    }
    return code == 0 ? ranks_tell(ranks, ranks->count - 1, sum->current.values, size, err) : code;
}

static int library(struct contest *contest, struct err *err)
{
    memcpy(contest->sum.current.values, contest->own, (size_t)contest->sum.count * sizeof(float));
    if (MPI_Allreduce(MPI_IN_PLACE, contest->sum.current.values, (int)contest->sum.count, MPI_FLOAT,
                      MPI_SUM, MPI_COMM_WORLD) != MPI_SUCCESS)
        return err_set(err, ERR_RANK, "MPI_Allreduce failed");
    return 0;
}

/* Seconds a call, by the slowest rank's clock; rank 0 says how many calls make a turn. */
static int turn(struct contest *contest, int (*way)(struct contest *contest, struct err *err),
                double *seconds, struct err *err)
{
    int calls = 1, code = 0;
    for (;;) {
        MPI_Barrier(MPI_COMM_WORLD);
        double begun = clock_seconds();
        for (int i = 0; code == 0 && i < calls; i++)
            code = way(contest, err);
        MPI_Barrier(MPI_COMM_WORLD);
        double took = clock_seconds() - begun;
        if (code == 0)
            code = ranks_tell(contest->ranks, 0, &took, sizeof took, err);
        if (code != 0 || took >= TURN_SECONDS) {
            *seconds = took / calls;
            return code;
        }
        calls = took < TURN_SECONDS / 16 ? calls * 8 : calls * 2;
    }
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int measure(struct ranks *ranks, int64_t count, double median[2], struct err *err)
{
    struct contest contest = {.ranks = ranks};
    double seconds[2][TURNS];
    int code = reduction_init(&contest.sum, count, ranks->count, err);
    contest.own = mem_new((size_t)count, sizeof *contest.own, err);
    if (contest.own == NULL)
        code = ERR_MEMORY;
    for (int64_t i = 0; code == 0 && i < count; i++)
        contest.own[i] = (float)(i % 1000) / 1000.0f;
    for (int k = 0; code == 0 && k < TURNS; k++) {
        code = turn(&contest, tree, &seconds[0][k], err);
        if (code == 0)
            code = turn(&contest, library, &seconds[1][k], err);
    }
    for (int w = 0; code == 0 && w < 2; w++) {
        qsort(seconds[w], TURNS, sizeof seconds[w][0], rising);
        median[w] = seconds[w][TURNS / 2];
    }
    reduction_release(&contest.sum);
    mem_free(contest.own);
    return code;
}

/* Messages one behind the other in a sum that is told: up the tree and down. */
static int depth(int ranks)
{
    return 2 * reduction_slots(ranks);
}

static int report(struct ranks *ranks, int64_t count, double empty, struct err *err)
{
    double median[2];
    int code = measure(ranks, count, median, err);
    if (code == 0 && ranks->rank == 0)
        printf("%12lld %12.1f %12.1f %8.3f %15.3g GB/s\n", (long long)count, 1e6 * median[0],
               1e6 * median[1], median[0] / median[1],
               1e-9 * (double)count * sizeof(float) * depth(ranks->count) / (median[0] - empty));
    fflush(stdout);
    return code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct ranks ranks;
    struct ranks_launch launch = ranks_launch();
    const struct ranks_link *link = ranks_load(&err);
    double empty[2];
    if (link == NULL || launch.count < 2) {
        fprintf(stderr, "%s\n", link == NULL ? err.text : "bench/tree: start it by mpirun -n 2");
        return 77;
    }
    int code = ranks_open(&ranks, link, &launch, LIMIT, &err);
    if (code == 0)
        code = measure(&ranks, EMPTY_FLOATS, empty, &err);
    if (code == 0 && ranks.rank == 0)
        printf("%d ranks, %s, latency %.3g us\n%12s %12s %12s %8s %20s\n", ranks.count,
               link->library, 1e6 * empty[0] / depth(ranks.count), "floats", "tree us",
               "allreduce us", "ratio", "link");
    for (int i = 1; code == 0 && i < argc; i++)
        code = report(&ranks, strtoll(argv[i], NULL, 10), empty[0], &err);
    if (code != 0) {
        fprintf(stderr, "bench/tree: %s\n", err.text);
        ranks_abort(&ranks, 1);
        return 1;
    }
    ranks_close(&ranks);
    return 0;
}
