#include "data/buffer.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>

int buffer_need(struct buffer *buffer, size_t count, size_t size, struct err *err)
{
    size_t need;
    if (__builtin_mul_overflow(count, size, &need))
        return err_set(err, ERR_MEMORY, "%zu x %zu bytes are more than an address can hold", count,
                       size);
    if (buffer->bytes != NULL && need <= buffer->capacity)
        return 0;
    /* A quarter more, so that needs that creep up do not allocate each time. */
    size_t wanted = need > SIZE_MAX - need / 4 ? need : need + need / 4;
    void *bytes = mem_new(wanted, 1, err);
    if (bytes == NULL)
        return ERR_MEMORY;
    mem_free(buffer->bytes);
    *buffer = (struct buffer){bytes, wanted};
    return 0;
}

void buffer_release(struct buffer *buffer)
{
    mem_free(buffer->bytes);
    *buffer = (struct buffer){0};
}
