/* Both sums in one pass over the file. */
#include "module.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/md5.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 20)

static void hexadecimal(const uint8_t *digest, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

int32_t fetch_sums(const char *path, char md5[FETCH_MD5_TEXT], char sha256[FETCH_SHA256_TEXT],
                   struct fetch_failure *failure)
{
    static uint8_t bytes[CHUNK];
    struct md5_ctx old;
    struct sha256_ctx new;
    ssize_t got;
    md5_init(&old);
    sha256_init(&new);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fetch_fail(failure, "cannot be opened: %s", strerror(errno));
    while ((got = read(descriptor, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        if (got < 0)
            continue;
        md5_update(&old, (size_t)got, bytes);
        sha256_update(&new, (size_t)got, bytes);
    }
    int number = errno;
    close(descriptor);
    if (got < 0)
        return fetch_fail(failure, "cannot be read: %s", strerror(number));
    uint8_t digest[SHA256_DIGEST_SIZE];
    md5_digest(&old, MD5_DIGEST_SIZE, digest);
    hexadecimal(digest, MD5_DIGEST_SIZE, md5);
    sha256_digest(&new, SHA256_DIGEST_SIZE, digest);
    hexadecimal(digest, SHA256_DIGEST_SIZE, sha256);
    return 0;
}
