#include "base/text.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAPACITY 256

/* Room for `more` bytes and a NUL; 0 when there is none to be had. */
static int reserve(struct text *text, size_t more)
{
    if (text->failed)
        return 0;
    if (text->bytes != NULL && more < text->capacity - text->size)
        return 1;
    size_t wanted, doubled = text->capacity == 0 ? FIRST_CAPACITY : 2 * text->capacity;
    char *larger = NULL;
    if (!__builtin_add_overflow(text->size, more, &wanted) && wanted < SIZE_MAX / 2) {
        wanted = wanted + 1 > doubled ? wanted + 1 : doubled;
        larger = mem_new(wanted, 1, NULL);
    }
    if (larger == NULL) {
        text->failed = 1;
        return 0;
    }
    if (text->size > 0)
        memcpy(larger, text->bytes, text->size);
    mem_free(text->bytes);
    text->bytes = larger;
    text->capacity = wanted;
    return 1;
}

void text_put_args(struct text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0)
        text->failed = 1;
    if (length >= 0 && reserve(text, (size_t)length)) {
        vsnprintf(text->bytes + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
}

void text_put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_put_args(text, format, args);
    va_end(args);
}

void text_put_bytes(struct text *text, const char *bytes, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size > 0)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_put_string(struct text *text, const char *string)
{
    text_put_bytes(text, string, strlen(string));
}

void text_put_char(struct text *text, char byte)
{
    text_put_bytes(text, &byte, 1);
}

int text_take(struct text *text, char **bytes, const char *what, struct err *err)
{
    if (!text->failed)
        reserve(text, 0); /* an empty text is a string too */
    if (text->failed) {
        text_release(text);
        return err_set(err, ERR_MEMORY, "out of memory while writing %s", what);
    }
    *bytes = text->bytes;
    *text = (struct text){0};
    return 0;
}

void text_release(struct text *text)
{
    mem_free(text->bytes);
    *text = (struct text){0};
}
