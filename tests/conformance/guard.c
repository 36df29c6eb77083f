#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guard.h"

#include <stdlib.h>
#include <string.h>

#define SENTINEL 64 /* bytes on either side */
#define PATTERN 0xa5

/* Lies before the first sentinel. */
struct header {
    size_t bytes;
    void *base;
};

static const unsigned char *front(const void *memory)
{
    return (const unsigned char *)memory - SENTINEL;
}

static struct header header_of(const void *memory)
{
    struct header header;
    memcpy(&header, front(memory) - sizeof header, sizeof header);
    return header;
}

void *guard_new(size_t count, size_t size)
{
    struct header header = {.bytes = count * size};
    unsigned char *base = aligned_alloc(64, (64 + SENTINEL + 8 + header.bytes + SENTINEL + 63) /
                                                64 * 64);
    assert_non_null(base);
    header.base = base;
    /* off any larger alignment */
    unsigned char *memory = base + 64 + SENTINEL + (size <= 4 ? size : 8);
    memcpy(memory - SENTINEL - sizeof header, &header, sizeof header);
    memset(memory - SENTINEL, PATTERN, SENTINEL);
    memset(memory, 0xff, header.bytes);
    memset(memory + header.bytes, PATTERN, SENTINEL);
    return memory;
}

int guard_intact(const void *memory)
{
    const unsigned char *back = (const unsigned char *)memory + header_of(memory).bytes;
    for (size_t i = 0; i < SENTINEL; i++)
        if (front(memory)[i] != PATTERN || back[i] != PATTERN)
            return 0;
    return 1;
}

void guard_free(void *memory)
{
    if (memory == NULL)
        return;
    assert_true(guard_intact(memory));
    free(header_of(memory).base);
}
