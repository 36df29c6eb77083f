/* link.h -- what brings, checks and unpacks archives: the table of functions that the module of
 * `repro fetch` hands out.
 *
 * The module is a shared object that exports one symbol, repro_fetch_v1.  It alone is linked with
 * libcurl, libarchive and nettle, and only `repro fetch` loads it, so that no training depends on
 * them or waits for them to load.  This header is all that the two share; it includes only
 * <stdint.h>.  One thread calls.  Nothing prints, and nothing exits. */
#ifndef FETCH_LINK_H
#define FETCH_LINK_H

#include <stdint.h>

#define FETCH_ENTRY_NAME "repro_fetch_v1"
#define FETCH_MD5_TEXT 33 /* hexadecimal, with a NUL */
#define FETCH_SHA256_TEXT 65

/* Why, as a part of a sentence that begins with what was being done. */
struct fetch_failure {
    char text[512];
};

/* What became of a transfer. */
enum {
    FETCH_WHOLE,   /* all bytes are there */
    FETCH_CUT,     /* the connection failed or ended early; another try may get further */
    FETCH_OTHER,   /* what it offers does not go on where the part ends: it is to begin anew */
    FETCH_REFUSED, /* no other try would help */
};

struct fetch_transfer {
    const char *url;    /* http, https or file */
    const char *agent;  /* what the server is told that we are: "repro/0.1.0" */
    int32_t descriptor; /* of the part, open for writing at its end */
    int32_t reserved;
    int64_t have; /* bytes there; more are asked for from here on.  Filled: what is there now */
    int64_t size; /* bytes of the whole; no more are written */
    /* Bytes there so far; called often */
    void (*progress)(void *context, int64_t have);
    void *context;
    int32_t resumed; /* filled: the server gave what was missing, and not the whole again */
};

struct fetch_unpacking {
    const char *archive; /* path */
    int32_t folder;      /* descriptor of the empty folder that it is unpacked into */
    int32_t reserved;
    int64_t bytes_most, files_most; /* more is refused */
    void (*progress)(void *context, int64_t bytes);
    void *context;
    int64_t bytes, files; /* filled: regular files and their bytes */
};

struct fetch_link {
    uint32_t struct_size;
    uint32_t reserved;
    const char *libraries; /* "libcurl 7.88.1, libarchive 3.6.2, nettle 3.8" */

    /* Gets url's bytes from `have` on.  A server that knows no ranges gives the whole again: the
     * part is then begun anew.  A file of another size is refused.  Redirects are followed, to http
     * and https; proxies are the environment's, as curl has them.  Returns FETCH_*. */
    int32_t (*download)(struct fetch_transfer *transfer, struct fetch_failure *failure);
    /* Of all bytes of a file; 0, or another number and *failure. */
    int32_t (*sums)(const char *path, char md5[FETCH_MD5_TEXT], char sha256[FETCH_SHA256_TEXT],
                    struct fetch_failure *failure);
    /* Unpacks a .tar or .tar.gz.  Whatever is no regular file or folder is refused, as is a name
     * that is absolute, has a ".." in it, or is there already: so nothing is written outside of the
     * folder.  0, or another number and *failure; then some of it may be there. */
    int32_t (*unpack)(struct fetch_unpacking *unpacking, struct fetch_failure *failure);
};

typedef const struct fetch_link *fetch_entry(void);

#endif
