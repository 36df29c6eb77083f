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

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

/* Parts of a file that lie beside it: "NAME...part". */
static size_t parts_of(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    char folder[SCRATCH_PATH];
    size_t count = 0;
    snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        count += strncmp(entry->d_name, name, strlen(name)) == 0 && length > 5 &&
                 strcmp(entry->d_name + length - 5, ".part") == 0;
    }
    closedir(directory);
    return count;
}

static void assert_no_part(const char *path)
{
    assert_int_equal(parts_of(path), 0);
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
    assert_says(&err, ERR_IO, "file/below'", "Not a directory");
    assert_int_equal(file_replace(scratch_path(&scratch, "no/folder"), "x", 1, &err), ERR_IO);
    assert_says(&err, ERR_IO, "no/folder'", "No such file");
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
    assert_says(&err, ERR_IO, "locked/file'", "Permission denied");
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
    assert_says(&err, ERR_IO, "limited'", "File too large");
    assert_no_part(path);
    file_abandon(&file);
    assert_holds(path, "old");
}

static void disk_full(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "full");
    struct err err = {0};
    struct file_writer file = {0};
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0) {
        print_message("# skipped: no /dev/full\n");
        skip();
    }
    put(path, "old");
    assert_int_equal(file_open(&file, path, &err), 0);
    assert_true(dup2(full, file.descriptor) >= 0);
    assert_int_equal(file_put(&file, "new", 3, &err), ERR_IO);
    assert_says(&err, ERR_IO, "full'", "No space left");
    assert_no_part(path);
    assert_holds(path, "old");
    close(full);
}

/* What stands in a file's place and is none is refused at once, and stays. */
static void only_files_are_replaced(void **state)
{
    (void)state;
    static const char *const names[] = {"a-folder", "a-pipe", "a-link", "a-dangling"};
    static const char *const kinds[] = {"a folder", "a pipe", "a link", "a link"};
    put(scratch_path(&scratch, "target"), "mine");
    assert_int_equal(mkdir(scratch_path(&scratch, names[0]), 0777), 0);
    assert_int_equal(mkfifo(scratch_path(&scratch, names[1]), 0666), 0);
    assert_int_equal(symlink("target", scratch_path(&scratch, names[2])), 0);
    assert_int_equal(symlink("nowhere", scratch_path(&scratch, names[3])), 0);
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};
        const char *path = scratch_path(&scratch, names[i]);
        assert_int_equal(file_replace(path, "new", 3, &err), ERR_IO);
        assert_says(&err, ERR_IO, names[i], kinds[i]);
        assert_no_part(path);
    }
    assert_holds(scratch_path(&scratch, "target"), "mine");
    assert_false(file_exists(scratch_path(&scratch, "nowhere")));
}

static void only_files_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    char *bytes = NULL;
    size_t size;
    const char *pipe = scratch_path(&scratch, "pipe"), *dangling = scratch_path(&scratch, "gone");
    assert_int_equal(mkfifo(pipe, 0666), 0);
    assert_int_equal(symlink("nothing", dangling), 0);
    assert_int_equal(file_read(pipe, 10, &bytes, &size, &err), ERR_IO); /* and does not wait */
    assert_says(&err, ERR_IO, "/pipe'", "a pipe, no file");
    assert_int_equal(file_read(dangling, 10, &bytes, &size, &err), ERR_IO);
    assert_says(&err, ERR_IO, "/gone'", "a link to nothing");
    put(scratch_path(&scratch, "linked"), "x");
    assert_int_equal(symlink("linked", scratch_path(&scratch, "link")), 0);
    assert_holds(scratch_path(&scratch, "link"), "x");
}

/* Only "no such file" means absent: whoever takes another failure for it begins anew over what is
 * there. */
static void what_cannot_be_looked_at_is_there(void **state)
{
    (void)state;
    char name[400];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(symlink("round", scratch_path(&scratch, "round")), 0);
    assert_int_equal(symlink("nothing", scratch_path(&scratch, "dangles")), 0);
    put(scratch_path(&scratch, "flat"), "x");
    assert_false(file_exists(scratch_path(&scratch, "absent")));
    assert_false(file_exists(scratch_path(&scratch, "absent/below")));
    assert_false(file_exists(scratch_path(&scratch, "flat/below")));
    assert_true(file_exists(scratch_path(&scratch, "round")));   /* ELOOP */
    assert_true(file_exists(scratch_path(&scratch, "dangles"))); /* to nothing, but it is there */
    assert_true(file_exists(scratch_path(&scratch, name)));      /* ENAMETOOLONG */
}

/* What a killed process has left is removed, what a living one writes is not. */
static void parts_that_were_left(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "swept");
    static const char *const others[] = {"swept.x.part", "swept2.part", "other.1-2.part"};
    struct err err = {0};
    struct file_writer living = {0};
    put(scratch_path(&scratch, "swept.4711-0.part"), "left");
    put(scratch_path(&scratch, "swept.part"), "left, of before");
    for (size_t i = 0; i < 3; i++)
        put(scratch_path(&scratch, others[i]), "not ours");
    assert_int_equal(file_open(&living, path, &err), 0);
    assert_int_equal(file_replace(path, "new", 3, &err), 0);
    assert_false(file_exists(scratch_path(&scratch, "swept.4711-0.part")));
    assert_false(file_exists(scratch_path(&scratch, "swept.part")));
    assert_true(file_exists(living.part));
    assert_int_equal(file_put(&living, "newest", 6, &err), 0);
    assert_int_equal(file_commit(&living, &err), 0);
    assert_holds(path, "newest");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(remove(scratch_path(&scratch, others[i])), 0);
    assert_no_part(path);
}

/* Processes that replace one file all succeed, and at any moment it is one of theirs, whole. */
static void many_writers(void **state)
{
    (void)state;
    enum { WRITERS = 4, ROUNDS = 40, SIZE = 9000 };
    const char *path = scratch_path(&scratch, "shared");
    pid_t writers[WRITERS];
    put(path, "");
    for (int w = 0; w < WRITERS; w++) {
        writers[w] = fork();
        assert_true(writers[w] >= 0);
        if (writers[w] == 0) {
            static char bytes[SIZE];
            struct err err = {0};
            int failed = 0;
            memset(bytes, 'a' + w, sizeof bytes);
            for (int i = 0; i < ROUNDS; i++)
                failed += file_replace(path, bytes, sizeof bytes, &err) != 0;
            _exit(failed != 0);
        }
    }
    int left = WRITERS, status, failed = 0;
    while (left > 0) {
        struct err err = {0};
        char *bytes = NULL;
        size_t size;
        while (left > 0 && waitpid(-1, &status, WNOHANG) > 0) {
            failed += status != 0;
            left--;
        }
        assert_int_equal(file_read(path, 1 << 20, &bytes, &size, &err), 0);
        assert_true(size == 0 || size == SIZE);
        for (size_t i = 1; i < size; i++)
            assert_int_equal(bytes[i], bytes[0]);
        mem_free(bytes);
    }
    assert_int_equal(failed, 0);
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
        cmocka_unit_test(only_files_are_replaced),
        cmocka_unit_test(only_files_are_read),
        cmocka_unit_test(what_cannot_be_looked_at_is_there),
        cmocka_unit_test(parts_that_were_left),
        cmocka_unit_test(many_writers),
    };
    return cmocka_run_group_tests_name("file", tests, set_up, tear_down);
}
