/* The numbers that `repro doctor` holds a backend against: the reference's, and far from those of a
 * backend that does its work wrong. */
#include "doctor/selftest.h"

#include "backend/loader.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct repro_backend real;
static struct repro_device *device;

static int set_up(void **state)
{
    struct err err = {0};
    struct repro_caps caps;
    const struct repro_device_options options = {.struct_size = sizeof options, .threads = 1};
    (void)state;
    if (backend_open("openblas", &options, &real, &device, &caps, &err) == 0)
        return 0;
    print_message("# %s\n", err.text);
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    real.device_close(device);
    return 0;
}

static void losses_of(const struct repro_backend *backend, double losses[SELFTEST_UPDATES])
{
    struct err err = {0};
    if (selftest_losses(backend, device, REPRO_PRECISION_F32, losses, &err) != 0)
        fail_msg("%s", err.text);
}

static void reference_has_the_known_losses(void **state)
{
    struct err err = {0};
    double losses[SELFTEST_UPDATES];
    (void)state;
    losses_of(&real, losses);
    if (selftest_judge(losses, REPRO_PRECISION_F32, &err) != 0)
        fail_msg("%s", err.text);
}

/* ---- Backends that do a part of it wrong ---- */

static int32_t no_update(struct repro_net *net, const struct repro_step *step,
                         struct repro_error *err)
{
    (void)net;
    (void)step;
    (void)err;
    return 0;
}

static int32_t half_update(struct repro_net *net, const struct repro_step *step,
                           struct repro_error *err)
{
    struct repro_step half = *step;
    half.lr *= 0.5;
    return real.net_update(net, &half, err);
}

static int32_t more_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    return real.net_backward(net, 1.1 * scale, err);
}

static void is_wrong(const struct repro_backend *backend, int precision)
{
    struct err err = {0};
    double losses[SELFTEST_UPDATES];
    losses_of(backend, losses);
    assert_int_equal(selftest_judge(losses, precision, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "computes wrong numbers in "));
}

static void wrong_backends_are_seen(void **state)
{
    struct repro_backend wrong = real;
    (void)state;
    wrong.net_update = no_update;
    is_wrong(&wrong, REPRO_PRECISION_F32);
    is_wrong(&wrong, REPRO_PRECISION_BF16); /* whose bound is the widest */
    wrong.net_update = half_update;
    is_wrong(&wrong, REPRO_PRECISION_F32);
    wrong = real;
    wrong.net_backward = more_backward;
    is_wrong(&wrong, REPRO_PRECISION_F32);
}

static void what_is_no_number_is_wrong(void **state)
{
    struct err err = {0};
    double losses[SELFTEST_UPDATES];
    (void)state;
    losses_of(&real, losses);
    losses[SELFTEST_UPDATES - 1] = NAN;
    assert_int_equal(selftest_judge(losses, REPRO_PRECISION_BF16, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "the loss of update 6 is nan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_has_the_known_losses),
        cmocka_unit_test(wrong_backends_are_seen),
        cmocka_unit_test(what_is_no_number_is_wrong),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("selftest", tests, set_up, tear_down);
}
