/* The module of `repro fetch`: libcurl, libarchive and nettle behind one table. */
#include "module.h"

#include <archive.h>
#include <curl/curl.h>
#include <nettle/version.h>
#include <stdarg.h>
#include <stdio.h>

int32_t fetch_fail(struct fetch_failure *failure, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(failure->text, sizeof failure->text, format, args);
    va_end(args);
    return 1;
}

fetch_entry repro_fetch_v1;

__attribute__((visibility("default"))) const struct fetch_link *repro_fetch_v1(void)
{
    static char libraries[128];
    static const struct fetch_link link = {.struct_size = sizeof link,
                                           .libraries = libraries,
                                           .download = fetch_download,
                                           .sums = fetch_sums,
                                           .unpack = fetch_unpack};
    snprintf(libraries, sizeof libraries, "libcurl %s, %s, nettle %d.%d",
             curl_version_info(CURLVERSION_NOW)->version, archive_version_string(),
             nettle_version_major(), nettle_version_minor());
    return &link;
}
