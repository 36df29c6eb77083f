/* random.h: Philox4x32-10 through our key and counter layout against its authors' known answers,
 * and the derived draws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <math.h>

static void assert_words(struct random_words words, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    assert_int_equal(words.word[0], a);
    assert_int_equal(words.word[1], b);
    assert_int_equal(words.word[2], c);
    assert_int_equal(words.word[3], d);
}

/* The three vectors of Random123's kat_vectors, "philox4x32 10". */
static void known_answers(void **state)
{
    (void)state;
    assert_words(random_at(0, 0, 0, 0, 0), 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    assert_words(random_at(UINT64_MAX, 0xff, 0xffffffff, 0xffffffffffffff, 0xffffffff), 0x408f276d,
                 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    /* counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0 */
    assert_words(random_at(0x299f31d0a4093822, 0x44, 0x13198a2e, 0x03707385a308d3, 0x243f6a88),
                 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
}

static void every_argument_counts(void **state)
{
    (void)state;
    struct random_words first = random_at(1, RANDOM_SHUFFLE, 0, 0, 0);
    struct random_words others[] = {
        random_at(2, RANDOM_SHUFFLE, 0, 0, 0),
        random_at(1 + (UINT64_C(1) << 32), RANDOM_SHUFFLE, 0, 0, 0),
        random_at(1, RANDOM_AUGMENT, 0, 0, 0),
        random_at(1, RANDOM_SHUFFLE, 1, 0, 0),
        random_at(1, RANDOM_SHUFFLE, 0, 1, 0),
        random_at(1, RANDOM_SHUFFLE, 0, UINT64_C(1) << 32, 0),
        random_at(1, RANDOM_SHUFFLE, 0, 0, 1),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_memory_not_equal(&first, &others[i], sizeof first);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&others[j], &others[i], sizeof first);
    }
}

static void uniform_bounds(void **state)
{
    (void)state;
    assert_true(random_uniform(0) == 0.0);
    assert_true(random_uniform(0x80000000) == 0.5);
    assert_true(random_uniform(UINT32_MAX) < 1.0);
    assert_true(random_uniform(UINT32_MAX) == 1.0 - 0x1p-32);
}

static void below_bounds(void **state)
{
    (void)state;
    const uint64_t bounds[] = {1, 2, 3, 9, 10, 50000, UINT64_C(1) << 40, UINT64_MAX};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        assert_int_equal(random_below(0, 0, bounds[i]), 0);
        assert_true(random_below(UINT32_MAX, UINT32_MAX, bounds[i]) == bounds[i] - 1);
    }
    assert_int_equal(random_below(0x80000000, 0, 10), 5);
    assert_int_equal(random_below(0x7fffffff, UINT32_MAX, 10), 4);
    assert_int_equal(random_below(0x20000000, 0, 9), 1);
}

static void below_is_even(void **state)
{
    (void)state;
    int count[9] = {0};
    for (uint64_t i = 0; i < 90000; i++) {
        struct random_words words = random_at(7, RANDOM_AUGMENT, 0, i, 0);
        count[random_below(words.word[0], words.word[1], 9)]++;
    }
    for (int i = 0; i < 9; i++) /* 10000 expected, deviation 94 */
        assert_in_range(count[i], 9600, 10400);
}

static void normal_moments(void **state)
{
    (void)state;
    enum { PAIRS = 100000 };
    double sum = 0, square = 0, fourth = 0, product = 0;
    for (uint64_t i = 0; i < PAIRS; i++) {
        struct random_words words = random_at(3, RANDOM_INIT, 0, i, 0);
        double normal[2];
        random_normal(words.word[0], words.word[1], normal);
        for (int j = 0; j < 2; j++) {
            sum += normal[j];
            square += normal[j] * normal[j];
            fourth += pow(normal[j], 4);
        }
        product += normal[0] * normal[1];
    }
    assert_true(fabs(sum / (2 * PAIRS)) < 0.01);
    assert_true(fabs(square / (2 * PAIRS) - 1) < 0.015);
    assert_true(fabs(fourth / (2 * PAIRS) - 3) < 0.1);
    assert_true(fabs(product / PAIRS) < 0.015);
}

static void normal_is_finite_at_the_ends(void **state)
{
    (void)state;
    const uint32_t words[] = {0, 1, UINT32_MAX};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double normal[2];
            random_normal(words[i], words[j], normal);
            assert_true(isfinite(normal[0]) && isfinite(normal[1]));
            assert_true(fabs(normal[0]) < 7 && fabs(normal[1]) < 7);
        }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(every_argument_counts),
        cmocka_unit_test(uniform_bounds),
        cmocka_unit_test(below_bounds),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(normal_is_finite_at_the_ends),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
