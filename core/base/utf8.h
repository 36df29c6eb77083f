/* utf8.h -- text read character by character, whatever its bytes are. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffd

/* The character at *at, which moves behind it; 0 at the end, where *at stays.  A byte that begins
 * no valid character (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF) reads
 * UTF8_REPLACEMENT, by itself. */
uint32_t utf8_next(const char **at);

#endif
