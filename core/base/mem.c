#include "base/mem.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void *mem_new(size_t count, size_t size, struct err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - MEM_ALIGN) {
        err_set(err, ERR_MEMORY, "cannot allocate %zu x %zu bytes: more than an address can hold",
                count, size);
        return NULL;
    }
    bytes = (bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    if (bytes == 0)
        bytes = MEM_ALIGN;
    void *memory = aligned_alloc(MEM_ALIGN, bytes);
    if (memory == NULL) {
        err_set(err, ERR_MEMORY, "cannot allocate %zu bytes: out of memory", bytes);
        return NULL;
    }
    return memset(memory, 0, bytes);
}

void mem_free(void *memory)
{
    free(memory);
}

char *mem_string(const char *text, struct err *err)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mem_new(bytes, 1, err);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

char *mem_format(struct err *err, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = NULL;
    if (length < 0)
        err_set(err, ERR_MEMORY, "cannot make a text of the format '%s'", format);
    else
        text = mem_new((size_t)length + 1, 1, err);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

int64_t mem_peak(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}
