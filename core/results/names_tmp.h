#ifndef NAMES_TMP_H
#define NAMES_TMP_H
#include <string.h>
static inline const char *precision_name(int p)
{
    static const char *const names[] = {"", "f32", "tf32", "bf16"};
    return names[p];
}
static inline int precision_find(const char *text)
{
    for (int i = 1; i <= 3; i++)
        if (strcmp(text, precision_name(i)) == 0)
            return i;
    return 0;
}
static inline const char *optimizer_name(int o)
{
    static const char *const names[] = {"", "sgd", "momentum", "nesterov", "adam"};
    return names[o];
}
#endif
