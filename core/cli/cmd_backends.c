/* repro backends: what is found, its version, what it can do; for each that is refused or has no
 * device, why. */
#include "cli/command.h"

#include "backend/loader.h"
#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void print_set(const char *label, uint32_t mask, const char *const *names, int count)
{
    printf("    %-11s", label);
    for (int i = 1; i <= count; i++)
        if (mask >> i & 1)
            printf(" %s", names[i - 1]);
    putchar('\n');
}

static void print_caps(const struct repro_backend *backend)
{
    struct repro_device_options options = {.struct_size = sizeof options};
    struct repro_caps caps = {.struct_size = sizeof caps};
    struct repro_device *device = NULL;
    struct repro_error error = {0};
    if (backend->device_open(&options, &device, &error) != 0 ||
        backend->device_caps(device, &caps, &error) != 0) {
        printf("    cannot run here: %s\n", error.text);
    } else {
        char text[BACKEND_DEVICE_TEXT];
        printf("    %-11s %s\n", "device", backend_device_text(&caps, text));
        printf("    %-11s %s\n", "library", caps.library);
        if (caps.algorithms[0] != '\0')
            printf("    %-11s %s\n", "algorithms", caps.algorithms);
        print_set("precisions", caps.precisions, precision_names, PRECISION_COUNT);
        print_set("optimizers", caps.optimizers, optimizer_names, OPTIMIZER_COUNT);
        print_set("operations", caps.ops, op_names, REPRO_OP_COUNT);
        printf("    %-11s %s\n", "same bits",
               caps.flags & REPRO_CAPS_ANY_THREADS ? "on any number of threads"
                                                   : "on the same number of threads");
    }
    if (device != NULL)
        backend->device_close(device);
}

int command_backends(int argc, char **argv)
{
    struct err err = {0};
    struct backend_found *found = NULL;
    size_t count = 0;
    if (argc > 1) {
        fprintf(stderr, "repro: backends: takes no argument ('%s')\n", argv[1]);
        return EXIT_USAGE;
    }
    char *path = backend_search_path(&err);
    if (path == NULL || backend_discover(&found, &count, &err) != 0) {
        mem_free(path);
        return report_error(&err);
    }
    for (size_t i = 0; i < count; i++) {
        const struct backend_found *entry = &found[i];
        if (!entry->accepted) {
            printf("%s: refused: %s\n", entry->name, entry->reason);
            continue;
        }
        printf("%s %s, contract %d.%u, %s\n", entry->backend.name, entry->backend.version,
               REPRO_ABI_MAJOR, (unsigned)entry->backend.abi_minor, entry->path);
        print_caps(&entry->backend);
    }
    if (count == 0)
        printf("no plugin (*.so) in %s\n", path);
    mem_free(path);
    backend_found_free(found, count);
    return EXIT_DONE;
}
