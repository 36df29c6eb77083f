#include "fetch/url.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands for itself in the path of a URL. */
#define PLAIN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"

char *url_of_file(const char *given, struct err *err)
{
    struct text out = {0};
    char *url = NULL;
    if (strstr(given, "://") != NULL)
        return mem_string(given, err);
    char *path = realpath(given, NULL);
    if (path == NULL) {
        err_errno(err, errno, "cannot find '%s'", given);
        return NULL;
    }
    text_put_string(&out, "file://");
    for (const char *at = path; *at != '\0'; at++)
        if (strchr(PLAIN, *at) != NULL)
            text_put_char(&out, *at);
        else
            text_put(&out, "%%%02X", (unsigned)(unsigned char)*at);
    free(path);
    if (text_take(&out, &url, "a URL", err) != 0)
        url = NULL;
    text_release(&out);
    return url;
}

char *url_at_mirror(const char *mirror, const char *url, struct err *err)
{
    const char *slash = strrchr(url, '/'), *name = slash == NULL ? url : slash + 1;
    size_t length = strlen(mirror);
    int closed = length > 0 && mirror[length - 1] == '/';
    return mem_format(err, "%s%s%s", mirror, closed ? "" : "/", name);
}
