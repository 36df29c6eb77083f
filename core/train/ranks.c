/* Everything among more than two ranks is made of messages between two, in an order that all of
 * them know. */
#include "train/ranks.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define FACT_NAME 80

int ranks_are_several(const struct ranks *ranks)
{
    return ranks != NULL && ranks->count > 1;
}

int ranks_is_first(const struct ranks *ranks)
{
    return ranks == NULL || ranks->rank == 0;
}

static int failed(struct ranks *ranks, const struct ranks_failure *failure, struct err *err)
{
    ranks->in_step = 0;
    ranks->lost = failure->rank;
    if (failure->rank < 0)
        return err_set(err, ERR_RANK, "rank %d of %d: %s", ranks->rank, ranks->count,
                       failure->text);
    return err_set(err, ERR_RANK, "rank %d of %d, on %s, is lost: %s", (int)failure->rank,
                   ranks->count, ranks->host == NULL ? "?" : ranks->host[failure->rank],
                   failure->text);
}

int ranks_send(struct ranks *ranks, int to, const void *bytes, int64_t size, struct err *err)
{
    struct ranks_failure failure = {.rank = -1};
    if (ranks->link->send(ranks->job, to, bytes, size, &failure) != 0)
        return failed(ranks, &failure, err);
    ranks->sent.messages++;
    ranks->sent.bytes += size;
    return 0;
}

int ranks_receive(struct ranks *ranks, int from, void *bytes, int64_t size, struct err *err)
{
    struct ranks_failure failure = {.rank = -1};
    if (ranks->link->receive(ranks->job, from, bytes, size, &failure) != 0)
        return failed(ranks, &failure, err);
    return 0;
}

/* A binomial tree over the distances from root: what has a distance below 2^k sends to 2^k more. */
int ranks_tell(struct ranks *ranks, int root, void *bytes, int64_t size, struct err *err)
{
    if (!ranks_are_several(ranks))
        return 0;
    int count = ranks->count, distance = (ranks->rank - root + count) % count, code = 0, reach = 1;
    if (distance > 0) {
        while (reach * 2 <= distance)
            reach *= 2;
        code = ranks_receive(ranks, (ranks->rank - reach + count) % count, bytes, size, err);
        reach *= 2;
    }
    for (; code == 0 && distance + reach < count; reach *= 2)
        code = ranks_send(ranks, (ranks->rank + reach) % count, bytes, size, err);
    return code;
}

/* The first failure by rank, on rank 0. */
static int collect(struct ranks *ranks, int code, struct err *verdict, struct err *err)
{
    for (int from = 1; from < ranks->count; from++) {
        struct err theirs;
        int lost = ranks_receive(ranks, from, &theirs, sizeof theirs, err);
        if (lost != 0)
            return lost;
        if (code == 0 && theirs.code != 0) {
            code = theirs.code;
            *verdict = theirs;
            verdict->text[sizeof verdict->text - 1] = '\0';
            err_prefix(verdict, "rank %d, on %s", from, ranks->host[from]);
        }
    }
    return 0;
}

int ranks_agree(struct ranks *ranks, int code, struct err *err)
{
    if (!ranks_are_several(ranks))
        return code;
    struct err verdict = {0};
    if (code != 0)
        verdict = *err;
    verdict.code = code;
    int lost = ranks->rank == 0 ? collect(ranks, code, &verdict, err)
                                : ranks_send(ranks, 0, &verdict, sizeof verdict, err);
    if (lost == 0)
        lost = ranks_tell(ranks, 0, &verdict, sizeof verdict, err);
    if (lost != 0)
        return lost;
    if (verdict.code != 0)
        *err = verdict;
    ranks->in_step = verdict.code != 0;
    return verdict.code;
}

/* The first line in which two lists of facts differ; *a and *b are set to where it begins. */
static int first_difference(const char **a, const char **b)
{
    while (**a != '\0' || **b != '\0') {
        size_t here = strcspn(*a, "\n"), there = strcspn(*b, "\n");
        if (here != there || memcmp(*a, *b, here) != 0)
            return 1;
        *a += here + ((*a)[here] == '\n');
        *b += there + ((*b)[there] == '\n');
    }
    return 0;
}

static int compare(const struct ranks *ranks, const char *mine, const char *first, struct err *err)
{
    if (!first_difference(&mine, &first))
        return 0;
    const char *longer = *mine == '\0' ? first : mine;
    int name = (int)strcspn(longer, "\t\n"), mine_name = (int)strcspn(mine, "\t\n"),
        first_name = (int)strcspn(first, "\t\n");
    mine += mine_name + (mine[mine_name] == '\t');
    first += first_name + (first[first_name] == '\t');
    return err_set(err, ERR_INPUT,
                   "its %.*s is '%.*s' where that of rank 0, on %s, is '%.*s'; every rank needs "
                   "the same program, libraries, data, experiments and options, on machines of "
                   "one kind",
                   name < FACT_NAME ? name : FACT_NAME, longer, (int)strcspn(mine, "\n"), mine,
                   ranks->host[0], (int)strcspn(first, "\n"), first);
}

int ranks_same(struct ranks *ranks, const char *facts, struct err *err)
{
    if (!ranks_are_several(ranks))
        return 0;
    int64_t size = (int64_t)strlen(facts) + 1;
    int code = ranks_tell(ranks, 0, &size, sizeof size, err);
    if (code != 0)
        return code;
    char *first = mem_new((size_t)size, 1, err);
    code = ranks_agree(ranks, first == NULL ? ERR_MEMORY : 0, err);
    if (code == 0 && ranks->rank == 0)
        memcpy(first, facts, (size_t)size);
    if (code == 0)
        code = ranks_tell(ranks, 0, first, size, err);
    if (code == 0)
        code = ranks_agree(ranks, compare(ranks, facts, first, err), err);
    mem_free(first);
    return code;
}

int ranks_tick(struct ranks *ranks)
{
    return ranks_are_several(ranks) && ranks->link->tick(ranks->job);
}

void ranks_hurry(struct ranks *ranks)
{
    if (!ranks_are_several(ranks))
        return;
    ranks->hurries = 1;
    ranks->link->hurry(ranks->job);
}

int ranks_stop(struct ranks *ranks, struct err *err)
{
    struct ranks_failure failure = {.rank = -1};
    if (ranks->link->note(ranks->job, ranks->count - 1, &failure) != 0)
        return failed(ranks, &failure, err);
    return 0;
}
