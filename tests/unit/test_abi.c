/* Size and offset of every struct of the contract, as numbers: what a plugin built yesterday relies
 * on.  A change here is a change of the ABI: appending is a minor and adds lines, anything else is
 * a major. */
#include "backend/backend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SIZE(type, number) assert_int_equal(sizeof(struct type), number)
#define AT(type, member, number) assert_int_equal(offsetof(struct type, member), number)

static void machine(void **state)
{
    (void)state;
    if (sizeof(void *) != 8) {
        print_message("# skipped: the numbers are for 64-bit machines\n");
        skip();
    }
    assert_int_equal(REPRO_ABI_MAJOR, 1);
    assert_int_equal(REPRO_ABI_MINOR, 4);
}

static void layout_of_repro_error(void **state)
{
    (void)state;
    SIZE(repro_error, 512);
    AT(repro_error, code, 0);
    AT(repro_error, text, 4);
}

static void layout_of_repro_node(void **state)
{
    (void)state;
    SIZE(repro_node, 120);
    AT(repro_node, op, 0);
    AT(repro_node, flags, 4);
    AT(repro_node, src_count, 8);
    AT(repro_node, src, 12);
    AT(repro_node, channels, 44);
    AT(repro_node, height, 48);
    AT(repro_node, width, 52);
    AT(repro_node, kernel_h, 56);
    AT(repro_node, kernel_w, 60);
    AT(repro_node, stride_h, 64);
    AT(repro_node, stride_w, 68);
    AT(repro_node, pad_top, 72);
    AT(repro_node, pad_left, 76);
    AT(repro_node, pad_bottom, 80);
    AT(repro_node, pad_right, 84);
    AT(repro_node, scale, 88);
    AT(repro_node, epsilon, 92);
    AT(repro_node, weights, 96);
    AT(repro_node, bias, 104);
    AT(repro_node, running, 112);
}

static void layout_of_repro_graph(void **state)
{
    (void)state;
    SIZE(repro_graph, 88);
    AT(repro_graph, struct_size, 0);
    AT(repro_graph, node_size, 4);
    AT(repro_graph, nodes, 8);
    AT(repro_graph, node_count, 16);
    AT(repro_graph, classes, 20);
    AT(repro_graph, channels, 24);
    AT(repro_graph, height, 28);
    AT(repro_graph, width, 32);
    AT(repro_graph, reserved, 36);
    AT(repro_graph, param_count, 40);
    AT(repro_graph, running_count, 48);
    AT(repro_graph, mean, 56);
    AT(repro_graph, deviation, 72);
}

static void layout_of_repro_device_options(void **state)
{
    (void)state;
    SIZE(repro_device_options, 32); /* 20 in 1.2, 16 before */
    AT(repro_device_options, struct_size, 0);
    AT(repro_device_options, threads, 4);
    AT(repro_device_options, ordinal, 8);
    AT(repro_device_options, reserved, 12);
    AT(repro_device_options, flags, 16);
    AT(repro_device_options, reserved_1_3, 20);
    AT(repro_device_options, plans, 24);
}

static void layout_of_repro_caps(void **state)
{
    (void)state;
    SIZE(repro_caps, 416); /* 288 in 1.0 */
    AT(repro_caps, struct_size, 0);
    AT(repro_caps, threads, 4);
    AT(repro_caps, ops, 8);
    AT(repro_caps, precisions, 12);
    AT(repro_caps, optimizers, 16);
    AT(repro_caps, flags, 20);
    AT(repro_caps, memory, 24);
    AT(repro_caps, device, 32);
    AT(repro_caps, library, 160);
    AT(repro_caps, algorithms, 288);
}

static void layout_of_repro_net_options(void **state)
{
    (void)state;
    SIZE(repro_net_options, 32); /* 16 before 1.3 */
    AT(repro_net_options, struct_size, 0);
    AT(repro_net_options, precision, 4);
    AT(repro_net_options, micro, 8);
    AT(repro_net_options, ghost, 12);
    AT(repro_net_options, slots, 16);
    AT(repro_net_options, count_count, 20);
    AT(repro_net_options, counts, 24);
}

static void layout_of_repro_images(void **state)
{
    (void)state;
    SIZE(repro_images, 40);
    AT(repro_images, struct_size, 0);
    AT(repro_images, channels, 4);
    AT(repro_images, height, 8);
    AT(repro_images, width, 12);
    AT(repro_images, count, 16);
    AT(repro_images, pixels, 24);
    AT(repro_images, labels, 32);
}

static void layout_of_repro_crop(void **state)
{
    (void)state;
    SIZE(repro_crop, 8);
    AT(repro_crop, image, 0);
    AT(repro_crop, top, 4);
    AT(repro_crop, left, 5);
    AT(repro_crop, flip, 6);
    AT(repro_crop, reserved, 7);
}

static void layout_of_repro_rows(void **state)
{
    (void)state;
    SIZE(repro_rows, 72); /* 56 before 1.3 */
    AT(repro_rows, struct_size, 0);
    AT(repro_rows, mode, 4);
    AT(repro_rows, count, 8);
    AT(repro_rows, pixels, 16);
    AT(repro_rows, labels, 24);
    AT(repro_rows, image, 32);
    AT(repro_rows, seed, 40);
    AT(repro_rows, epoch, 48);
    AT(repro_rows, reserved, 52);
    AT(repro_rows, data, 56);
    AT(repro_rows, crops, 64);
}

static void layout_of_repro_step(void **state)
{
    (void)state;
    SIZE(repro_step, 88); /* 80 before 1.3 */
    AT(repro_step, struct_size, 0);
    AT(repro_step, optimizer, 4);
    AT(repro_step, lr, 8);
    AT(repro_step, momentum, 16);
    AT(repro_step, beta1, 24);
    AT(repro_step, beta2, 32);
    AT(repro_step, epsilon, 40);
    AT(repro_step, weight_decay, 48);
    AT(repro_step, update, 56);
    AT(repro_step, keep, 64);
    AT(repro_step, ghosts, 72);
    AT(repro_step, flags, 80);
    AT(repro_step, reserved, 84);
}

static void layout_of_repro_metrics(void **state)
{
    (void)state;
    SIZE(repro_metrics, 32);
    AT(repro_metrics, struct_size, 0);
    AT(repro_metrics, reserved, 4);
    AT(repro_metrics, loss, 8);
    AT(repro_metrics, correct, 16);
    AT(repro_metrics, rows, 24);
}

static void layout_of_repro_history(void **state)
{
    (void)state;
    SIZE(repro_history, 1544);
    AT(repro_history, struct_size, 0);
    AT(repro_history, count, 4);
    AT(repro_history, loss, 8);
    AT(repro_history, correct, 520);
    AT(repro_history, rows, 1032);
}

static void layout_of_repro_rates(void **state)
{
    (void)state;
    SIZE(repro_rates, 24);
    AT(repro_rates, struct_size, 0);
    AT(repro_rates, reserved, 4);
    AT(repro_rates, flops, 8);
    AT(repro_rates, bytes, 16);
}

static void layout_of_repro_profile(void **state)
{
    (void)state;
    SIZE(repro_profile, 1072); /* 536 before 1.3 */
    AT(repro_profile, struct_size, 0);
    AT(repro_profile, reserved, 4);
    AT(repro_profile, forward, 8);
    AT(repro_profile, backward, 264);
    AT(repro_profile, reorder, 520);
    AT(repro_profile, update, 528);
    AT(repro_profile, forward_bytes, 536);
    AT(repro_profile, backward_bytes, 792);
    AT(repro_profile, reorder_bytes, 1048);
    AT(repro_profile, update_bytes, 1056);
    AT(repro_profile, launches, 1064);
    assert_true(REPRO_OP_COUNT < REPRO_PROFILE_OPS);
}

static void layout_of_repro_backend(void **state)
{
    (void)state;
    SIZE(repro_backend, 224); /* 160 in 1.1 and 1.2, 136 in 1.0 */
    AT(repro_backend, struct_size, 0);
    AT(repro_backend, abi_minor, 4);
    AT(repro_backend, abi_minor_needed, 8);
    AT(repro_backend, reserved, 12);
    AT(repro_backend, name, 16);
    AT(repro_backend, version, 24);
    AT(repro_backend, device_open, 32);
    AT(repro_backend, device_close, 40);
    AT(repro_backend, device_caps, 48);
    AT(repro_backend, net_compile, 56);
    AT(repro_backend, net_free, 64);
    AT(repro_backend, net_write, 72);
    AT(repro_backend, net_read, 80);
    AT(repro_backend, net_zero, 88);
    AT(repro_backend, net_forward, 96);
    AT(repro_backend, net_backward, 104);
    AT(repro_backend, net_update, 112);
    AT(repro_backend, net_metrics, 120);
    AT(repro_backend, net_sync, 128);
    AT(repro_backend, net_describe, 136);
    AT(repro_backend, net_profile, 144);
    AT(repro_backend, net_bare, 152);
    AT(repro_backend, data_put, 160);
    AT(repro_backend, data_free, 168);
    AT(repro_backend, net_keep, 176);
    AT(repro_backend, net_join, 184);
    AT(repro_backend, net_history, 192);
    AT(repro_backend, device_rates, 200);
    AT(repro_backend, net_mark, 208);
    AT(repro_backend, net_marks, 216);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine),
        cmocka_unit_test(layout_of_repro_error),
        cmocka_unit_test(layout_of_repro_node),
        cmocka_unit_test(layout_of_repro_graph),
        cmocka_unit_test(layout_of_repro_device_options),
        cmocka_unit_test(layout_of_repro_caps),
        cmocka_unit_test(layout_of_repro_net_options),
        cmocka_unit_test(layout_of_repro_rows),
        cmocka_unit_test(layout_of_repro_step),
        cmocka_unit_test(layout_of_repro_metrics),
        cmocka_unit_test(layout_of_repro_images),
        cmocka_unit_test(layout_of_repro_crop),
        cmocka_unit_test(layout_of_repro_history),
        cmocka_unit_test(layout_of_repro_rates),
        cmocka_unit_test(layout_of_repro_profile),
        cmocka_unit_test(layout_of_repro_backend),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
