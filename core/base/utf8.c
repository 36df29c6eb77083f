#include "base/utf8.h"

uint32_t utf8_next(const char **at)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)*at;
    uint32_t first = bytes[0], value;
    int length = first < 0x80   ? 1
                 : first < 0xc0 ? 0
                 : first < 0xe0 ? 2
                 : first < 0xf0 ? 3
                 : first < 0xf8 ? 4
                                : 0;
    if (first == 0)
        return 0;
    value = length == 1 ? first : first & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) /* also the NUL of a text that is cut off */
            length = 0;
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    if (length == 0 || value < least[length] || value > 0x10ffff ||
        (value >= 0xd800 && value <= 0xdfff)) {
        *at += 1;
        return UTF8_REPLACEMENT;
    }
    *at += length;
    return value;
}
