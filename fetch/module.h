/* module.h -- the parts of the module of `repro fetch` (core/fetch/link.h). */
#ifndef FETCH_MODULE_H
#define FETCH_MODULE_H

#include "fetch/link.h"

/* Fills *failure as printf() does; returns 1. */
int32_t fetch_fail(struct fetch_failure *failure, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As link.h says. */
int32_t fetch_download(struct fetch_transfer *transfer, struct fetch_failure *failure);
int32_t fetch_sums(const char *path, char md5[FETCH_MD5_TEXT], char sha256[FETCH_SHA256_TEXT],
                   struct fetch_failure *failure);
int32_t fetch_unpack(struct fetch_unpacking *unpacking, struct fetch_failure *failure);

#endif
