/* Rows that are crops of a data set on the device, against the same rows sent as pixels: the same
 * bits of everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gallery.h"
#include "graphs.h"
#include "guard.h"
#include "snapshot.h"
#include "subject.h"

#include "base/err.h"
#include "data/batch.h"

#include <stdio.h>
#include <string.h>

#define MICRO_MAX 16

/* Two networks from the same parameters, one for pixels, one for crops. */
struct pair {
    struct trial trial;
    struct gallery gallery;
    struct repro_net *sent, *kept;
};

static void need(void)
{
    subject_need_function(subject.backend.data_put != NULL, "data_put");
}

static void pair_start(struct pair *pair, const struct graph_case *graph_case, int precision)
{
    struct repro_net_options options = {.precision = precision};
    trial_without_backend(&pair->trial, graph_case);
    subject_need_ops(&pair->trial.net.graph);
    trial_fill(&pair->trial, 1);
    gallery_init(&pair->gallery, &pair->trial.net.graph, 2);
    pair->sent = trial_compile_with(&pair->trial, &options);
    pair->kept = trial_compile_with(&pair->trial, &options);
    trial_load(&pair->trial, pair->sent);
    trial_load(&pair->trial, pair->kept);
}

static void pair_end(struct pair *pair)
{
    subject.backend.net_free(pair->sent);
    subject.backend.net_free(pair->kept);
    gallery_release(&pair->gallery);
    trial_seal(&pair->trial);
    trial_end(&pair->trial);
}

static void pass(struct repro_net *net, const struct repro_rows *rows)
{
    subject_forward(net, rows);
    if (rows->mode == REPRO_MODE_TRAIN)
        subject_backward(net, 1.0 / 32.0);
}

/* The same crops to both. */
static void pass_both(struct pair *pair, const struct repro_crop *crops, int mode, int64_t count)
{
    struct repro_rows rows = pair->trial.rows;
    rows.mode = mode;
    rows.count = count;
    gallery_assemble(&pair->gallery, crops, count, pair->trial.pixels, pair->trial.labels);
    pass(pair->sent, &rows);
    struct repro_crop own[MICRO_MAX];
    memcpy(own, crops, (size_t)count * sizeof *own);
    rows = gallery_rows(&pair->gallery, &rows, own);
    pass(pair->kept, &rows);
    memset(own, 0x7f, sizeof own); /* they were copied */
}

static void zero_both(struct pair *pair)
{
    subject_zero(pair->sent);
    subject_zero(pair->kept);
}

static int body_conv(struct net *net)
{
    return net_relu(net, "relu", net_conv(net, "conv", 0, 5, 3, 1, 1));
}
/* Something else than the convolution reads the input, too. */
static int body_add(struct net *net)
{
    int y = net_conv(net, "conv", 0, net->nodes[0].channels, 3, 1, 1);
    return net_add(net, "add", y, 0, 0.5f);
}

/* Images of one pixel across or down, of 1 to 4 channels. */
static const struct graph_case own_cases[] = {
    {"row_image", 2, 1, 7, 2, 2, body_conv},
    {"row_image_added", 2, 1, 7, 2, 2, body_add},
    {"column_image", 1, 6, 1, 2, 2, body_conv},
    {"column_image_added", 1, 6, 1, 2, 2, body_add},
    {"pixel_image", 4, 1, 1, 2, 2, body_conv},
    {"pixel_image_added", 3, 1, 1, 2, 2, body_add},
    {"two_by_two", 2, 2, 2, 2, 3, body_add},
    {"four_channels", 4, 6, 3, 2, 3, body_conv},
    {"four_channels_added", 4, 6, 3, 2, 3, body_add},
    {"square", 3, 9, 9, 3, 3, body_conv},
    {"square_added", 1, 9, 9, 3, 3, body_add},
};
#define OWN_CASES ((int)(sizeof own_cases / sizeof *own_cases))

static void same_bits(const struct graph_case *graph_case, int precision)
{
    static const int reaches[] = {0, 1, 4, 4, 4, 20, 128, 128};
    struct repro_crop crops[MICRO_MAX];
    struct pair pair;
    char words[96];
    pair_start(&pair, graph_case, precision);
    int64_t micro = pair.trial.micro;
    for (int i = 0; i < (int)(sizeof reaches / sizeof *reaches); i++) {
        snprintf(words, sizeof words, "%s, precision %d, offsets to %d", graph_case->name,
                 precision, reaches[i]);
        zero_both(&pair);
        gallery_crops((uint64_t)(10 * i), reaches[i], micro, crops);
        pass_both(&pair, crops, REPRO_MODE_TRAIN, micro);
        gallery_crops((uint64_t)(10 * i + 1), reaches[i], micro, crops);
        pass_both(&pair, crops, REPRO_MODE_TRAIN, micro);
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, micro, words);
        gallery_crops((uint64_t)(10 * i + 2), reaches[i], micro - 1, crops);
        pass_both(&pair, crops, REPRO_MODE_EVAL, micro - 1);
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, micro - 1, words);
    }
    pair_end(&pair);
}

static void crops_are_pixels(void **state)
{
    (void)state;
    need();
    for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++)
        for (int i = 0; i < OWN_CASES && subject.caps.precisions >> precision & 1u; i++)
            same_bits(&own_cases[i], precision);
}

static void crops_are_pixels_in_every_graph(void **state)
{
    (void)state;
    need();
    for (int i = 0; i < graph_case_count; i += 3) /* the arithmetic behind the input is test_ops' */
        same_bits(&graph_cases[i], i % 2 == 0 ? REPRO_PRECISION_F32 : REPRO_PRECISION_BF16);
}

/* What training sends one way or the other. */
static void crops_are_batches(void **state)
{
    struct pair pair;
    struct repro_crop crops[MICRO_MAX];
    struct err err = {0};
    (void)state;
    need();
    pair_start(&pair, &own_cases[OWN_CASES - 1], REPRO_PRECISION_F32);
    int64_t micro = pair.trial.micro, order[GALLERY_IMAGES];
    for (uint32_t epoch = 0; epoch < 8; epoch++) {
        batch_order(5, epoch, GALLERY_IMAGES, order);
        zero_both(&pair);
        for (int64_t first = 0; first + micro <= GALLERY_IMAGES; first += micro) {
            struct repro_rows rows = pair.trial.rows;
            assert_int_equal(dataset_augmented(&pair.gallery.data, 5, epoch, order + first, micro,
                                               pair.trial.pixels, pair.trial.labels, &err),
                             0);
            pass(pair.sent, &rows);
            dataset_crops(&pair.gallery.data, 5, epoch, order + first, micro, crops);
            rows = gallery_rows(&pair.gallery, &rows, crops);
            pass(pair.kept, &rows);
        }
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, micro, "an epoch's rows");
    }
    pair_end(&pair);
}

/* Every offset of -9..9 both ways, flipped and not, one image. */
static void every_small_offset(void **state)
{
    struct pair pair;
    struct repro_crop crops[MICRO_MAX];
    int64_t count = 0;
    (void)state;
    need();
    pair_start(&pair, &own_cases[7], REPRO_PRECISION_F32);
    int64_t micro = pair.trial.micro;
    for (int k = 0; k < 19 * 19 * 2; k++) {
        crops[count++] = (struct repro_crop){.image = 3,
                                             .top = (int8_t)(k % 19 - 9),
                                             .left = (int8_t)(k / 19 % 19 - 9),
                                             .flip = k >= 19 * 19};
        if (count < micro && k < 19 * 19 * 2 - 1)
            continue;
        zero_both(&pair);
        pass_both(&pair, crops, REPRO_MODE_EVAL, count);
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, count, "small offsets");
        count = 0;
    }
    pair_end(&pair);
}

/* Dropout goes by the rows' numbers, not by the crops' images. */
static void dropout_by_the_numbers(void **state)
{
    struct pair pair;
    struct repro_crop crops[MICRO_MAX];
    struct snapshot first, other;
    (void)state;
    need();
    const struct graph_case *dropped = &graph_cases[0];
    while (strcmp(dropped->name, "dropped") != 0)
        dropped++;
    pair_start(&pair, dropped, REPRO_PRECISION_F32);
    int64_t micro = pair.trial.micro;
    gallery_crops(1, 4, micro, crops);
    for (int i = 0; i < 4; i++) {
        for (int64_t r = 0; r < micro; r++)
            pair.trial.image[r] = i == 0 ? crops[r].image : (INT64_C(1) << 31) * i + r;
        pair.trial.rows.seed += (uint64_t)i;
        pair.trial.rows.epoch += (uint32_t)i;
        zero_both(&pair);
        pass_both(&pair, crops, REPRO_MODE_TRAIN, micro);
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, micro, "dropout");
        if (i == 0)
            snapshot_take(&first, &pair.trial.net.graph, pair.kept, micro);
    }
    snapshot_take(&other, &pair.trial.net.graph, pair.kept, micro);
    assert_true(snapshot_differs(&first, &other, REPRO_ARENA_OUTPUT));
    snapshot_free(&first);
    snapshot_free(&other);
    pair_end(&pair);
}

/* Crops of two sets and pixels in one group, in every order. */
static void sets_and_pixels_in_turn(void **state)
{
    struct pair pair;
    struct gallery second;
    struct repro_crop crops[MICRO_MAX];
    (void)state;
    need();
    pair_start(&pair, &own_cases[9], REPRO_PRECISION_F32);
    gallery_init(&second, &pair.trial.net.graph, 77);
    int64_t micro = pair.trial.micro;
    for (int ways = 0; ways < 27; ways++) {
        zero_both(&pair);
        for (int i = 0, way = ways; i < 3; i++, way /= 3) {
            const struct gallery *gallery = way % 3 == 1 ? &second : &pair.gallery;
            struct repro_rows rows = pair.trial.rows;
            gallery_crops((uint64_t)(100 * ways + i), 4, micro, crops);
            gallery_assemble(gallery, crops, micro, pair.trial.pixels, pair.trial.labels);
            pass(pair.sent, &rows);
            if (way % 3 != 2)
                rows = gallery_rows(gallery, &rows, crops);
            pass(pair.kept, &rows);
            memset(pair.trial.pixels, 0x55, 64);
        }
        snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, micro, "two sets and pixels");
    }
    gallery_release(&second);
    pair_end(&pair);
}

/* ---- Refusals ---- */

static void put_refused(struct repro_images images, const char *word)
{
    struct repro_resident *mark = (struct repro_resident *)(void *)&images, *data = mark;
    struct repro_error error = {0};
    int32_t code = subject.backend.data_put(subject.device, &images, &data, &error);
    subject_refused(code, &error, REPRO_ARGUMENT, word);
    assert_ptr_equal(data, mark);
}

static void put_refusals(void **state)
{
    static const uint8_t pixels[2 * 3 * 4 * 2];
    int32_t labels[] = {0, 1};
    const struct repro_images good = {.struct_size = sizeof good,
                                      .channels = 2,
                                      .height = 3,
                                      .width = 4,
                                      .count = 2,
                                      .pixels = pixels,
                                      .labels = labels};
    struct repro_images images;
    (void)state;
    need();
    const struct {
        int32_t channels, height, width;
        int64_t count;
    } shapes[] = {{0, 3, 4, 2},         {5, 3, 4, 2},
                  {-1, 3, 4, 2},        {2, 0, 4, 2},
                  {2, -3, 4, 2},        {2, 3, 0, 2},
                  {2, 3, -4, 2},        {2, 3, 4, 0},
                  {2, 3, 4, -2},        {4, INT32_MAX, INT32_MAX, 2},
                  {2, 3, 4, INT64_MAX}, {4, INT32_MAX, INT32_MAX, INT32_MAX}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        images = good;
        images.channels = shapes[i].channels;
        images.height = shapes[i].height;
        images.width = shapes[i].width;
        images.count = shapes[i].count;
        put_refused(images, "data set");
    }
    images = good;
    images.pixels = NULL;
    put_refused(images, "data set");
    images = good;
    images.labels = NULL;
    put_refused(images, "data set");
    labels[1] = -1;
    put_refused(good, "image 1: label -1");
    subject.backend.data_free(NULL);
}

static void rows_refused(struct pair *pair, const struct repro_rows *rows, int32_t code,
                         const char *word)
{
    struct repro_error error = {0};
    subject_refused(subject.backend.net_forward(pair->kept, rows, &error), &error, code, word);
}

/* A set of another shape, or of more classes. */
static void misfit_refused(struct pair *pair, struct repro_graph shape, const char *word)
{
    struct gallery other;
    struct repro_crop crops[MICRO_MAX] = {{0}};
    gallery_init(&other, &shape, 0);
    struct repro_rows rows = gallery_rows(&other, &pair->trial.rows, crops);
    rows_refused(pair, &rows, REPRO_ARGUMENT, word);
    gallery_release(&other);
}

static void misfits(void **state)
{
    struct pair pair;
    (void)state;
    need();
    pair_start(&pair, &own_cases[9], REPRO_PRECISION_F32);
    struct repro_graph shape = pair.trial.net.graph;
    shape.channels--;
    misfit_refused(&pair, shape, "data set");
    shape = pair.trial.net.graph;
    shape.height++;
    misfit_refused(&pair, shape, "data set");
    shape = pair.trial.net.graph;
    shape.width--;
    misfit_refused(&pair, shape, "data set");
    shape = pair.trial.net.graph;
    shape.classes++;
    misfit_refused(&pair, shape, "classes");
    pair_end(&pair);
}

static void crop_refusals(void **state)
{
    struct pair pair;
    struct repro_crop good[MICRO_MAX], crops[MICRO_MAX];
    (void)state;
    need();
    pair_start(&pair, &own_cases[9], REPRO_PRECISION_F32);
    gallery_crops(3, 4, pair.trial.micro, good);
    zero_both(&pair);
    static const struct {
        struct repro_crop crop;
        int32_t code;
        const char *word;
    } bad[] = {{{.image = -1}, REPRO_ARGUMENT, "image -1"},
               {{.image = GALLERY_IMAGES}, REPRO_ARGUMENT, "row 8: image 23"},
               {{.image = INT32_MAX}, REPRO_ARGUMENT, "image 2147483647"},
               {{.flip = 2}, REPRO_UNSUPPORTED, "flip"},
               {{.flip = 255}, REPRO_UNSUPPORTED, "flip"},
               {{.reserved = 1}, REPRO_UNSUPPORTED, "reserved"}};
    struct repro_rows rows = gallery_rows(&pair.gallery, &pair.trial.rows, crops);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (int mode = REPRO_MODE_TRAIN; mode <= REPRO_MODE_EVAL; mode++) {
            memcpy(crops, good, sizeof crops);
            crops[pair.trial.micro - 1] = bad[i].crop;
            rows.mode = mode;
            rows_refused(&pair, &rows, bad[i].code, bad[i].word);
        }
    memcpy(crops, good, sizeof crops);
    rows.mode = REPRO_MODE_TRAIN;
    rows.crops = NULL;
    rows_refused(&pair, &rows, REPRO_ARGUMENT, "crops");
    rows.crops = crops;
    rows.pixels = pair.trial.pixels;
    rows_refused(&pair, &rows, REPRO_ARGUMENT, "pixels");
    rows.pixels = NULL;
    rows.labels = pair.trial.labels;
    rows_refused(&pair, &rows, REPRO_ARGUMENT, "labels");
    rows = pair.trial.rows;
    rows.crops = crops;
    rows_refused(&pair, &rows, REPRO_ARGUMENT, "crops");
    struct repro_metrics metrics = subject_metrics(pair.kept);
    assert_int_equal(metrics.rows, 0); /* a refused forward counts nothing */
    pass_both(&pair, good, REPRO_MODE_TRAIN, pair.trial.micro);
    snapshots_same(&pair.trial.net.graph, pair.sent, pair.kept, pair.trial.micro, "after refusals");
    pair_end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_are_pixels),       cmocka_unit_test(crops_are_pixels_in_every_graph),
        cmocka_unit_test(crops_are_batches),      cmocka_unit_test(every_small_offset),
        cmocka_unit_test(dropout_by_the_numbers), cmocka_unit_test(sets_and_pixels_in_turn),
        cmocka_unit_test(put_refusals),           cmocka_unit_test(misfits),
        cmocka_unit_test(crop_refusals),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("resident", tests, subject_open, subject_close);
}
