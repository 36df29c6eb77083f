/* folder.h: rows of real files, the same for any number of threads and any call they are asked for
 * in; which images are taken; and what broken files do.  With REPRO_IMAGENET, a folder of
 * train/CLASS and val/CLASS, also its images. */
#include "data/folder.h"

#include "base/err.h"
#include "base/file.h"
#include "data/colour.h"
#include "data/frame.h"
#include "data/picture.h"
#include "data/resize.h"
#include "data/source.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined REPRO_HAVE_JPEG && defined REPRO_HAVE_PNG

#include "pictures.h"
#include "pillow.h"

#define SIDE 12
#define ROW ((size_t)SIDE * SIDE * 3)
#define EACH 5 /* of each kind, but one, in train */
#define TRAIN ((int64_t)(PICTURE_KINDS * EACH))
#define TEST ((int64_t)PICTURE_KINDS)

static struct scratch scratch;
static _Atomic long allocations; /* mem_new()'s */

void *aligned_alloc(size_t alignment, size_t size)
{
    void *memory;
    allocations++;
    return posix_memalign(&memory, alignment, size) == 0 ? memory : NULL;
}

static void put(const char *name, const void *bytes, size_t size)
{
    struct err err = {0};
    if (file_replace(scratch_path(&scratch, name), bytes, size, &err) != 0)
        fail_msg("%s", err.text);
}

static void put_picture(const char *name, const struct picture_kind *kind, int number, int width,
                        int height)
{
    struct picture_file file = picture_make(kind, number, width, height);
    put(name, file.bytes, file.size);
    free(file.bytes);
}

static int folder(const char *name)
{
    struct err err = {0};
    return file_make_folders(scratch_path(&scratch, name), &err);
}

/* A class a kind, whatever it is called by its suffix; sizes of every sort. */
static int set_up(void **state)
{
    (void)state;
    if (scratch_make(&scratch) != 0)
        return -1;
    setenv("XDG_CACHE_HOME", scratch_path(&scratch, "cache"), 1);
    for (size_t k = 0; k < PICTURE_KINDS; k++) {
        char name[128];
        snprintf(name, sizeof name, "set/train/%s", picture_kinds[k].name);
        if (folder(name) != 0)
            return -1;
        for (int i = 0; i < EACH; i++) {
            const int sides[EACH][2] = {{1, 1}, {40, 30}, {33, 57}, {90, 20}, {8, 8}};
            snprintf(name, sizeof name, "set/train/%s/%d.JPEG", picture_kinds[k].name, i);
            put_picture(name, &picture_kinds[k], i, sides[i][0], sides[i][1]);
        }
        snprintf(name, sizeof name, "set/val/%s", picture_kinds[k].name);
        if (folder(name) != 0)
            return -1;
        snprintf(name, sizeof name, "set/val/%s/v.jpeg", picture_kinds[k].name);
        put_picture(name, &picture_kinds[k], (int)k, 50, 41);
    }
    put_picture("set/train/420/long.jpg", picture_named("420"), 1, 10000, 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static struct dataset open_at(const char *path, int64_t train_n, int64_t test_n,
                              const char *threads, struct folder_options options)
{
    struct err err = {0};
    struct dataset data;
    setenv("REPRO_DECODERS", threads, 1);
    if (options.side == 0)
        options.side = SIDE;
    if (folder_open(path, train_n, test_n, &options, &data, &err) != 0)
        fail_msg("%s", err.text);
    unsetenv("REPRO_DECODERS");
    return data;
}

static struct dataset opened(const char *name, int64_t train_n, int64_t test_n, const char *threads)
{
    return open_at(scratch_path(&scratch, name), train_n, test_n, threads,
                   (struct folder_options){0});
}

static void take(const struct dataset *data, int split, uint32_t epoch, const int64_t *image,
                 int64_t count, uint8_t *pixels, int32_t *labels)
{
    struct err err = {0};
    int code = split == DATASET_TRAIN
                   ? dataset_augmented(data, 9, epoch, image, count, pixels, labels, &err)
                   : dataset_plain(data, split, image, count, pixels, labels, &err);
    if (code != 0)
        fail_msg("%s", err.text);
}

static void numbers(int64_t *image, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        image[i] = i;
}

static void what_it_says(void **state)
{
    (void)state;
    struct dataset data = opened("set", TRAIN, TEST, "1"), other;
    assert_int_equal(data.train_n, TRAIN);
    assert_int_equal(data.test_n, TEST);
    assert_int_equal(data.classes, PICTURE_KINDS);
    assert_int_equal(data.channels, 3);
    assert_int_equal(data.height, SIDE);
    assert_int_equal(data.width, SIDE);
    assert_true(data.mean[2] == 127.5f && data.deviation[0] == 127.5f);
    assert_string_equal(data.augment, "12 px; area 0.05-1, aspect 3/4-4/3, flip; bilinear, "
                                      "antialias; test: central 87.5 %");
    assert_null(dataset_whole(&data, DATASET_TRAIN).pixels);
    const char *set = scratch_path(&scratch, "set");
    char words[FOLDER_WORDS];
    folder_unusual(data.augment, words);
    assert_string_equal(words, "");
    other = open_at(
        set, TRAIN, TEST, "1",
        (struct folder_options){
            .side = 4000, .aliased = 1, .coloured = 1, .oriented = 1, .skip_broken = 1});
    assert_string_equal(other.augment,
                        "4000 px; area 0.05-1, aspect 3/4-4/3, flip, colour; bilinear; test: "
                        "central 87.5 %; oriented by EXIF; broken skipped");
    assert_true(other.digest != data.digest);
    folder_unusual(other.augment, words);
    assert_string_equal(words, "resized without antialias, colours varied, oriented by EXIF, "
                               "broken images replaced");
    dataset_release(&other);
    folder_augment(
        &(struct folder_options){
            .side = FOLDER_SIDE_MAX, .coloured = 1, .oriented = 1, .skip_broken = 1},
        words);
    assert_string_equal(words + strlen(words) - 7, "skipped"); /* the longest there can be */
    dataset_release(&data);
    struct err err = {0};
    if (source_open("imagenet", set, 3, 2, &(struct folder_options){.side = 20}, &data, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(data.name, "imagenet");
    assert_int_equal(data.height, 20);
    dataset_release(&data);
    assert_int_equal(source_open("imagenet", set, 3, 2, &(struct folder_options){0}, &data, &err),
                     0);
    assert_int_equal(data.height, FOLDER_SIDE);
    dataset_release(&data);
}

/* One thread, two, five; alone, together, in another order, from a smaller part of the set. */
static void same_bytes(void **state)
{
    (void)state;
    for (int split = 0; split < DATASET_SPLITS; split++) {
        const char *const threads[] = {"2", "5"};
        int64_t count = split == DATASET_TRAIN ? TRAIN + 1 : TEST, image[TRAIN + 1];
        static uint8_t want[(TRAIN + 1) * ROW], got[(TRAIN + 1) * ROW];
        int32_t labels[TRAIN + 1], some[TRAIN + 1];
        numbers(image, count);
        struct dataset data = opened("set", TRAIN + 1, TEST, "1");
        take(&data, split, 3, image, count, want, labels);
        for (int64_t i = count - 1; i >= 0; i--) {
            take(&data, split, 3, &image[i], 1, got, some);
            assert_memory_equal(got, want + (size_t)i * ROW, ROW);
            assert_int_equal(some[0], labels[i]);
        }
        dataset_release(&data);
        for (size_t t = 0; t < 2; t++) {
            data = opened("set", TRAIN + 1, TEST, threads[t]);
            for (int again = 0; again < 3; again++) {
                memset(got, 0, sizeof got);
                take(&data, split, 3, image, count, got, some);
                assert_memory_equal(got, want, (size_t)count * ROW);
                assert_memory_equal(some, labels, (size_t)count * sizeof *some);
            }
            dataset_release(&data);
        }
        data = opened("set", 7, 3, "2");
        take(&data, split, 3, image, 3, got, some);
        assert_memory_equal(got, want, 3 * ROW);
        dataset_release(&data);
    }
}

/* One image: its rows are the parts that frame.h says, of its pixels. */
static void parts_of_the_image(void **state)
{
    (void)state;
    struct err err = {0};
    struct picture picture = {0};
    struct resize resize = {0};
    struct picture_file file = picture_make(picture_named("420"), 4, 90, 61);
    const int64_t image[1] = {0};
    uint8_t row[ROW], want[ROW];
    int32_t label;
    folder("one/train/only");
    folder("one/val/only");
    put("one/train/only/x.jpg", file.bytes, file.size);
    put("one/val/only/x.jpg", file.bytes, file.size);
    for (int aliased = 0; aliased < 2; aliased++) {
        struct dataset data = open_at(scratch_path(&scratch, "one"), 1, 1, "2",
                                      (struct folder_options){.aliased = aliased});
        for (uint32_t epoch = 0; epoch <= 10; epoch++) {
            int split = epoch == 10 ? DATASET_TEST : DATASET_TRAIN;
            struct frame frame = epoch == 10 ? frame_test(90, 61)
                                             : frame_train(9, epoch, 0, 90, 61);
            const uint8_t *pixels;
            take(&data, split, epoch, image, 1, row, &label);
            if (picture_open(&picture, file.bytes, file.size, &err) != 0 ||
                picture_rows(&picture, 0, 61, &pixels, &err) != 0 ||
                resize_to(&resize, pixels + (size_t)(frame.top * 90 + frame.left) * PICTURE_PIXEL,
                          (size_t)90 * PICTURE_PIXEL, frame.width, frame.height, SIDE, !aliased,
                          frame.flip, want, &err) != 0)
                fail_msg("%s", err.text);
            assert_memory_equal(row, want, ROW);
        }
        dataset_release(&data);
    }
    picture_release(&picture);
    resize_release(&resize);
    free(file.bytes);
}

/* Every odd kind, ten of each, whatever the file is called: what is evaluated, as Pillow shows it,
 * as the pixels lie and turned as EXIF says. */
static void as_pillow(void **state)
{
    (void)state;
    enum { COUNT = PICTURE_KINDS * PICTURE_EACH, PIXELS = 27 };
    int64_t image[COUNT];
    static uint8_t rows[COUNT * PIXELS];
    int32_t labels[COUNT];
    numbers(image, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        char path[256], name[64];
        snprintf(name, sizeof name, "%s", pillow[i].name);
        int number = atoi(strrchr(name, '_') + 1);
        *strrchr(name, '_') = '\0';
        for (int split = 0; split < DATASET_SPLITS; split++) {
            snprintf(path, sizeof path, "pil/%s/%s", split == DATASET_TEST ? "val" : "train",
                     pillow[i].name);
            folder(path);
        }
        snprintf(path + strlen(path), sizeof path - strlen(path), "/it's \"\xe2\x82\xac %d\".JPEG",
                 number);
        put_picture(path, picture_named(name), number, picture_width(number),
                    picture_height(number));
    }
    put("pil/train/dot_0/one.jpg", "unread", 6);
    for (int turned = 0; turned < 2; turned++) {
        struct dataset data = open_at(scratch_path(&scratch, "pil"), 1, COUNT, "2",
                                      (struct folder_options){.side = 3, .oriented = turned});
        take(&data, DATASET_TEST, 0, image, COUNT, rows, labels);
        for (size_t i = 0; i < COUNT; i++) /* classes and values are both sorted by name */
            for (size_t k = 0; k < PIXELS; k++) {
                const char *want = turned ? pillow[labels[i]].turned : pillow[labels[i]].row;
                unsigned value;
                assert_int_equal(sscanf(want + 2 * k, "%2x", &value), 1);
                if (abs((int)value - rows[i * PIXELS + k]) > 1)
                    fail_msg("%s%s: byte %zu is %d, not %u", pillow[labels[i]].name,
                             turned ? ", turned" : "", k, rows[i * PIXELS + k], value);
            }
        dataset_release(&data);
    }
}

/* Training rows with varied colours are those without, and then changed; others are not. */
static void coloured(void **state)
{
    (void)state;
    int64_t image[TRAIN];
    static uint8_t rows[TRAIN * ROW], want[TRAIN * ROW];
    int32_t labels[TRAIN];
    struct dataset plain = opened("set", TRAIN, TEST, "2"),
                   data = open_at(scratch_path(&scratch, "set"), TRAIN, TEST, "2",
                                  (struct folder_options){.coloured = 1});
    numbers(image, TRAIN);
    take(&plain, DATASET_TRAIN, 4, image, TRAIN, want, labels);
    take(&data, DATASET_TRAIN, 4, image, TRAIN, rows, labels);
    assert_memory_not_equal(rows, want, sizeof rows);
    for (int64_t i = 0; i < TRAIN; i++) {
        struct colour colour = colour_train(9, 4, i);
        colour_apply(&colour, want + (size_t)i * ROW, (size_t)SIDE * SIDE);
    }
    assert_memory_equal(rows, want, sizeof rows);
    take(&plain, DATASET_TEST, 0, image, TEST, want, labels);
    take(&data, DATASET_TEST, 0, image, TEST, rows, labels);
    assert_memory_equal(rows, want, (size_t)TEST * ROW);
    dataset_release(&plain);
    dataset_release(&data);
}

/* Buffers grow to what the rows need, and stay. */
static void nothing_allocated(void **state)
{
    (void)state;
    struct dataset data = opened("set", TRAIN, TEST, "1");
    int64_t image[TRAIN];
    static uint8_t pixels[TRAIN * ROW];
    int32_t labels[TRAIN];
    numbers(image, TRAIN);
    allocations = 0;
    take(&data, DATASET_TRAIN, 0, image, TRAIN, pixels, labels);
    assert_in_range(allocations, 5, 60);
    allocations = 0;
    take(&data, DATASET_TRAIN, 0, image, TRAIN, pixels, labels);
    assert_int_equal(allocations, 0);
    dataset_release(&data);
}

/* Another epoch is another part of the image; every class is there, in an order that mixes them. */
static void rows_differ(void **state)
{
    (void)state;
    struct dataset data = opened("set", TRAIN + 1, TEST, "2");
    int64_t image[TRAIN + 1];
    static uint8_t one[(TRAIN + 1) * ROW], other[(TRAIN + 1) * ROW];
    int32_t labels[TRAIN + 1];
    int of[PICTURE_KINDS] = {0}, runs = 0, same = 0;
    numbers(image, TRAIN + 1);
    take(&data, DATASET_TRAIN, 0, image, TRAIN + 1, one, labels);
    take(&data, DATASET_TRAIN, 1, image, TRAIN + 1, other, labels);
    for (int64_t i = 0; i <= TRAIN; i++) {
        of[labels[i]]++;
        runs += i > 0 && labels[i] == labels[i - 1];
        same += memcmp(one + (size_t)i * ROW, other + (size_t)i * ROW, ROW) == 0;
    }
    for (size_t k = 0; k < PICTURE_KINDS; k++)
        assert_in_range(of[k], EACH, EACH + 1);
    assert_in_range(runs, 0, 15);
    /* Those of one pixel, of each kind and all of "dot"; and about half of "wide" and "tall", of
     * which no part fits that could be drawn, so that the flip alone differs. */
    assert_in_range(same, PICTURE_KINDS + EACH - 1, PICTURE_KINDS + EACH - 1 + 2 * EACH);
    dataset_release(&data);
}

static void counts_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data, before;
    struct folder_options options = {.side = SIDE}, wide = {.side = 5000};
    const char *set = scratch_path(&scratch, "set");
    char words[80];
    memset(&data, 0xa5, sizeof data);
    memcpy(&before, &data, sizeof data);
    assert_int_equal(folder_open(set, TRAIN + 2, TEST, &options, &data, &err), ERR_INPUT);
    snprintf(words, sizeof words, "set/train' has %d images; %d cannot be taken", (int)TRAIN + 1,
             (int)TRAIN + 2);
    assert_non_null(strstr(err.text, words));
    assert_int_equal(folder_open(set, TRAIN, TEST + 1, &options, &data, &err), ERR_INPUT);
    snprintf(words, sizeof words, "set/val' has %d images; %d cannot be taken", (int)TEST,
             (int)TEST + 1);
    assert_non_null(strstr(err.text, words));
    assert_int_equal(folder_open(set, 0, 1, &options, &data, &err), ERR_INPUT);
    assert_int_equal(folder_open(set, 1, 1, &wide, &data, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "5000 pixels on a side cannot be had; 1 to 4096"));
    setenv("REPRO_DECODERS", "many", 1);
    assert_int_equal(folder_open(set, 1, 1, &options, &data, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "REPRO_DECODERS is 'many'"));
    unsetenv("REPRO_DECODERS");
    assert_memory_equal(&data, &before, sizeof data);
}

/* The digest changes with names, classes and sizes, not with where the folder lies. */
static void digest(void **state)
{
    (void)state;
    const char *const trees[] = {"d1", "d2"};
    uint64_t digest[6];
    size_t found = 0;
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/train/a", trees[i]);
        folder(name);
        snprintf(name, sizeof name, "%s/train/a/1.jpg", trees[i]);
        put(name, "123", 3);
        snprintf(name, sizeof name, "%s/val/a", trees[i]);
        folder(name);
        snprintf(name, sizeof name, "%s/val/a/1.jpg", trees[i]);
        put(name, "123", 3);
        struct dataset data = opened(trees[i], 1, 1, "1");
        digest[found++] = data.digest;
        dataset_release(&data);
    }
    assert_true(digest[0] == digest[1]);
    for (int step = 0; step < 3; step++) {
        if (step == 0)
            put("d2/val/a/1.jpg", "1234", 4);
        else if (step == 1)
            assert_int_equal(rename(scratch_path(&scratch, "d2/val/a/1.jpg"),
                                    scratch_path(&scratch, "d2/val/a/2.jpg")),
                             0);
        else
            folder("d2/train/b");
        struct dataset data = opened("d2", 1, 1, "1");
        digest[found++] = data.digest;
        dataset_release(&data);
    }
    for (size_t i = 1; i < found; i++)
        for (size_t k = i + 1; k < found; k++)
            assert_true(digest[i] != digest[k]);
}

/* ---- Broken files. ---- */

static void make_broken(const char *name, const void *bytes, size_t size)
{
    char path[128];
    folder("broken/train/a");
    folder("broken/val/a");
    put_picture("broken/val/a/v.jpg", picture_named("420"), 1, 30, 20);
    put_picture("broken/train/a/good.jpg", picture_named("420"), 2, 30, 20);
    snprintf(path, sizeof path, "broken/train/a/%s", name);
    put(path, bytes, size);
}

/* With the good image and the broken one: fails and names it; or shows the good one twice. */
static void is_broken(const char *name, const void *bytes, size_t size, const char *words)
{
    struct err err = {0};
    const int64_t image[2] = {0, 1};
    uint8_t pixels[2 * ROW], twice[2 * ROW];
    int32_t labels[2];
    char where[160];
    make_broken(name, bytes, size);
    snprintf(where, sizeof where, "/broken/train/a/%s'", name);
    struct dataset data = opened("broken", 2, 1, "2");
    assert_int_equal(dataset_augmented(&data, 1, 0, image, 2, pixels, labels, &err), ERR_INPUT);
    if (strstr(err.text, where) == NULL || strstr(err.text, words) == NULL)
        fail_msg("'%s' or '%s' is not in: %s", where, words, err.text);
    dataset_release(&data);
    data = open_at(scratch_path(&scratch, "broken"), 2, 1, "2",
                   (struct folder_options){.skip_broken = 1});
    assert_int_equal(dataset_broken(&data).images, 0);
    assert_int_equal(dataset_augmented(&data, 1, 0, image, 2, pixels, labels, &err), 0);
    assert_int_equal(dataset_broken(&data).rows, 1);
    assert_memory_equal(pixels, pixels + ROW, ROW);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            dataset_augmented(&data, 1, 0, &image[i], 1, twice + (size_t)i * ROW, labels, &err), 0);
    assert_memory_equal(twice, pixels, 2 * ROW);
    assert_int_equal(dataset_broken(&data).rows, 2);
    assert_int_equal(dataset_broken(&data).images, 1); /* once, however often it is met */
    char said[ERR_TEXT];
    dataset_broken_words(&data, 0, said, sizeof said);
    assert_non_null(strstr(said, where));
    assert_non_null(strstr(said, words));
    dataset_release(&data);
    char path[160];
    snprintf(path, sizeof path, "broken/train/a/%s", name);
    assert_int_equal(unlink(scratch_path(&scratch, path)), 0);
}

static void broken_files(void **state)
{
    (void)state;
    struct picture_file file = picture_make(picture_named("progressive"), 1, 60, 50);
    is_broken("empty.jpg", "", 0, "is empty");
    is_broken("text.JPEG", "It says JPEG, but is text.\n", 27, "neither a JPEG nor a PNG");
    is_broken("cut \"off\".jpeg", file.bytes, file.size / 2, "cut off");
    size_t at = 2;
    while (file.bytes[at + 1] != 0xc2)
        at += 2 + (size_t)file.bytes[at + 2] * 256 + file.bytes[at + 3];
    memset(file.bytes + at + 5, 0xff, 4);
    file.bytes[at + 5] = file.bytes[at + 7] = 0xf0;
    is_broken("bomb.jpg", file.bytes, file.size, "61695 x 61695 pixels");
    free(file.bytes);
}

/* All of them: the skipping ends. */
static void nothing_but_broken(void **state)
{
    (void)state;
    struct err err = {0};
    const int64_t image[1] = {0};
    uint8_t pixels[ROW];
    int32_t label;
    make_broken("bad.jpg", "bad", 3);
    put("broken/train/a/good.jpg", "not so good", 11);
    struct dataset data = open_at(scratch_path(&scratch, "broken"), 2, 1, "1",
                                  (struct folder_options){.skip_broken = 1});
    assert_int_equal(dataset_augmented(&data, 1, 0, image, 1, pixels, &label, &err), ERR_INPUT);
    assert_int_equal(dataset_plain(&data, DATASET_TEST, image, 1, pixels, &label, &err), 0);
    char said[2][ERR_TEXT];
    assert_int_equal(dataset_broken(&data).images, 2);
    assert_int_equal(dataset_broken(&data).rows, 0);
    for (int i = 0; i < 2; i++)
        dataset_broken_words(&data, i, said[i], sizeof said[i]);
    assert_non_null(strstr(said[0], strstr(said[1], "bad.jpg") != NULL ? "good.jpg" : "bad.jpg"));
    dataset_release(&data);
}

/* A file that is not what was listed is found out when it is read, and one that is gone is no
 * broken image. */
static void changed_meanwhile(void **state)
{
    (void)state;
    struct err err = {0};
    const int64_t image[1] = {0};
    uint8_t pixels[ROW];
    int32_t label;
    make_broken("x.jpg", "x", 1);
    struct dataset data = open_at(scratch_path(&scratch, "broken"), 1, 1, "1",
                                  (struct folder_options){.skip_broken = 1});
    put("broken/val/a/v.jpg", "longer", 6);
    assert_int_equal(dataset_plain(&data, DATASET_TEST, image, 1, pixels, &label, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "val/a/v.jpg' is 6 bytes, not "));
    assert_int_equal(unlink(scratch_path(&scratch, "broken/val/a/v.jpg")), 0);
    assert_int_equal(dataset_plain(&data, DATASET_TEST, image, 1, pixels, &label, &err), ERR_IO);
    assert_non_null(strstr(err.text, "val/a/v.jpg' cannot be opened: No such file"));
    dataset_release(&data);
}

/* Every image of the folder, by one thread and by several. */
static void real_images(void **state)
{
    (void)state;
    enum { MOST = 256 };
    const char *path = getenv("REPRO_IMAGENET");
    if (path == NULL) {
        print_message("# skipped: set REPRO_IMAGENET to a folder with train/CLASS and val/CLASS\n");
        skip();
    }
    int64_t image[MOST];
    int32_t labels[MOST], others[MOST];
    uint8_t *pixels = malloc(MOST * ROW), *other = malloc(MOST * ROW);
    struct dataset data = open_at(path, MOST, MOST, "1", (struct folder_options){0}),
                   again = open_at(path, MOST, MOST, "4", (struct folder_options){0});
    assert_true(data.digest == again.digest);
    numbers(image, MOST);
    for (int split = 0; split < DATASET_SPLITS; split++) {
        double sum = 0;
        take(&data, split, 2, image, MOST, pixels, labels);
        take(&again, split, 2, image, MOST, other, others);
        assert_memory_equal(pixels, other, MOST * ROW);
        assert_memory_equal(labels, others, sizeof labels);
        for (size_t i = 0; i < MOST * ROW; i++)
            sum += pixels[i];
        assert_in_range((int)(sum / (MOST * ROW)), 105, 130); /* ImageNet's is 116 */
    }
    dataset_release(&data);
    dataset_release(&again);
    free(pixels);
    free(other);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(same_bytes),
        cmocka_unit_test(parts_of_the_image),
        cmocka_unit_test(as_pillow),
        cmocka_unit_test(coloured),
        cmocka_unit_test(nothing_allocated),
        cmocka_unit_test(rows_differ),
        cmocka_unit_test(counts_refused),
        cmocka_unit_test(digest),
        cmocka_unit_test(broken_files),
        cmocka_unit_test(nothing_but_broken),
        cmocka_unit_test(changed_meanwhile),
        cmocka_unit_test(real_images),
    };
    return cmocka_run_group_tests_name("folder", tests, set_up, tear_down);
}

#else

static void says_what_is_missing(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    assert_int_equal(source_open("imagenet", "/", 1, 1, &(struct folder_options){0}, &data, &err),
                     ERR_CANNOT_RUN);
    assert_non_null(strstr(err.text, "which this build lacks (Debian: "));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(says_what_is_missing)};
    return cmocka_run_group_tests_name("folder", tests, NULL, NULL);
}

#endif
