/* mem.h -- allocation with overflow-checked sizes, zeroed and aligned for vectors. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define MEM_ALIGN 64

/* count * size bytes of zeroes, aligned to MEM_ALIGN; NULL and ERR_MEMORY when they overflow or are
 * not to be had. A count of 0 gives a pointer that may be freed.  Free with mem_free(). */
void *mem_new(size_t count, size_t size, struct err *err);

/* NULL is legal. */
void mem_free(void *memory);

/* A copy of a NUL-terminated string; NULL and ERR_MEMORY when out of memory. */
char *mem_string(const char *text, struct err *err);

/* printf into a new string; NULL and ERR_MEMORY when out of memory. */
char *mem_format(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The most bytes that this process has held resident so far; 0 where the system does not say. */
int64_t mem_peak(void);

#endif
