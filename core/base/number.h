/* number.h -- numbers in words, in decimal only: no hexadecimal, no octal, no "inf" or "nan", and
 * nothing that its type cannot hold.  So "0x10" is the number 0 with something behind it. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

/* 1 when `text` begins with a number: *value is it, and *end points behind it.  Else 0, and both
 * are untouched.  A sign may stand before it, a fraction and an exponent belong to a real one. */
int number_whole(const char *text, int64_t *value, const char **end);
int number_real(const char *text, double *value, const char **end);

#endif
