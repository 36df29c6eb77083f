/* repro conform: the conformance programs on one plugin, one after the other, and a summary. */
#include "cli/command.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/installed.h"
#include "base/suggest.h"
#include "base/text.h"
#include "cli/options.h"
#include "lab/conform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef REPRO_CONFORMANCE_DIR
#define REPRO_CONFORMANCE_DIR "/usr/local/libexec/repro/conformance"
#endif

#define PARTS_MAX 32

struct request {
    const char *plugin, *only;
};

#define FIELD(name) offsetof(struct request, name)
static const struct option_row rows[] = {
    {.name = "only",
     .argument = "PART,...",
     .help = "of contract, ops, net, update, counts, heap, resident, recorded, queued, measure, "
             "pair (default: all)",
     .kind = OPTION_TEXT,
     .offset = FIELD(only)},
};
static const struct option_table table = {
    .usage = "PLUGIN",
    .about = "Holds a backend against the contract: a plugin by path (./mine.so) or by name.  "
             "Prints, for each part, how many tests passed, the error that came nearest to its "
             "bound, why the others failed, and what the plugin does not claim to do.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .operands = OPTION_OPERANDS_ONE,
    .operand_offset = FIELD(plugin),
    .operand_missing = "which plugin? its path, as ./mine.so, or its name, as `repro backends` "
                       "lists it",
};

/* Whether a comma list holds a name. */
static int lists(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == length && strncmp(list, name, length) == 0)
            return 1;
    return 0;
}

static int check_only(const char *only, const struct conform_part *parts, size_t count,
                      struct err *err)
{
    const char *names[PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = parts[i].name;
    for (const char *at = only; at != NULL && *at != '\0'; at += *at == ',') {
        char word[64], mend[SUGGEST_TEXT];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        int known = 0;
        for (size_t i = 0; i < count; i++)
            known |= strcmp(word, names[i]) == 0;
        if (!known)
            return err_set(err, ERR_USAGE, "--only: unknown part '%s'%s", word,
                           suggest_phrase(mend, word, names, count, '\'',
                                          "`repro conform --help` lists them"));
        at += length;
    }
    return 0;
}

/* Prints a text's lines, each behind `before`. */
static void print_lines(const struct text *text, const char *before)
{
    for (const char *at = text->bytes; at != NULL && *at != '\0'; at = strchr(at, '\n') + 1)
        printf("%s%.*s\n", before, (int)strcspn(at, "\n"), at);
}

static void print_result(const struct conform_part *part, const struct conform_result *result)
{
    printf("%-9s %3d passed", part->name, result->passed);
    if (result->failed > 0)
        printf(", %d FAILED", result->failed);
    if (result->skipped > 0)
        printf(", %d not claimed", result->skipped);
    if (result->bound > 0.0)
        printf("; worst error %.1e, bound %.0e: %s", result->error, result->bound, result->worst);
    putchar('\n');
    if (result->end[0] != '\0')
        printf("    the program %s\n", result->end);
    print_lines(&result->failures, "    ");
    if (result->skipped > 0 && result->passed + result->failed == 0)
        print_lines(&result->reasons, "    not claimed: ");
    fflush(stdout);
}

/* What the programs find in their environment; they look for openblas beside us, too. */
static int set_environment(const char *plugin, char **folder, struct err *err)
{
    const char *given = getenv("REPRO_CONFORMANCE_PATH");
    char *path = backend_search_path(err);
    *folder = given != NULL && *given != '\0' ? mem_string(given, err)
                                              : installed_find(REPRO_CONFORMANCE_DIR, err);
    int code = path == NULL || *folder == NULL ? ERR_MEMORY : 0;
    if (code == 0 && (setenv("REPRO_BACKEND_PATH", path, 1) != 0 ||
                      setenv("REPRO_CONFORMANCE_BACKEND", plugin, 1) != 0 ||
                      setenv("REPRO_REQUIRE", plugin, 1) != 0))
        code = err_set(err, ERR_MEMORY, "out of memory for the environment");
    mem_free(path);
    return code;
}

/* The plugin loads here, and has a device. */
static int print_plugin(const char *plugin, struct text *unclaimed, struct err *err)
{
    struct repro_device_options options = {.struct_size = sizeof options};
    struct repro_backend backend;
    struct repro_device *device = NULL;
    struct repro_caps caps;
    char text[BACKEND_DEVICE_TEXT];
    int code = backend_open(plugin, &options, &backend, &device, &caps, err);
    if (code != 0)
        return code;
    printf("%s %s, contract %d.%u, on %s\n", backend.name, backend.version, REPRO_ABI_MAJOR,
           (unsigned)backend.abi_minor, backend_device_text(&caps, text));
    fflush(stdout);
    conform_unclaimed(&backend, &caps, unclaimed);
    backend.device_close(device);
    return 0;
}

static int run_parts(const struct request *request, const char *folder, int *bad, struct err *err)
{
    size_t count, ran = 0, failed = 0;
    const struct conform_part *parts = conform_parts(&count);
    struct text names = {0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++) {
        struct conform_result result = {0};
        if (request->only != NULL && !lists(request->only, parts[i].name))
            continue;
        code = conform_run(folder, &parts[i], &result, err);
        if (code == 0) {
            print_result(&parts[i], &result);
            ran++;
            if (result.failed > 0 || result.end[0] != '\0') {
                failed++;
                text_put(&names, " %s", parts[i].name);
            }
        }
        conform_release(&result);
    }
    if (code == 0 && failed == 0)
        printf("conforms: %zu of %zu parts ran, and nothing failed\n", ran, count);
    else if (code == 0)
        printf("does not conform:%s; one by hand: REPRO_CONFORMANCE_BACKEND=%s %s/test_%s\n",
               names.bytes == NULL ? "" : names.bytes, request->plugin, folder,
               names.bytes == NULL ? "" : strrchr(names.bytes, ' ') + 1);
    text_release(&names);
    *bad = failed > 0;
    return code;
}

int command_conform(int argc, char **argv)
{
    struct request request = {0};
    struct err err = {0};
    struct text unclaimed = {0};
    size_t count;
    int bad = 0;
    option_table_parse(&table, argc, argv, &request);
    const struct conform_part *parts = conform_parts(&count);
    char *beside = NULL, *folder = NULL;
    int code = check_only(request.only, parts, count, &err);
    if (code == 0 && strchr(request.plugin, '/') == NULL && file_exists(request.plugin)) {
        beside = mem_format(&err, "./%s", request.plugin); /* a name with a slash is a path */
        code = beside == NULL ? ERR_MEMORY : 0;
        request.plugin = beside;
    }
    if (code == 0)
        code = set_environment(request.plugin, &folder, &err);
    if (code == 0)
        code = print_plugin(request.plugin, &unclaimed, &err);
    if (code == 0 && unclaimed.size > 0) {
        puts("it does not claim to do:");
        print_lines(&unclaimed, "    ");
    }
    if (code == 0)
        code = run_parts(&request, folder, &bad, &err);
    text_release(&unclaimed);
    mem_free(beside);
    mem_free(folder);
    return code != 0 ? report_error(&err) : bad ? EXIT_FAILED : EXIT_DONE;
}
