#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A file's name may hold a newline; a sentence does not. */
static void one_line(char *text)
{
    for (char *at = strchr(text, '\n'); at != NULL; at = strchr(at, '\n'))
        *at = ' ';
}

int err_set(struct err *err, int code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        one_line(err->text);
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
        one_line(err->text);
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
    /* cut at ERR_TEXT is fine */
    if (snprintf(text + length, sizeof text - length, ": %s", err->text) < 0)
        return err->code;
    memcpy(err->text, text, sizeof text);
    one_line(err->text);
    return err->code;
}
