/* digest.h -- what tells whether bytes are those that were written: XXH3 of 128 bits, as text.  It
 * finds damage, not malice. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT 33 /* 32 hexadecimal digits and a NUL */

/* Of `size` bytes; a seed other than 0 binds them to what the seed is a digest of. */
void digest_bytes(const void *bytes, size_t size, uint64_t seed, char digest[DIGEST_TEXT]);

#endif
