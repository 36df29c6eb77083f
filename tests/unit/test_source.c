/* source.h: the table, what stands in where there is no folder, and names that are none. */
#include "data/source.h"

#include "base/err.h"
#include "base/mem.h"
#include "scratch.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    unsetenv("REPRO_DATA");                   /* of real data */
    setenv("REPRO_DATA_HOME", "/nowhere", 1); /* nothing is fetched */
    unsetenv("REPRO_IMAGENET");
    return scratch_make(&scratch);
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

/* Names and titles are part of identities and captions. */
static void names_are_frozen(void **state)
{
    (void)state;
    size_t count;
    const struct source *table = source_table(&count);
    assert_int_equal(count, 4);
    assert_string_equal(table[0].name, "cifar10");
    assert_string_equal(table[0].title, "CIFAR-10");
    assert_string_equal(table[1].name, "synthetic");
    assert_string_equal(table[1].title, "Synthetic data, not CIFAR-10");
    assert_string_equal(table[2].name, "imagenet");
    assert_string_equal(table[2].title, "ImageNet");
    assert_string_equal(table[3].name, "synthetic-imagenet");
    assert_string_equal(table[3].title, "Synthetic data, not ImageNet");
    for (size_t i = 0; i < count; i++) { /* a stand-in needs none itself */
        size_t k = 0;
        while (table[i].stand_in != NULL && strcmp(table[k].name, table[i].stand_in) != 0)
            assert_true(++k < count);
        if (table[i].stand_in != NULL)
            assert_null(table[k].stand_in);
    }
}

static const struct folder_options usual;

static void is_synthetic(const char *name, const char *folder)
{
    struct err err = {0};
    struct dataset data;
    if (source_open(name, folder, 300, 100, &usual, &data, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(data.name, "synthetic");
    assert_string_equal(data.title, "Synthetic data, not CIFAR-10");
    assert_string_equal(data.augment, "crop from 4-pixel reflection pad, flip");
    assert_int_equal(data.train_n, 300);
    assert_int_equal(data.test_n, 100);
    if (data.digest != UINT64_C(0x6887af82b62e4fd8)) /* of seed 1 */
        fail_msg("the digest is %016" PRIx64, data.digest);
    dataset_release(&data);
}

static void synthetic_stands_in(void **state)
{
    (void)state;
    is_synthetic("cifar10", NULL);
    is_synthetic("synthetic", NULL);
    is_synthetic("synthetic", scratch.folder); /* it reads none */
}

static void refused(const char *name, const char *folder, int64_t train_n, int code,
                    const char *words)
{
    struct err err = {0};
    struct dataset data, before;
    memset(&data, 0xa5, sizeof data);
    memcpy(&before, &data, sizeof data);
    assert_int_equal(source_open(name, folder, train_n, 1, &usual, &data, &err), code);
    assert_int_equal(err.code, code);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.text);
    assert_memory_equal(&data, &before, sizeof data);
}

static void what_cannot_be_opened(void **state)
{
    (void)state;
    refused("cifar01", NULL, 1, ERR_USAGE,
            "unknown data set 'cifar01'; did you mean 'cifar10'? (There are: cifar10, synthetic, "
            "imagenet, synthetic-imagenet.)");
    refused(
        "mnist", NULL, 1, ERR_USAGE,
        "unknown data set 'mnist'; there are: cifar10, synthetic, imagenet, synthetic-imagenet");
    refused("", scratch.folder, 1, ERR_USAGE, "unknown data set ''");
    refused("cifar10", scratch.folder, 1, ERR_INPUT, "data_batch_1.bin' is missing");
    refused("cifar10", scratch.folder, 50001, ERR_INPUT, "50000 training images");
    refused("cifar10", NULL, 0, ERR_INPUT, "at least one training");
}

/* Where no folder is named, the source's variable names it, and no other source's; in either a
 * folder of the source's name comes first. */
static void whose_folder(void **state)
{
    (void)state;
    char inner[4096];
    assert_int_equal(setenv("REPRO_DATA", scratch.folder, 1), 0);
    refused("cifar10", NULL, 1, ERR_INPUT, "data_batch_1.bin' is missing");
    refused("cifar10", "", 1, ERR_INPUT, "data_batch_1.bin' is missing");
    is_synthetic("synthetic", NULL);
    struct err err = {0};
    struct dataset data;
    assert_int_equal(source_open("imagenet", NULL, 2, 1, &usual, &data, &err), 0);
    assert_string_equal(data.name, "synthetic-imagenet");
    dataset_release(&data);
    snprintf(inner, sizeof inner, "%s/cifar10", scratch.folder);
    assert_int_equal(mkdir(inner, 0777), 0);
    refused("cifar10", NULL, 1, ERR_INPUT, "/cifar10/");
    refused("cifar10", scratch.folder, 1, ERR_INPUT, "/cifar10/");
    assert_int_equal(rmdir(inner), 0);
    assert_int_equal(unsetenv("REPRO_DATA"), 0);
    assert_int_equal(setenv("REPRO_IMAGENET", scratch.folder, 1), 0);
    refused("imagenet", NULL, 1, ERR_INPUT, scratch.folder);
    is_synthetic("cifar10", NULL);
    assert_int_equal(unsetenv("REPRO_IMAGENET"), 0);
}

static void folder_is(const char *name, const char *given, const char *path, int fetched)
{
    struct err err = {0};
    char *found = NULL;
    int was_fetched = -1;
    assert_int_equal(source_folder(source_find(name, &err), given, &found, &was_fetched, &err), 0);
    if (path == NULL)
        assert_null(found);
    else
        assert_string_equal(found, path);
    assert_int_equal(was_fetched, fetched);
    mem_free(found);
}

/* What is given comes first, then the variable, then what was fetched. */
static void fetched_copies(void **state)
{
    (void)state;
    char small[4096], large[4096];
    snprintf(small, sizeof small, "%s/cifar10", scratch.folder);
    snprintf(large, sizeof large, "%s/imagenette", scratch.folder);
    assert_int_equal(setenv("REPRO_DATA_HOME", scratch.folder, 1), 0);
    folder_is("cifar10", NULL, NULL, 0);
    assert_int_equal(mkdir(small, 0777), 0);
    assert_int_equal(mkdir(large, 0777), 0);
    folder_is("cifar10", NULL, small, 1);
    folder_is("cifar10", "", small, 1);
    folder_is("imagenet", NULL, large, 1);
    folder_is("synthetic", NULL, NULL, 0);
    refused("cifar10", NULL, 1, ERR_INPUT, "`repro fetch cifar10` brings them");
    assert_int_equal(setenv("REPRO_DATA", "/variable", 1), 0);
    folder_is("cifar10", NULL, "/variable", 0);
    folder_is("cifar10", "/given", "/given", 0);
    assert_int_equal(unsetenv("REPRO_DATA"), 0);
    assert_int_equal(rmdir(small), 0);
    assert_int_equal(rmdir(large), 0);
    assert_int_equal(setenv("REPRO_DATA_HOME", "/nowhere", 1), 0);
}

static void sides(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    const struct folder_options wide = {.side = 48}, own = {.side = 32};
    assert_int_equal(source_open("cifar10", NULL, 2, 1, &wide, &data, &err),
                     0); /* what stands in */
    assert_int_equal(data.height, 48);
    assert_int_equal(data.width, 48);
    dataset_release(&data);
    assert_int_equal(source_open("imagenet", NULL, 2, 1, &wide, &data, &err), 0);
    assert_string_equal(data.title, "Synthetic data, not ImageNet");
    assert_int_equal(data.height, 48);
    dataset_release(&data);
    assert_int_equal(source_open("cifar10", scratch.folder, 2, 1, &wide, &data, &err), ERR_INPUT);
    assert_string_equal(err.text, "CIFAR-10's images are 32 pixels on a side; 48 cannot be had");
    assert_int_equal(source_open("cifar10", scratch.folder, 2, 1, &own, &data, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "is missing"));
}

/* What is for files is refused where there are none, but for what stands in for files. */
static void options_of_files(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    const struct folder_options options[] = {
        {.aliased = 1}, {.coloured = 1}, {.oriented = 1}, {.skip_broken = 1}};
    for (size_t i = 0; i < 4; i++) {
        int skips = options[i].skip_broken;
        assert_int_equal(source_open("imagenet", NULL, 2, 1, &options[i], &data, &err), 0);
        dataset_release(&data);
        assert_int_equal(source_open("cifar10", NULL, 2, 1, &options[i], &data, &err),
                         skips ? 0 : ERR_USAGE);
        if (skips)
            dataset_release(&data);
        else
            assert_non_null(strstr(err.text, "'cifar10' is no folder of image files; leave out "));
    }
}

static void titles(void **state)
{
    (void)state;
    char title[160], augment[FOLDER_WORDS];
    source_title("cifar10", "crop from 4-pixel reflection pad, flip", title, sizeof title);
    assert_string_equal(title, "CIFAR-10");
    folder_augment(&usual, augment);
    source_title("imagenet", augment, title, sizeof title);
    assert_string_equal(title, "ImageNet");
    folder_augment(&(struct folder_options){.aliased = 1, .coloured = 1}, augment);
    source_title("imagenet", augment, title, sizeof title);
    assert_string_equal(title, "ImageNet (resized without antialias, colours varied)");
    source_title("unknown", "", title, sizeof title);
    assert_string_equal(title, "");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_frozen),      cmocka_unit_test(synthetic_stands_in),
        cmocka_unit_test(what_cannot_be_opened), cmocka_unit_test(whose_folder),
        cmocka_unit_test(fetched_copies),        cmocka_unit_test(sides),
        cmocka_unit_test(options_of_files),      cmocka_unit_test(titles),
    };
    return cmocka_run_group_tests_name("source", tests, set_up, tear_down);
}
