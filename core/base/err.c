#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->code = code;
    }
    return code;
}

int err_errno(struct err *err, int number, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        size_t length = strlen(err->text);
        if (snprintf(err->text + length, sizeof err->text - length, ": %s", strerror(number)) < 0)
            err->text[length] = '\0';
        err->code = ERR_IO;
    }
    return ERR_IO;
}

int err_prefix(struct err *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_INTERNAL;
    char text[ERR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t length = strlen(text);
    if (snprintf(text + length, sizeof text - length, ": %s", err->text) < 0) /* cut at ERR_TEXT is fine */
        return err->code;
    memcpy(err->text, text, sizeof text);
    return err->code;
}
