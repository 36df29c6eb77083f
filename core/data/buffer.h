/* buffer.h -- memory that grows to the largest need so far and is kept, so that work of one kind,
 * done again and again, allocates only at first. */
#ifndef DATA_BUFFER_H
#define DATA_BUFFER_H

#include <stddef.h>

struct err;

/* Zeroed: empty.  The bytes are aligned to MEM_ALIGN. */
struct buffer {
    void *bytes;
    size_t capacity;
};

/* Sees to it that there is room for count * size bytes.  What was in it may be lost.  ERR_MEMORY
 * leaves it as it was. */
int buffer_need(struct buffer *buffer, size_t count, size_t size, struct err *err);

/* Frees and zeroes; legal on a zeroed struct. */
void buffer_release(struct buffer *buffer);

#endif
