/* From a file to libconfig's tree.  libconfig 1.5 is lenient where an experiment must not be: a
 * whole number of more than 32 bits wraps around silently, @include is resolved against the current
 * folder, and a failed read ends the process.  So the bytes are read and looked over here first. */
#include "experiment/settings.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* libconfig counts lines in 16 bits. */
#define FILE_LIMIT 65535

/* The number of the line that holds `at`. */
static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

/* Behind the text in quotes that starts at `at`; NULL when it does not end on its line. */
static const char *skip_quoted(const char *at)
{
    for (at++; *at != '\0' && *at != '\n' && *at != '"'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : NULL;
}

/* Behind the comment that starts at `at`, or `at` where none does. */
static const char *skip_comment(const char *at)
{
    if (*at == '#' || (at[0] == '/' && at[1] == '/'))
        return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end == NULL ? at + strlen(at) : end + 2;
    }
    return at;
}

/* Behind the number that starts at `at`; NULL when it is a whole number that libconfig would
 * cut. */
static const char *skip_number(const char *at)
{
    char *end;
    int base = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') ? 16 : 10;
    errno = 0;
    unsigned long long value = strtoull(at, &end, base);
    int overflow = errno == ERANGE;
    if (base == 10 && (*end == '.' || *end == 'e' || *end == 'E')) {
        (void)strtod(at, &end);
        return end;
    }
    if (*end == 'L')
        return overflow || value > INT64_MAX ? NULL : end + 1 + (end[1] == 'L');
    return overflow || value > INT32_MAX ? NULL : end;
}

static int look_over(const char *path, const char *text, struct err *err)
{
    for (const char *at = text; *at != '\0';) {
        const char *behind = skip_comment(at);
        if (behind != at) {
            at = behind;
        } else if (*at == '"') {
            behind = skip_quoted(at);
            if (behind == NULL)
                return err_set(err, ERR_INPUT, "%s:%d: a text in quotes does not end on its line",
                               path, line_of(text, at));
            at = behind;
        } else if (*at == '@') {
            return err_set(err, ERR_INPUT,
                           "%s:%d: @include is not supported; an experiment file stands alone",
                           path, line_of(text, at));
        } else if (isdigit((unsigned char)*at)) {
            behind = skip_number(at);
            if (behind == NULL)
                return err_set(
                    err, ERR_INPUT,
                    "%s:%d: the number %.*s is too large; put an L behind one above 2147483647",
                    path, line_of(text, at), (int)strspn(at, "0123456789abcdefxABCDEFX"), at);
            at = behind;
        } else if (isalpha((unsigned char)*at)) {
            while (isalnum((unsigned char)*at) || *at == '_' || *at == '-')
                at++;
        } else {
            at++;
        }
    }
    return 0;
}

int settings_read(const char *path, config_t *config, struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    int code = file_read(path, FILE_LIMIT, &text, &size, err);
    if (code != 0)
        return code;
    if (strlen(text) != size)
        code = err_set(err, ERR_INPUT,
                       "%s:%d: the file holds a NUL byte; an experiment file is plain text", path,
                       line_of(text, text + strlen(text)));
    if (code == 0)
        code = look_over(path, text, err);
    if (code == 0) {
        config_init(config);
        if (config_read_string(config, text) != CONFIG_TRUE) {
            code = err_set(err, ERR_INPUT, "%s:%d: %s", path, config_error_line(config),
                           config_error_text(config));
            config_destroy(config);
        } else {
            config_setting_set_hook(config_root_setting(config), (void *)(uintptr_t)path);
        }
    }
    mem_free(text);
    return code;
}
