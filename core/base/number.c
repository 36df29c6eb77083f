#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Behind a sign. */
static const char *unsigned_part(const char *text)
{
    return text + (*text == '-' || *text == '+');
}

static int is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

int number_whole(const char *text, int64_t *value, const char **end)
{
    char *behind;
    if (!is_digit(*unsigned_part(text)))
        return 0;
    errno = 0;
    long long read = strtoll(text, &behind, 10);
    if (errno != 0)
        return 0;
    *value = read;
    *end = behind;
    return 1;
}

/* strtod() takes hexadecimal digits behind "0x"; what stands there begins with a lone 0. */
int number_real(const char *text, double *value, const char **end)
{
    char *behind;
    const char *digits = unsigned_part(text);
    if (!is_digit(digits[0]) && !(digits[0] == '.' && is_digit(digits[1])))
        return 0;
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        *value = *text == '-' ? -0.0 : 0.0;
        *end = digits + 1;
        return 1;
    }
    errno = 0;
    double read = strtod(text, &behind);
    if (errno != 0 || !isfinite(read))
        return 0;
    *value = read;
    *end = behind;
    return 1;
}
