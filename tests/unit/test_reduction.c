/* The cut and the deal cover everything in order; the walk is the tree it claims to be, step for
 * step and bit for bit, for one reader or for ranks that share it. */
#include "train/reduction.h"

#include "base/err.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES 70
#define FLOATS 33
#define SLOTS 7 /* of LEAVES leaves */

static void micros_are_counted(void **state)
{
    (void)state;
    assert_int_equal(reduction_micros(128, 128), 1);
    assert_int_equal(reduction_micros(129, 128), 2);
    assert_int_equal(reduction_micros(1, 128), 1);
    assert_int_equal(reduction_micros(65536, 128), 512);
    assert_int_equal(reduction_micros(127, 128), 1);
    assert_int_equal(reduction_micros(0, 128), 0);
    assert_int_equal(reduction_micros(INT64_C(1) << 40, 1), INT64_C(1) << 40);
    assert_int_equal(reduction_groups(3, 8), 3);
    assert_int_equal(reduction_groups(8, 8), 8);
    assert_int_equal(reduction_groups(512, 8), 8);
    assert_int_equal(reduction_groups(0, 8), 0);
    assert_int_equal(reduction_groups(1, 1), 1);
}

/* In order, without gap or overlap, sizes at most one apart, nobody idle. */
static void every_deal_is_even(void **state)
{
    (void)state;
    for (int64_t micros = 1; micros <= 130; micros++) {
        for (int64_t wanted = 1; wanted <= 70; wanted++) {
            int64_t groups = reduction_groups(micros, wanted), next = 0;
            assert_true(groups >= 1 && groups <= wanted && groups <= micros);
            for (int64_t g = 0; g < groups; g++) {
                struct reduction_span span = reduction_deal(micros, groups, g);
                assert_int_equal(span.first, next);
                assert_int_equal(span.first, g * micros / groups);
                assert_in_range(span.count, micros / groups, (micros + groups - 1) / groups);
                next += span.count;
            }
            assert_int_equal(next, micros);
        }
    }
}

static void rows_cover_the_batch(void **state)
{
    (void)state;
    for (int64_t batch = 1; batch <= 100; batch++) {
        for (int64_t micro = 1; micro <= 40; micro++) {
            int64_t micros = reduction_micros(batch, micro), next = 0;
            for (int64_t i = 0; i < micros; i++) {
                struct reduction_span span = reduction_rows(batch, micro, i);
                assert_int_equal(span.first, next);
                if (i < micros - 1)
                    assert_int_equal(span.count, micro);
                assert_in_range(span.count, 1, micro);
                next += span.count;
            }
            assert_int_equal(next, batch);
        }
    }
}

/* More parts than things, and shares of shares. */
static void a_deal_may_leave_parts_idle(void **state)
{
    (void)state;
    for (int64_t count = 0; count <= 20; count++) {
        for (int64_t parts = 1; parts <= 30; parts++) {
            int64_t next = 0, busy = 0;
            for (int64_t g = 0; g < parts; g++) {
                struct reduction_span span = reduction_deal(count, parts, g);
                assert_in_range(span.count, count / parts, (count + parts - 1) / parts);
                if (span.count > 0)
                    assert_int_equal(span.first, next);
                next += span.count;
                busy += span.count > 0;
            }
            assert_int_equal(next, count);
            assert_int_equal(busy, count < parts ? count : parts);
        }
    }
}

/* ---- The cut ---- */

/* Rows by micros, micros by leaves, leaves by ranks: each in order, without gap or overlap. */
static void check_cut(int64_t rows, int64_t micro, int64_t ghost, int64_t groups)
{
    struct reduction_cut cut = reduction_cut(rows, micro, ghost, groups);
    int64_t next = 0;
    assert_int_equal(cut.rest, rows % ghost);
    assert_int_equal(cut.leaves, cut.groups + (cut.rest > 0));
    assert_true(cut.leaves >= 1 && cut.groups <= groups);
    for (int64_t i = 0; i < cut.micros; i++) {
        struct reduction_span span = reduction_micro(&cut, i);
        int last = i == cut.micros - 1;
        assert_int_equal(span.first, next);
        assert_in_range(span.count, 1, micro);
        if (cut.rest > 0 && last)
            assert_int_equal(span.count, cut.rest);
        else
            assert_int_equal(span.count % ghost, 0);
        next += span.count;
    }
    assert_int_equal(next, rows);
    next = 0;
    for (int64_t leaf = 0; leaf < cut.leaves; leaf++) {
        struct reduction_span span = reduction_leaf(&cut, leaf);
        assert_int_equal(span.first, next);
        assert_true(span.count >= 1);
        if (cut.rest > 0 && leaf == cut.leaves - 1)
            assert_int_equal(span.count, 1);
        next += span.count;
    }
    assert_int_equal(next, cut.micros);
    for (int64_t ranks = 1; ranks <= 10; ranks++) {
        next = 0;
        for (int64_t rank = 0; rank < ranks; rank++) {
            struct reduction_span span = reduction_share(&cut, rank, ranks);
            if (span.count > 0)
                assert_int_equal(span.first, next);
            next += span.count;
        }
        assert_int_equal(next, cut.micros);
        for (int64_t leaf = 0; leaf < cut.leaves; leaf++) { /* whole leaves, and whose */
            int64_t rank = reduction_rank(&cut, leaf, ranks);
            struct reduction_span share = reduction_share(&cut, rank, ranks),
                                  span = reduction_leaf(&cut, leaf);
            assert_in_range(rank, 0, ranks - 1);
            assert_true(span.first >= share.first &&
                        span.first + span.count <= share.first + share.count);
        }
    }
}

static void every_cut_covers_the_update(void **state)
{
    (void)state;
    for (int64_t rows = 1; rows <= 90; rows++)
        for (int64_t ghost = 1; ghost <= 9; ghost++)
            for (int64_t ghosts = 1; ghosts <= 3; ghosts++)
                for (int64_t groups = 1; groups <= 9; groups += 2)
                    check_cut(rows, ghosts * ghost, ghost, groups);
}

static void a_rest_is_a_leaf_of_its_own(void **state)
{
    (void)state;
    struct reduction_cut cut = reduction_cut(70, 16, 8, 3);
    assert_int_equal(cut.rest, 6);
    assert_int_equal(cut.groups, 3);
    assert_int_equal(cut.micros, 5);
    assert_int_equal(cut.leaves, 4);
    assert_int_equal(reduction_micro(&cut, 3).first, 48);
    assert_int_equal(reduction_micro(&cut, 3).count, 16);
    assert_int_equal(reduction_micro(&cut, 4).first, 64);
    assert_int_equal(reduction_micro(&cut, 4).count, 6);
    assert_int_equal(reduction_leaf(&cut, 2).first, 2);
    assert_int_equal(reduction_leaf(&cut, 2).count, 2);
    assert_int_equal(reduction_leaf(&cut, 3).first, 4);
    assert_int_equal(reduction_share(&cut, 0, 2).count, 2);
    assert_int_equal(reduction_share(&cut, 1, 2).first, 2);
    assert_int_equal(reduction_share(&cut, 1, 2).count, 3);
    cut = reduction_cut(5, 16, 8, 3); /* nothing but a rest */
    assert_int_equal(cut.groups, 0);
    assert_int_equal(cut.micros, 1);
    assert_int_equal(cut.leaves, 1);
    assert_int_equal(reduction_micro(&cut, 0).count, 5);
    assert_int_equal(reduction_leaf(&cut, 0).count, 1);
    cut = reduction_cut(48, 16, 8, 3); /* none */
    assert_int_equal(cut.rest, 0);
    assert_int_equal(cut.leaves, 3);
}

/* ---- Sums ---- */

/* Values of very different sizes, so that another order gives other bits. */
struct leaf {
    float values[FLOATS];
    double loss;
    int64_t correct, rows;
};

static void random_leaf(struct leaf *leaf, int64_t index)
{
    double normal[2];
    for (uint32_t i = 0; i < FLOATS; i++) {
        struct random_words words = random_at(7, RANDOM_SYNTHETIC, 0, (uint64_t)index, i);
        random_normal(words.word[0], words.word[1], normal);
        leaf->values[i] = (float)(normal[0] * (double)(1u << words.word[2] % 12));
    }
    leaf->loss = normal[1] * 1e3 + 1.0 / 3.0;
    leaf->correct = index * 3 + 1;
    leaf->rows = index + 16;
}

/* The tree by its definition: split at the largest power of two below n. */
static struct leaf tree(const struct leaf *leaves, int64_t n)
{
    if (n == 1)
        return leaves[0];
    int64_t split = 1;
    while (split * 2 < n)
        split *= 2;
    struct leaf left = tree(leaves, split), right = tree(leaves + split, n - split);
    for (int i = 0; i < FLOATS; i++)
        left.values[i] = left.values[i] + right.values[i];
    left.loss = left.loss + right.loss;
    left.correct += right.correct;
    left.rows += right.rows;
    return left;
}

static void put(struct partial *partial, const struct leaf *leaf)
{
    memcpy(partial->values, leaf->values, sizeof leaf->values);
    partial->loss = leaf->loss;
    partial->correct = leaf->correct;
    partial->rows = leaf->rows;
}

static void same(const struct partial *total, const struct leaf *wanted)
{
    assert_memory_equal(total->values, wanted->values, sizeof wanted->values);
    assert_memory_equal(&total->loss, &wanted->loss, sizeof wanted->loss);
    assert_int_equal(total->correct, wanted->correct);
    assert_int_equal(total->rows, wanted->rows);
}

/* The host's reader. */
static const struct partial *sum_of(struct reduction *sum, const struct leaf *leaves, int64_t n)
{
    struct reduction_walk walk = reduction_walk(n);
    struct reduction_step step;
    while (reduction_next(&walk, &step)) {
        if (step.op == REDUCTION_LEAF)
            put(&sum->current, &leaves[step.first]);
        else if (step.op == REDUCTION_KEEP)
            reduction_keep(sum, step.slot);
        else
            reduction_join(sum, step.slot);
    }
    return &sum->current;
}

/* ---- The walk ---- */

static const struct leaf *random_leaves(void)
{
    static struct leaf leaves[LEAVES];
    for (int64_t i = 0; i < LEAVES; i++)
        random_leaf(&leaves[i], i);
    return leaves;
}

static void few_steps_are_pinned(void **state)
{
    (void)state;
    enum { LEAF = REDUCTION_LEAF, KEEP = REDUCTION_KEEP, JOIN = REDUCTION_JOIN };
    static const struct {
        int64_t n;
        int count;
        struct reduction_step steps[16];
    } wanted[] = {
        {0, 0, {{0, 0, 0, 0}}},
        {1, 1, {{LEAF, 0, 0, 0}}},
        {2, 4, {{LEAF, 0, 0, 0}, {KEEP, 0, 0, 0}, {LEAF, 0, 1, 1}, {JOIN, 0, 1, 1}}},
        {3,
         7,
         {{LEAF, 0, 0, 0},
          {KEEP, 0, 0, 0},
          {LEAF, 0, 1, 1},
          {JOIN, 0, 1, 1},
          {KEEP, 1, 0, 1},
          {LEAF, 0, 2, 2},
          {JOIN, 1, 2, 2}}},
        {6,
         16,
         {{LEAF, 0, 0, 0},
          {KEEP, 0, 0, 0},
          {LEAF, 0, 1, 1},
          {JOIN, 0, 1, 1},
          {KEEP, 1, 0, 1},
          {LEAF, 0, 2, 2},
          {KEEP, 0, 2, 2},
          {LEAF, 0, 3, 3},
          {JOIN, 0, 3, 3},
          {JOIN, 1, 2, 3},
          {KEEP, 2, 0, 3},
          {LEAF, 0, 4, 4},
          {KEEP, 0, 4, 4},
          {LEAF, 0, 5, 5},
          {JOIN, 0, 5, 5},
          {JOIN, 2, 4, 5}}},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct reduction_walk walk = reduction_walk(wanted[i].n);
        struct reduction_step step;
        int count = 0;
        for (; reduction_next(&walk, &step); count++) {
            const struct reduction_step *one = &wanted[i].steps[count];
            assert_true(count < wanted[i].count);
            assert_int_equal(step.op, one->op);
            assert_int_equal(step.slot, one->slot);
            assert_int_equal(step.first, one->first);
            assert_int_equal(step.last, one->last);
        }
        assert_int_equal(count, wanted[i].count);
        assert_false(reduction_next(&walk, &step)); /* and stays at its end */
    }
}

/* Leaves first..last as one sum; first > last: none. */
struct range {
    int64_t first, last;
};

/* A node of the tree is the join of its two halves: split at the largest power of two below n. */
static int is_split(struct range left, struct range right)
{
    int64_t n = right.last - left.first + 1, split = 1;
    while (split * 2 < n)
        split *= 2;
    return left.first + split == right.first && left.last == right.first - 1;
}

/* Every step by the definition: leaves in order, each once; a slot is filled when it is free and
 * emptied when it is full; what is joined are the two sides of a node; steps say what they join. */
static void walk_is_the_tree(void **state)
{
    (void)state;
    static const struct range none = {0, -1};
    for (int64_t n = 1; n <= LEAVES; n++) {
        struct range slot[SLOTS], current = none;
        struct reduction_walk walk = reduction_walk(n);
        struct reduction_step step;
        int64_t leaves = 0, joins = 0;
        int used = 0;
        for (int k = 0; k < SLOTS; k++)
            slot[k] = none;
        while (reduction_next(&walk, &step)) {
            assert_in_range(step.slot, 0, SLOTS - 1);
            if (step.op == REDUCTION_LEAF) {
                assert_true(current.first > current.last);
                assert_int_equal(step.first, leaves++);
                current = (struct range){step.first, step.first};
            }
            assert_true(current.first <= current.last);
            assert_int_equal(step.first, current.first);
            assert_int_equal(step.last, current.last);
            if (step.op == REDUCTION_KEEP) {
                assert_true(slot[step.slot].first > slot[step.slot].last);
                slot[step.slot] = current;
                current = none;
                used = step.slot + 1 > used ? step.slot + 1 : used;
            } else if (step.op == REDUCTION_JOIN) {
                assert_true(slot[step.slot].first <= slot[step.slot].last);
                assert_int_equal(slot[step.slot].last, step.first - 1);
                assert_true(is_split(slot[step.slot], current));
                current.first = slot[step.slot].first;
                slot[step.slot] = none;
                joins++;
            }
        }
        assert_int_equal(leaves, n);
        assert_int_equal(joins, n - 1);
        assert_int_equal(current.first, 0);
        assert_int_equal(current.last, n - 1);
        assert_int_equal(used, reduction_slots(n));
        for (int k = 0; k < SLOTS; k++)
            assert_true(slot[k].first > slot[k].last);
    }
}

static void slots_are_counted(void **state)
{
    (void)state;
    static const int wanted[] = {0, 0, 1, 2, 2, 3, 3, 3, 3, 4};
    for (int64_t n = 0; n < 10; n++)
        assert_int_equal(reduction_slots(n), wanted[n]);
    assert_int_equal(reduction_slots(LEAVES), SLOTS);
    assert_int_equal(reduction_slots(512), 9);
    assert_int_equal(reduction_slots(513), 10);
}

/* ---- Readers ---- */

static void host_is_the_tree(void **state)
{
    (void)state;
    struct err err = {0};
    const struct leaf *leaves = random_leaves();
    for (int64_t n = 1; n <= LEAVES; n++) {
        struct reduction sum;
        struct leaf wanted = tree(leaves, n);
        /* no more room than n leaves need */
        assert_int_equal(reduction_init(&sum, FLOATS, n, &err), 0);
        for (int again = 0; again < 2; again++)
            same(sum_of(&sum, leaves, n), &wanted);
        reduction_release(&sum);
    }
}

/* As a device does it: sums of its own, slots that are copies, the slot's on the left. */
static void device_is_the_host(void **state)
{
    (void)state;
    const struct leaf *leaves = random_leaves();
    for (int64_t n = 1; n <= LEAVES; n++) {
        struct leaf slot[SLOTS], current = {.rows = 0};
        struct reduction_walk walk = reduction_walk(n);
        struct reduction_step step;
        while (reduction_next(&walk, &step)) {
            if (step.op == REDUCTION_LEAF) {
                current = leaves[step.first];
            } else if (step.op == REDUCTION_KEEP) {
                slot[step.slot] = current;
            } else {
                const struct leaf pair[] = {slot[step.slot], current};
                current = tree(pair, 2);
            }
        }
        struct leaf wanted = tree(leaves, n);
        struct partial total = {current.values, current.loss, current.correct, current.rows};
        same(&total, &wanted);
    }
}

#define RANKS 9

/* The message from one rank to another; there is room for one. */
struct mail {
    int full;
    struct leaf sum;
};
static struct mail mail[RANKS][RANKS];

/* One rank: its place in the walk, and nothing but the sums that are its own. */
struct rank {
    struct reduction_walk walk;
    struct leaf slot[SLOTS], current;
    int64_t computed;
    int ended;
};

/* The next step of a rank by the header's rule; 0 when it waits for another. */
static int rank_step(struct rank *rank, int64_t count, int64_t me, const struct reduction_cut *cut,
                     const struct leaf *leaves)
{
    struct reduction_walk before = rank->walk;
    struct reduction_step step;
    if (!reduction_next(&rank->walk, &step)) {
        rank->ended = 1;
        return 1;
    }
    int mine = reduction_rank(cut, step.last, count) == me;
    if (step.op == REDUCTION_LEAF && mine) {
        rank->current = leaves[step.first];
        rank->computed++;
    } else if (step.op == REDUCTION_KEEP && mine) {
        rank->slot[step.slot] = rank->current;
    } else if (step.op == REDUCTION_JOIN) {
        int64_t here = reduction_rank(cut, step.last, count),
                there = reduction_rank(cut, step.first - 1, count);
        struct mail *letter = &mail[there][here];
        struct leaf pair[] = {rank->slot[step.slot], rank->current};
        if (here != there && (me == here || me == there)) {
            if (letter->full != (me == here)) {
                rank->walk = before;
                return 0;
            }
            letter->full = me == there;
            if (me == there)
                letter->sum = pair[0];
            else
                pair[0] = letter->sum;
        }
        if (mine)
            rank->current = tree(pair, 2);
    }
    return 1;
}

/* Ranks that know only their own leaves and one message at a time reach the same bits. */
static void ranks_are_the_host(void **state)
{
    (void)state;
    const struct leaf *leaves = random_leaves();
    static struct rank ranks[RANKS];
    for (int64_t n = 1; n <= 35; n++) {
        struct leaf wanted = tree(leaves, n);
        struct reduction_cut cut = reduction_cut(n, 1, 1, n); /* n leaves */
        for (int64_t count = 1; count <= RANKS; count++) {
            int64_t ended = 0, computed = 0;
            memset(ranks, 0, sizeof ranks);
            memset(mail, 0, sizeof mail);
            for (int64_t me = 0; me < count; me++)
                ranks[me].walk = reduction_walk(n);
            while (ended < count) {
                int moved = 0;
                for (int64_t me = 0; me < count; me++)
                    while (!ranks[me].ended && rank_step(&ranks[me], count, me, &cut, leaves)) {
                        ended += ranks[me].ended;
                        moved = 1;
                    }
                assert_true(moved);
            }
            for (int64_t me = 0; me < count; me++)
                computed += ranks[me].computed;
            assert_int_equal(computed, n);
            for (int64_t i = 0; i < count * count; i++)
                assert_false(mail[i / count][i % count].full);
            struct leaf *sum = &ranks[reduction_rank(&cut, n - 1, count)].current;
            struct partial total = {sum->values, sum->loss, sum->correct, sum->rows};
            same(&total, &wanted);
        }
    }
}

/* The data are such that a plain left-to-right sum is told from the tree: the test above can
 * fail. */
static void order_matters_here(void **state)
{
    (void)state;
    static struct leaf leaves[8];
    float plain[FLOATS] = {0};
    for (int64_t i = 0; i < 8; i++) {
        random_leaf(&leaves[i], i);
        for (int j = 0; j < FLOATS; j++)
            plain[j] = plain[j] + leaves[i].values[j];
    }
    struct leaf wanted = tree(leaves, 8);
    assert_memory_not_equal(plain, wanted.values, sizeof plain);
}

/* Fewer leaves than there is room for, and the same object used for another number. */
static void any_number_up_to_the_limit(void **state)
{
    (void)state;
    struct err err = {0};
    struct reduction sum;
    const struct leaf *leaves = random_leaves();
    assert_int_equal(reduction_init(&sum, FLOATS, LEAVES, &err), 0);
    for (int64_t n = LEAVES; n >= 1; n -= 3) {
        struct leaf wanted = tree(leaves, n);
        same(sum_of(&sum, leaves, n), &wanted);
    }
    reduction_release(&sum);
    reduction_release(&sum);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    struct err err = {0};
    struct reduction sum;
    assert_int_equal(reduction_init(&sum, INT64_MAX / 8, 8, &err), ERR_MEMORY);
    assert_int_equal(err.code, ERR_MEMORY);
    reduction_release(&sum);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micros_are_counted),
        cmocka_unit_test(every_deal_is_even),
        cmocka_unit_test(rows_cover_the_batch),
        cmocka_unit_test(a_deal_may_leave_parts_idle),
        cmocka_unit_test(every_cut_covers_the_update),
        cmocka_unit_test(a_rest_is_a_leaf_of_its_own),
        cmocka_unit_test(few_steps_are_pinned),
        cmocka_unit_test(walk_is_the_tree),
        cmocka_unit_test(slots_are_counted),
        cmocka_unit_test(host_is_the_tree),
        cmocka_unit_test(device_is_the_host),
        cmocka_unit_test(ranks_are_the_host),
        cmocka_unit_test(order_matters_here),
        cmocka_unit_test(any_number_up_to_the_limit),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("reduction", tests, NULL, NULL);
}
