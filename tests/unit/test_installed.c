/* place.h: an installation that was staged, moved, or lies where configure said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/installed.h"
#include "scratch.h"

#include <string.h>

static struct scratch scratch;

static int make(void **state)
{
    (void)state;
    return scratch_make(&scratch);
}

static int end(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

/* installed_from() of a program in `program` below the scratch folder gives `want`, below it too
 * where it begins with '+'. */
static void gives(const char *program, const char *bin, const char *folder, const char *want)
{
    struct err err = {0};
    char *found = installed_from(scratch_path(&scratch, program), bin, folder, &err);
    assert_non_null(found);
    assert_string_equal(found, want[0] == '+' ? scratch_path(&scratch, want + 1) : want);
    mem_free(found);
}

static void folders(const char *name)
{
    struct err err = {0};
    assert_int_equal(file_make_folders(scratch_path(&scratch, name), &err), 0);
}

/* DESTDIR: all of the prefix is there behind it. */
static void staged(void **state)
{
    (void)state;
    folders("root/usr/local/share/repro");
    gives("root/usr/local/bin", "/usr/local/bin", "/usr/local/share/repro",
          "+root/usr/local/share/repro");
}

/* make install prefix=..., or a folder that was renamed: the prefix is another one. */
static void moved(void **state)
{
    (void)state;
    folders("other/share/repro");
    folders("other/lib/x86_64-linux-gnu/repro");
    gives("other/bin", "/usr/bin", "/usr/share/repro", "+other/share/repro");
    gives("other/bin", "/usr/bin", "/usr/lib/x86_64-linux-gnu/repro",
          "+other/lib/x86_64-linux-gnu/repro");
}

/* Where nothing lies beside the program, or it lies in no such folder, configure's word counts. */
static void as_configured(void **state)
{
    (void)state;
    folders("bare/bin");
    gives("bare/bin", "/usr/bin", "/usr/share/repro", "/usr/share/repro");
    folders("build/core/share/repro");
    gives("build/core/cli", "/usr/bin", "/usr/share/repro", "/usr/share/repro");
    folders("half/share/repro"); /* "sbin" ends in "bin" and is another folder */
    gives("half/sbin", "/usr/bin", "/usr/share/repro", "/usr/share/repro");
}

/* /usr/lib and /usr/libexec share "/usr", and not "/usr/lib". */
static void whole_names(void **state)
{
    (void)state;
    folders("pack/libexec/repro");
    gives("pack/lib", "/usr/lib", "/usr/libexec/repro", "+pack/libexec/repro");
}

static void this_program(void **state)
{
    struct err err = {0};
    (void)state;
    char *found = installed_find("/nowhere/share/repro", &err);
    assert_string_equal(found, "/nowhere/share/repro");
    mem_free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staged), cmocka_unit_test(moved), cmocka_unit_test(as_configured),
        cmocka_unit_test(whole_names), cmocka_unit_test(this_program)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("place", tests, make, end);
}
