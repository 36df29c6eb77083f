/* bytes.h -- numbers as little-endian bytes, the same on every machine. */
#ifndef DATA_BYTES_H
#define DATA_BYTES_H

#include <stdint.h>

static inline void bytes_put(unsigned char *bytes, int size, uint64_t word)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(word >> 8 * i);
}

static inline uint64_t bytes_get(const unsigned char *bytes, int size)
{
    uint64_t word = 0;
    for (int i = 0; i < size; i++)
        word |= (uint64_t)bytes[i] << 8 * i;
    return word;
}

#endif
