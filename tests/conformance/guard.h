/* guard.h -- host buffers with a sentinel on either side, aligned to their element and no better,
 * so that a backend which writes outside, or assumes an alignment the contract does not give, is
 * seen. */
#ifndef CONFORMANCE_GUARD_H
#define CONFORMANCE_GUARD_H

#include <stddef.h>

/* count elements of `size` bytes, every byte 0xff: floats are NaN, integers -1.  Ends the test when
 * out of memory. */
void *guard_new(size_t count, size_t size);

/* 1 while both sentinels are whole. */
int guard_intact(const void *memory);

/* Fails the test when a sentinel was overwritten; NULL is legal. */
void guard_free(void *memory);

#endif
