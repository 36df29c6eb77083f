/* text.h -- a text that grows: tables, sentences, captions.
 *
 * Appending never fails on the spot: the first failure is kept, later appends do nothing, and
 * text_take() tells.  So a writer of forty lines needs one check. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

struct err;

/* Zeroed: empty.  bytes has a NUL behind `size` bytes, or is NULL while nothing was appended. */
struct text {
    char *bytes;
    size_t size, capacity;
    int failed; /* out of memory */
};

/* Appends as printf() does. */
void text_put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same as vprintf() does. */
void text_put_args(struct text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Appends `size` bytes as they are, or a string, or one character. */
void text_put_bytes(struct text *text, const char *bytes, size_t size);
void text_put_string(struct text *text, const char *string);
void text_put_char(struct text *text, char byte);

/* Hands the bytes over, never NULL, to be freed with mem_free(), and empties *text.  ERR_MEMORY
 * "out of memory while writing WHAT" where an append has failed; *bytes is untouched then. */
int text_take(struct text *text, char **bytes, const char *what, struct err *err);

/* Frees and zeroes; legal on a zeroed struct. */
void text_release(struct text *text);

#endif
