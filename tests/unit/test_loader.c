/* The loader against the stub plugins in $REPRO_STUBS. */
#include "backend/loader.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *stubs(void)
{
    const char *folder = getenv("REPRO_STUBS");
    if (folder == NULL) {
        print_message("# skipped: REPRO_STUBS does not name the folder of the stub plugins\n");
        skip();
    }
    return folder;
}

/* Loads a stub by path. */
static int load(const char *name, struct repro_backend *backend, struct err *err)
{
    char *path = mem_format(NULL, "%s/%s.so", stubs(), name);
    int code = backend_load(path, backend, err);
    mem_free(path);
    return code;
}

static void refused(const char *name, const char *first, const char *second)
{
    struct err err = {0};
    struct repro_backend backend = {.struct_size = 12345};
    assert_int_equal(load(name, &backend, &err), ERR_BACKEND);
    assert_int_equal(err.code, ERR_BACKEND);
    assert_int_equal(backend.struct_size, 12345); /* written on success only */
    if (strstr(err.text, first) == NULL || strstr(err.text, second) == NULL ||
        strstr(err.text, name) == NULL)
        fail_msg("'%s' lacks '%s', '%s' or '%s'", err.text, name, first, second);
}

static void future_minor_is_accepted(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    assert_int_equal(load("future", &backend, &err), 0);
    assert_string_equal(backend.name, "future");
    assert_int_equal(backend.abi_minor, 7);
    assert_true(backend.struct_size > sizeof backend);
    assert_non_null(backend.net_sync);
}

/* What 1.1 added is absent, whatever lies behind the shorter table. */
static void first_minor_is_accepted(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    assert_int_equal(load("first_minor", &backend, &err), 0);
    assert_string_equal(backend.name, "first-minor");
    assert_int_equal(backend.struct_size, 136);
    assert_non_null(backend.net_sync);
    assert_null(backend.net_describe);
    assert_null(backend.net_profile);
    assert_null(backend.net_bare);
}

static void refusals_name_their_reason(void **state)
{
    (void)state;
    refused("needs_future", "needs contract 1.7", "has 1.4");
    refused("broken", "broken", "net_backward");
    refused("half_pair", "broken", "data_put without data_free");
    refused("short_table", "bytes", "at least");
    refused("refusing", "refuses to start", "the vendor library is asleep");
    refused("next_major", "major 2", "major 1");
    refused("nameless", "broken", "no name");
    refused("no_table", "broken", "no table");
    refused("no_plugin", "does not export", "repro_backend_v1");
}

static void files_that_are_no_plugins(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    struct scratch scratch;
    assert_int_equal(scratch_make(&scratch), 0);
    const char *path = scratch_path(&scratch, "text.so");
    assert_int_equal(backend_load(path, &backend, &err), ERR_BACKEND); /* missing */
    assert_non_null(strstr(err.text, "text.so"));
    assert_int_equal(file_replace(path, "not a plugin\n", 13, &err), 0);
    assert_int_equal(backend_load(path, &backend, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "cannot be loaded"));
    assert_int_equal(scratch_remove(&scratch), 0);
}

static void unknown_name_gets_a_suggestion(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    assert_int_equal(setenv("REPRO_BACKEND_PATH", stubs(), 1), 0);
    assert_int_equal(backend_load("futur", &backend, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "no backend 'futur'"));
    assert_non_null(strstr(err.text, "did you mean 'future'"));
    assert_non_null(strstr(err.text, stubs()));
}

static void the_first_folder_wins(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    struct scratch scratch;
    assert_int_equal(scratch_make(&scratch), 0);
    char *target = mem_format(NULL, "%s/broken.so", stubs());
    char *path = mem_format(NULL, "%s:%s", scratch.folder, stubs());
    const char *link = scratch_path(&scratch, "future.so");
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(setenv("REPRO_BACKEND_PATH", path, 1), 0);
    assert_int_equal(backend_load("future", &backend, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "net_backward"));
    mem_free(target);
    mem_free(path);
    assert_int_equal(scratch_remove(&scratch), 0);
}

static void current_folder_is_not_searched(void **state)
{
    (void)state;
    struct err err = {0};
    struct repro_backend backend;
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(stubs()), 0);
    assert_int_equal(setenv("REPRO_BACKEND_PATH", ".:::relative", 1), 0);
    assert_int_equal(backend_load("future", &backend, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "no backend 'future'"));
    assert_int_equal(chdir(here), 0);
}

static void discovery_lists_all_with_reasons(void **state)
{
    (void)state;
    struct err err = {0};
    struct backend_found *found;
    size_t count, accepted = 0, ours = 0;
    assert_int_equal(setenv("REPRO_BACKEND_PATH", stubs(), 1), 0);
    assert_int_equal(backend_discover(&found, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(found[i].path, stubs(), strlen(stubs())) != 0)
            continue; /* an installed one */
        ours++;
        accepted += (size_t)found[i].accepted;
        assert_int_equal(found[i].accepted, found[i].reason == NULL);
        if (found[i].reason != NULL)
            assert_null(strchr(found[i].reason, '\n'));
        if (i > 0)
            assert_true(strcmp(found[i - 1].name, found[i].name) < 0);
    }
    assert_int_equal(ours, 14);
    assert_int_equal(accepted, 5);
    backend_found_free(found, count);
}

static void a_list_loads_none(void **state)
{
    (void)state;
    struct err err = {0};
    struct backend_found *found, *listed;
    size_t count, listed_count;
    assert_int_equal(setenv("REPRO_BACKEND_PATH", stubs(), 1), 0);
    assert_int_equal(backend_discover(&found, &count, &err), 0);
    assert_int_equal(backend_list(&listed, &listed_count, &err), 0);
    assert_int_equal(listed_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(listed[i].name, found[i].name);
        assert_string_equal(listed[i].path, found[i].path);
        assert_int_equal(listed[i].accepted, 0);
        assert_null(listed[i].reason);
    }
    backend_found_free(found, count);
    backend_found_free(listed, listed_count);
}

static void discovery_counts_equal_names_once(void **state)
{
    (void)state;
    struct err err = {0};
    struct backend_found *found;
    size_t count, times = 0;
    struct scratch scratch;
    assert_int_equal(scratch_make(&scratch), 0);
    char *target = mem_format(NULL, "%s/broken.so", stubs());
    char *path = mem_format(NULL, "%s:%s", stubs(), scratch.folder);
    const char *link = scratch_path(&scratch, "future.so");
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(setenv("REPRO_BACKEND_PATH", path, 1), 0);
    assert_int_equal(backend_discover(&found, &count, &err), 0);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(found[i].name, "future") != 0)
            continue;
        times++;
        assert_true(found[i].accepted);
        assert_int_equal(strncmp(found[i].path, stubs(), strlen(stubs())), 0);
    }
    assert_int_equal(times, 1);
    backend_found_free(found, count);
    mem_free(target);
    mem_free(path);
    assert_int_equal(scratch_remove(&scratch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(future_minor_is_accepted),
        cmocka_unit_test(first_minor_is_accepted),
        cmocka_unit_test(refusals_name_their_reason),
        cmocka_unit_test(files_that_are_no_plugins),
        cmocka_unit_test(unknown_name_gets_a_suggestion),
        cmocka_unit_test(the_first_folder_wins),
        cmocka_unit_test(current_folder_is_not_searched),
        cmocka_unit_test(discovery_lists_all_with_reasons),
        cmocka_unit_test(a_list_loads_none),
        cmocka_unit_test(discovery_counts_equal_names_once),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
