/* file.h: reading within limits, and that a replaced file is the old one or the new one, with no
 * part left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    return scratch_make(&scratch);
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *path, const char *text)
{
    struct err err = {0};
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(file_read(path, 1 << 20, &bytes, &size, &err), 0);
    assert_int_equal(size, strlen(text));
    assert_string_equal(bytes, text);
    mem_free(bytes);
}

static void assert_no_part(const char *path)
{
    char part[SCRATCH_PATH + 8];
    struct stat status;
    snprintf(part, sizeof part, "%s.part", path);
    assert_int_not_equal(lstat(part, &status), 0);
}

static void assert_says(const struct err *err, int code, const char *first, const char *second)
{
    assert_int_equal(err->code, code);
    assert_non_null(strstr(err->text, first));
    assert_non_null(strstr(err->text, second));
}

static void folders(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(file_make_folders(scratch_path(&scratch, "a/b//c/"), &err), 0);
    assert_true(file_exists(scratch_path(&scratch, "a/b/c")));
    assert_int_equal(file_make_folders(scratch_path(&scratch, "a/b/c"), &err), 0);
    assert_int_equal(file_make_folders("/", &err), 0);
    assert_int_equal(file_make_folders(".", &err), 0);
}

static void folders_refused(void **state)
{
    (void)state;
    struct err err = {0};
    put(scratch_path(&scratch, "plain"), "x");
    assert_int_equal(file_make_folders(scratch_path(&scratch, "plain"), &err), ERR_IO);
    assert_says(&err, ERR_IO, "plain'", "in the way");
    assert_int_equal(file_make_folders(scratch_path(&scratch, "plain/below/it"), &err), ERR_IO);
    assert_says(&err, ERR_IO, "plain'", "in the way");
    assert_int_equal(file_make_folders("", &err), ERR_IO);
}

static void read_limits(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "ten");
    struct err err = {0};
    char *bytes = (char *)0x1;
    size_t size = 77;
    put(path, "0123456789");
    assert_int_equal(file_read(path, 9, &bytes, &size, &err), ERR_INPUT);
    assert_says(&err, ERR_INPUT, "/ten'", "10 bytes");
    assert_ptr_equal(bytes, (char *)0x1);
    assert_int_equal(size, 77);
    assert_int_equal(file_read(path, 10, &bytes, &size, &err), 0);
    assert_int_equal(size, 10);
    assert_string_equal(bytes, "0123456789");
    mem_free(bytes);
    put(path, "");
    assert_int_equal(file_read(path, 0, &bytes, &size, &err), 0);
    assert_int_equal(size, 0);
    assert_string_equal(bytes, "");
    mem_free(bytes);
}

/* A device has no size to go by. */
static void read_without_a_size(void **state)
{
    (void)state;
    struct err err = {0};
    char *bytes = NULL;
    size_t size = 0;
    assert_int_equal(file_read("/dev/zero", 200000, &bytes, &size, &err), ERR_INPUT);
    assert_says(&err, ERR_INPUT, "/dev/zero", "200000");
    assert_int_equal(file_read("/dev/null", 10, &bytes, &size, &err), 0);
    assert_int_equal(size, 0);
    mem_free(bytes);
}

static void read_refused(void **state)
{
    (void)state;
    struct err err = {0};
    char *bytes = NULL;
    size_t size;
    assert_int_equal(file_read(scratch_path(&scratch, "absent"), 10, &bytes, &size, &err), ERR_IO);
    assert_says(&err, ERR_IO, "/absent'", "No such file");
    assert_int_equal(file_read(scratch.folder, 1 << 20, &bytes, &size, &err), ERR_IO);
    assert_says(&err, ERR_IO, scratch.folder, "directory");
    assert_null(bytes);
}

static void replaced(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "replaced");
    struct err err = {0};
    assert_int_equal(file_replace(path, "old", 3, &err), 0);
    assert_holds(path, "old");
    assert_int_equal(file_replace(path, "newer", 5, &err), 0);
    assert_holds(path, "newer");
    assert_int_equal(file_replace(path, "", 0, &err), 0);
    assert_holds(path, "");
    assert_no_part(path);
}

static void replaced_in_the_current_folder(void **state)
{
    (void)state;
    struct err err = {0};
    char before[SCRATCH_PATH];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch.folder), 0);
    assert_int_equal(file_replace("bare", "x", 1, &err), 0);
    assert_int_equal(chdir(before), 0);
    assert_holds(scratch_path(&scratch, "bare"), "x");
}

static void old_until_commit(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "until");
    struct err err = {0};
    struct file_writer file = {0};
    put(path, "old");
    assert_int_equal(file_open(&file, path, &err), 0);
    assert_int_equal(file_put(&file, "n", 1, &err), 0);
    assert_int_equal(file_put(&file, "ew", 2, &err), 0);
    assert_holds(path, "old");
    assert_int_equal(file_commit(&file, &err), 0);
    assert_holds(path, "new");
    assert_no_part(path);
    file_abandon(&file);
    assert_holds(path, "new");
}

static void abandoned(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "abandoned");
    struct err err = {0};
    struct file_writer file = {0};
    file_abandon(&file);
    put(path, "old");
    assert_int_equal(file_open(&file, path, &err), 0);
    assert_int_equal(file_put(&file, "new", 3, &err), 0);
    file_abandon(&file);
    assert_holds(path, "old");
    assert_no_part(path);
    file_abandon(&file);
    assert_int_equal(file_put(&file, "x", 1, &err), ERR_INTERNAL);
    assert_int_equal(file_commit(&file, &err), ERR_INTERNAL);
    /* a zeroed writer is not descriptor 0 */
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD) == -1, 0);
}

static void open_refused(void **state)
{
    (void)state;
    struct err err = {0};
    put(scratch_path(&scratch, "file"), "x");
    assert_int_equal(file_replace(scratch_path(&scratch, "file/below"), "x", 1, &err), ERR_IO);
    assert_says(&err, ERR_IO, "file/below.part'", "Not a directory");
    assert_int_equal(file_replace(scratch_path(&scratch, "no/folder"), "x", 1, &err), ERR_IO);
    assert_says(&err, ERR_IO, "no/folder.part'", "No such file");
}

static void unwritable_folder(void **state)
{
    (void)state;
    struct err err = {0};
    const char *folder = scratch_path(&scratch, "locked"),
               *path = scratch_path(&scratch, "locked/file");
    if (geteuid() == 0) {
        print_message("# skipped: root may write anywhere\n");
        skip();
    }
    assert_int_equal(file_make_folders(folder, &err), 0);
    put(path, "old");
    assert_int_equal(chmod(folder, 0500), 0);
    int code = file_replace(path, "new", 3, &err);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(code, ERR_IO);
    assert_says(&err, ERR_IO, "locked/file.part'", "Permission denied");
    assert_holds(path, "old");
}

/* A write is cut short at the size limit, and the rest of it refused. */
static void file_too_large(void **state)
{
    (void)state;
    static char bytes[5000];
    const char *path = scratch_path(&scratch, "limited");
    struct err err = {0};
    struct rlimit before, limit;
    struct file_writer file = {0};
    put(path, "old");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4096;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int opened = file_open(&file, path, &err);
    int put_code = file_put(&file, bytes, sizeof bytes, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(opened, 0);
    assert_int_equal(put_code, ERR_IO);
    assert_says(&err, ERR_IO, "limited.part'", "File too large");
    assert_no_part(path);
    file_abandon(&file);
    assert_holds(path, "old");
}

static void disk_full(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "full");
    struct err err = {0};
    if (access("/dev/full", W_OK) != 0) {
        print_message("# skipped: no /dev/full\n");
        skip();
    }
    put(path, "old");
    assert_int_equal(symlink("/dev/full", scratch_path(&scratch, "full.part")), 0);
    assert_int_equal(file_replace(path, "new", 3, &err), ERR_IO);
    assert_says(&err, ERR_IO, "full.part'", "No space left");
    assert_no_part(path);
    assert_holds(path, "old");
}

static void rename_refused(void **state)
{
    (void)state;
    struct err err = {0};
    const char *path = scratch_path(&scratch, "taken");
    assert_int_equal(file_make_folders(scratch_path(&scratch, "taken/inside"), &err), 0);
    assert_int_equal(file_replace(path, "new", 3, &err), ERR_IO);
    assert_says(&err, ERR_IO, "taken.part' to '", "directory");
    assert_no_part(path);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders),
        cmocka_unit_test(folders_refused),
        cmocka_unit_test(read_limits),
        cmocka_unit_test(read_without_a_size),
        cmocka_unit_test(read_refused),
        cmocka_unit_test(replaced),
        cmocka_unit_test(replaced_in_the_current_folder),
        cmocka_unit_test(old_until_commit),
        cmocka_unit_test(abandoned),
        cmocka_unit_test(open_refused),
        cmocka_unit_test(unwritable_folder),
        cmocka_unit_test(file_too_large),
        cmocka_unit_test(disk_full),
        cmocka_unit_test(rename_refused),
    };
    return cmocka_run_group_tests_name("file", tests, set_up, tear_down);
}
