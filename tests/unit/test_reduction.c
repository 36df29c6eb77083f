/* The deal covers everything in order; the binary counter is the tree it claims to be, bit for
 * bit. */
#include "train/reduction.h"

#include "base/err.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES 40
#define FLOATS 33

static void micros_are_counted(void **state)
{
    (void)state;
    assert_int_equal(reduction_micros(128, 128), 1);
    assert_int_equal(reduction_micros(129, 128), 2);
    assert_int_equal(reduction_micros(1, 128), 1);
    assert_int_equal(reduction_micros(65536, 128), 512);
    assert_int_equal(reduction_groups(3, 8), 3);
    assert_int_equal(reduction_groups(8, 8), 8);
    assert_int_equal(reduction_groups(512, 8), 8);
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
                struct row_span span = reduction_deal(micros, groups, g);
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
                struct row_span span = reduction_rows(batch, micro, i);
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

static void push(struct reduction *sum, const struct leaf *leaf)
{
    memcpy(sum->spare.values, leaf->values, sizeof leaf->values);
    sum->spare.loss = leaf->loss;
    sum->spare.correct = leaf->correct;
    sum->spare.rows = leaf->rows;
    reduction_push(sum);
}

static void same(const struct partial *total, const struct leaf *wanted)
{
    assert_memory_equal(total->values, wanted->values, sizeof wanted->values);
    assert_memory_equal(&total->loss, &wanted->loss, sizeof wanted->loss);
    assert_int_equal(total->correct, wanted->correct);
    assert_int_equal(total->rows, wanted->rows);
}

static void counter_is_the_tree(void **state)
{
    (void)state;
    struct err err = {0};
    static struct leaf leaves[LEAVES];
    for (int64_t i = 0; i < LEAVES; i++)
        random_leaf(&leaves[i], i);
    for (int64_t n = 1; n <= LEAVES; n++) {
        struct reduction sum;
        /* no more room than n leaves need */
        assert_int_equal(reduction_init(&sum, FLOATS, n, &err), 0);
        for (int again = 0; again < 2; again++) {
            reduction_start(&sum);
            for (int64_t i = 0; i < n; i++)
                push(&sum, &leaves[i]);
            struct leaf wanted = tree(leaves, n);
            same(reduction_finish(&sum), &wanted);
        }
        reduction_release(&sum);
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
    static struct leaf leaves[LEAVES];
    assert_int_equal(reduction_init(&sum, FLOATS, LEAVES, &err), 0);
    for (int64_t i = 0; i < LEAVES; i++)
        random_leaf(&leaves[i], i);
    for (int64_t n = LEAVES; n >= 1; n -= 3) {
        reduction_start(&sum);
        for (int64_t i = 0; i < n; i++)
            push(&sum, &leaves[i]);
        struct leaf wanted = tree(leaves, n);
        same(reduction_finish(&sum), &wanted);
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
        cmocka_unit_test(micros_are_counted),    cmocka_unit_test(every_deal_is_even),
        cmocka_unit_test(rows_cover_the_batch),  cmocka_unit_test(counter_is_the_tree),
        cmocka_unit_test(order_matters_here),    cmocka_unit_test(any_number_up_to_the_limit),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests_name("reduction", tests, NULL, NULL);
}
