/* listing.h and listing_cache.h: what counts, in which order, what is refused, and when a listing
 * that was kept is taken. */
#include "data/listing_cache.h"

#include "base/err.h"
#include "base/file.h"
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    return scratch_make(&scratch) != 0 ||
                   setenv("XDG_CACHE_HOME", scratch_path(&scratch, "cache"), 1)
               ? -1
               : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static void make_folder(const char *name)
{
    struct err err = {0};
    if (file_make_folders(scratch_path(&scratch, name), &err) != 0)
        fail_msg("%s", err.text);
}

static void make_file(const char *name, const char *bytes)
{
    FILE *file = fopen(scratch_path(&scratch, name), "w");
    assert_non_null(file);
    assert_true(fputs(bytes, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A time of long ago for a folder or file. */
static void set_time(const char *name, int seconds)
{
    struct timespec times[2] = {{.tv_sec = 1500000000 + seconds}};
    times[1] = times[0];
    assert_int_equal(utimensat(AT_FDCWD, scratch_path(&scratch, name), times, 0), 0);
}

static struct listing list(const char *folder)
{
    struct err err = {0};
    struct listing listing;
    if (listing_scan(scratch_path(&scratch, folder), &listing, &err) != 0)
        fail_msg("%s", err.text);
    return listing;
}

static void path_is(const struct listing *listing, int split, int64_t image, const char *path)
{
    char found[256];
    struct err err = {0};
    assert_int_equal(listing_path(listing, split, image, found, sizeof found, &err), 0);
    assert_string_equal(found, path);
}

static void refused(const char *folder, const char *words, const char *more)
{
    struct err err = {0};
    struct listing listing, before;
    memset(&listing, 0x5a, sizeof listing);
    memcpy(&before, &listing, sizeof listing);
    assert_int_equal(listing_scan(scratch_path(&scratch, folder), &listing, &err), ERR_INPUT);
    if (strstr(err.text, words) == NULL || strstr(err.text, more) == NULL)
        fail_msg("'%s' or '%s' is not in: %s", words, more, err.text);
    assert_memory_equal(&listing, &before, sizeof listing);
}

static void what_counts(void **state)
{
    (void)state;
    make_folder("a/train/b");
    make_folder("a/train/a b'\"");
    make_folder("a/train/\xc3\xa9t\xc3\xa9/deep.jpg");
    make_folder("a/train/empty");
    make_folder("a/train/.hidden");
    make_folder("a/val/b");
    make_file("a/train/readme.jpg", "not in a class");
    make_file("a/train/b/z.JPEG", "12345");
    make_file("a/train/b/a.jpg", "");
    make_file("a/train/b/B.Png", "1");
    make_file("a/train/b/.x.jpg", "1");
    make_file("a/train/b/.jpg", "1");
    make_file("a/train/b/notes.txt", "1");
    make_file("a/train/b/jpeg", "1");
    make_file("a/train/a b'\"/with blank 'and' \"quotes\".jpeg", "12");
    make_file("a/train/\xc3\xa9t\xc3\xa9/\xe2\x82\xac.jpg", "1");
    make_file("a/val/b/one.png", "1");
    assert_int_equal(symlink("z.JPEG", scratch_path(&scratch, "a/train/b/link.jpg")), 0);
    struct listing listing = list("a");
    assert_int_equal(listing.class_count, 4);
    assert_string_equal(listing_name(&listing, listing.classes[0]), "a b'\"");
    assert_string_equal(listing_name(&listing, listing.classes[1]), "b");
    assert_string_equal(listing_name(&listing, listing.classes[2]), "empty");
    assert_string_equal(listing_name(&listing, listing.classes[3]), "\xc3\xa9t\xc3\xa9");
    assert_int_equal(listing.count[DATASET_TRAIN], 6);
    path_is(&listing, DATASET_TRAIN, 0, "train/a b'\"/with blank 'and' \"quotes\".jpeg");
    path_is(&listing, DATASET_TRAIN, 1, "train/b/B.Png");
    path_is(&listing, DATASET_TRAIN, 2, "train/b/a.jpg");
    path_is(&listing, DATASET_TRAIN, 3, "train/b/link.jpg");
    path_is(&listing, DATASET_TRAIN, 4, "train/b/z.JPEG");
    path_is(&listing, DATASET_TRAIN, 5, "train/\xc3\xa9t\xc3\xa9/\xe2\x82\xac.jpg");
    assert_int_equal(listing.images[DATASET_TRAIN][2].bytes, 0);
    assert_int_equal(listing.images[DATASET_TRAIN][3].bytes, 5);
    assert_int_equal(listing.images[DATASET_TRAIN][5].label, 3);
    assert_int_equal(listing.count[DATASET_TEST], 1);
    assert_int_equal(listing.images[DATASET_TEST][0].label, 1);
    path_is(&listing, DATASET_TEST, 0, "val/b/one.png");
    listing_release(&listing);
}

static void flat(void **state)
{
    (void)state;
    make_folder("flat/train/n2");
    make_folder("flat/train/n1");
    make_folder("flat/val");
    make_file("flat/val/c.jpg", "1");
    make_file("flat/val/b b.jpg", "12");
    make_file("flat/val/a.jpg", "123");
    make_file("flat/val/unnamed.jpg", "1");
    make_file("flat/val_labels.txt", "b b.jpg n1\nc.jpg n1\r\n\na.jpg n2");
    struct listing listing = list("flat");
    assert_int_equal(listing.count[DATASET_TEST], 3);
    path_is(&listing, DATASET_TEST, 0, "val/b b.jpg");
    path_is(&listing, DATASET_TEST, 1, "val/c.jpg");
    path_is(&listing, DATASET_TEST, 2, "val/a.jpg");
    assert_int_equal(listing.images[DATASET_TEST][2].label, 1);
    assert_int_equal(listing.images[DATASET_TEST][2].bytes, 3);
    listing_release(&listing);
    const struct {
        const char *lines, *words;
    } cases[] = {
        {"a.jpg n1\nb.jpg", ":2: there must be an image and its class"},
        {" n1", ":1: there must be"},
        {"a.jpg ", ":1: there must be"},
        {"a.jpg n3", ":1: '"},
        {"a.jpg n3", "/train' has no class 'n3'"},
        {"../val/a.jpg n1", "'../val/a.jpg' cannot be an image of val"},
        {"a.txt n1", "'a.txt' cannot be"},
        {"gone.jpg n1", "No such file"},
        {"a.jpg n1\nc.jpg n1\na.jpg n2", "names the image 'a.jpg' twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_file("flat/val_labels.txt", cases[i].lines);
        refused("flat", cases[i].words, "val_labels.txt");
    }
}

static void what_is_refused(void **state)
{
    (void)state;
    make_folder("empty");
    refused("nowhere", "cannot find the folder", "nowhere': No such file");
    refused("empty", "there is no folder '", "empty/train'; --data takes");
    make_folder("empty/train");
    refused("empty", "empty/train' has no folder of a class", "--data takes");
    make_folder("odd/train/a");
    refused("odd", "there is no folder '", "odd/val'");
    make_folder("odd/val/b");
    refused("odd", "odd/val/b' is a class that '", "odd/train' lacks");
}

static void links(void **state)
{
    (void)state;
    make_folder("in/train/a");
    make_folder("in/val");
    make_folder("out");
    make_file("out/x.jpg", "1");
    const char *link = scratch_path(&scratch, "in/train/a/x.jpg");
    assert_int_equal(symlink("../../../out/x.jpg", link), 0);
    refused("in", "in/train/a/x.jpg' is a symbolic link out of the folder '", "/in'");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("gone", link), 0);
    refused("in", "in/train/a/x.jpg' is a symbolic link that leads nowhere", "remove it");
    assert_int_equal(unlink(link), 0);
    link = scratch_path(&scratch, "in/train/b");
    assert_int_equal(symlink(scratch_path(&scratch, "out"), link), 0);
    refused("in", "in/train/b' is a symbolic link out of the folder", "");
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("a", link), 0); /* within: another name of the class */
    struct listing listing = list("in");
    assert_int_equal(listing.class_count, 2);
    listing_release(&listing);
}

static void many_classes(void **state)
{
    (void)state;
    enum { CLASSES = 2000 };
    make_folder("many/val");
    for (int i = 0; i < CLASSES; i++) {
        char name[64];
        snprintf(name, sizeof name, "many/train/n%d", i);
        make_folder(name);
        snprintf(name, sizeof name, "many/train/n%d/%d.jpg", i, i);
        if (i % 3 == 0)
            make_file(name, "1");
    }
    struct listing listing = list("many");
    assert_int_equal(listing.class_count, CLASSES);
    assert_int_equal(listing.count[DATASET_TRAIN], (CLASSES + 2) / 3);
    path_is(&listing, DATASET_TRAIN, 0, "train/n0/0.jpg");
    path_is(&listing, DATASET_TRAIN, 1, "train/n1002/1002.jpg"); /* by bytes, not by number */
    for (size_t i = 1; i < CLASSES; i++)
        assert_true(strcmp(listing_name(&listing, listing.classes[i - 1]),
                           listing_name(&listing, listing.classes[i])) < 0);
    listing_release(&listing);
}

/* ---- What is kept. ---- */

/* Path of the one file that is kept; 0: there is none. */
static int kept(char *path, size_t size)
{
    const char *folder = scratch_path(&scratch, "cache/repro/index");
    DIR *directory = opendir(folder);
    int found = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
        if (entry->d_name[0] != '.') {
            snprintf(path, size, "%s/%s", folder, entry->d_name);
            found++;
        }
    if (directory != NULL)
        closedir(directory);
    return found;
}

static int64_t opened(const char *folder, int64_t bytes)
{
    struct err err = {0};
    struct listing listing;
    if (listing_open(scratch_path(&scratch, folder), &listing, &err) != 0)
        fail_msg("%s", err.text);
    int64_t count = listing.count[DATASET_TRAIN];
    assert_int_equal(listing.class_count, 2);
    assert_int_equal(listing.count[DATASET_TEST], 1);
    path_is(&listing, DATASET_TEST, 0, "val/v.jpg");
    path_is(&listing, DATASET_TRAIN, 0, "train/a/1.jpg");
    assert_int_equal(listing.images[DATASET_TRAIN][0].bytes, bytes);
    assert_int_equal(listing.images[DATASET_TEST][0].label, 1);
    listing_release(&listing);
    return count;
}

static void settle(int seconds)
{
    const char *names[] = {"kept/train", "kept/train/a", "kept/train/b", "kept/val",
                           "kept/val_labels.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        set_time(names[i], seconds);
}

static void kept_and_checked(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    make_folder("kept/train/a");
    make_folder("kept/train/b");
    make_folder("kept/val");
    make_file("kept/train/a/1.jpg", "1");
    make_file("kept/val/v.jpg", "1");
    make_file("kept/val_labels.txt", "v.jpg b\n");
    assert_int_equal(opened("kept", 1), 1);
    assert_int_equal(kept(path, sizeof path), 0); /* changed a moment ago */
    settle(0);
    assert_int_equal(opened("kept", 1), 1);
    assert_int_equal(kept(path, sizeof path), 1);
    make_file("kept/train/a/1.jpg", "12"); /* in its place: not seen, so the kept one is taken */
    assert_int_equal(opened("kept", 1), 1);
    make_file("kept/train/b/2.jpg", "1");
    assert_int_equal(opened("kept", 2), 2); /* a folder changed, a moment ago */
    settle(0);
    set_time("kept/train/b", 7);
    assert_int_equal(opened("kept", 2), 2);
    make_file("kept/train/a/1.jpg", "123");
    assert_int_equal(opened("kept", 2), 2);
    settle(0);
    assert_int_equal(opened("kept", 3), 2);
}

/* Whichever byte is another one, or is missing. */
static void damaged(void **state)
{
    (void)state;
    char path[SCRATCH_PATH], *bytes;
    struct err err = {0};
    size_t size;
    settle(0);
    assert_int_equal(opened("kept", 3), 2);
    assert_int_equal(kept(path, sizeof path), 1);
    assert_int_equal(file_read(path, 1 << 20, &bytes, &size, &err), 0);
    make_file("kept/train/a/1.jpg", "1234"); /* tells a new listing from the kept one */
    assert_int_equal(opened("kept", 3), 2);
    for (size_t i = 0; i < size; i += 1 + size / 60) {
        bytes[i] ^= 0x10;
        assert_int_equal(file_replace(path, bytes, size, &err), 0);
        bytes[i] ^= 0x10;
        assert_int_equal(opened("kept", 4), 2);
        assert_int_equal(file_replace(path, bytes, i, &err), 0);
        assert_int_equal(opened("kept", 4), 2);
    }
    free(bytes);
}

static void no_place(void **state)
{
    (void)state;
    make_file("in the way", "");
    setenv("XDG_CACHE_HOME", scratch_path(&scratch, "in the way"), 1);
    assert_int_equal(opened("kept", 4), 2);
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", scratch_path(&scratch, "home"), 1);
    assert_int_equal(opened("kept", 4), 2);
    assert_true(file_exists(scratch_path(&scratch, "home/.cache/repro/index")));
    unsetenv("HOME");
    assert_int_equal(opened("kept", 4), 2);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts),     cmocka_unit_test(flat),
        cmocka_unit_test(what_is_refused), cmocka_unit_test(links),
        cmocka_unit_test(many_classes),    cmocka_unit_test(kept_and_checked),
        cmocka_unit_test(damaged),         cmocka_unit_test(no_place),
    };
    return cmocka_run_group_tests_name("listing", tests, set_up, tear_down);
}
