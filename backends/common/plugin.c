#include "common/plugin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t fail(struct repro_error *err, int32_t code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

void copy_sized(void *to, size_t size, const void *from)
{
    uint32_t theirs;
    memcpy(&theirs, from, sizeof theirs);
    memset(to, 0, size);
    memcpy(to, from, theirs < size ? theirs : size);
}

void fill_sized(void *to, const void *from, size_t size)
{
    uint32_t theirs;
    memcpy(&theirs, to, sizeof theirs);
    memcpy(to, from, theirs < size ? theirs : size);
    memcpy(to, &theirs, sizeof theirs);
}

int32_t plugin_device_options(const struct repro_device_options *given,
                              struct repro_device_options *options, struct repro_error *err)
{
    copy_sized(options, sizeof *options, given);
    if (options->reserved != 0 || options->reserved_1_3 != 0)
        return fail(err, REPRO_UNSUPPORTED, "a reserved field of the device options is %u, not 0",
                    options->reserved != 0 ? (unsigned)options->reserved
                                           : (unsigned)options->reserved_1_3);
    if (options->flags & ~REPRO_DEVICE_FLAGS)
        return fail(err, REPRO_UNSUPPORTED, "unknown device flag 0x%x",
                    (unsigned)(options->flags & ~REPRO_DEVICE_FLAGS));
    if (options->flags & REPRO_DEVICE_TUNED && options->plans == NULL)
        return fail(err, REPRO_ARGUMENT,
                    "tuned algorithms are wanted, and no file is named that keeps them");
    return 0;
}

void *plugin_allocate(int64_t count, size_t size)
{
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) ||
        bytes > SIZE_MAX - PLUGIN_ALIGN)
        return NULL;
    bytes = (bytes / PLUGIN_ALIGN + 1) * PLUGIN_ALIGN;
    void *memory = aligned_alloc(PLUGIN_ALIGN, bytes);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}
