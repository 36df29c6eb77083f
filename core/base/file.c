/* file.c -- folders and reading; file_write.c replaces files. */
#include "base/file.h"

#include "base/err.h"
#include "base/file_parts.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_CAPACITY 65536
#define CHUNK_MAX ((size_t)1 << 30) /* one read() or write() moves less than 2 GiB anyway */

int file_flush(int descriptor)
{
    while (fsync(descriptor) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Some file systems cannot do it for a folder and say EINVAL: nothing is left to be done there. */
int file_flush_folder(const char *path, struct err *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    while (length > 0 && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *folder = mem_format(err, "%.*s", length == 0 ? 1 : (int)length, length == 0 ? "." : path);
    if (folder == NULL)
        return ERR_MEMORY;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = descriptor < 0 ? errno : file_flush(descriptor);
    if (number == EINVAL)
        number = 0;
    if (descriptor >= 0 && close(descriptor) != 0 && errno != EINTR && number == 0)
        number = errno;
    int code = number == 0 ? 0
                           : err_errno(err, number,
                                       "'%s' is written, but its folder '%s' cannot be flushed",
                                       path, folder);
    mem_free(folder);
    return code;
}

static int make_folder(const char *path, struct err *err)
{
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return file_flush_folder(path, err);
    int number = errno;
    if (stat(path, &status) != 0)
        return err_errno(err, number, "cannot create the folder '%s'", path);
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_IO,
                       "cannot create the folder '%s': a file of this name is in the way", path);
    return 0;
}

int file_make_folders(const char *path, struct err *err)
{
    char *copy = mem_string(path, err);
    int code = copy == NULL ? ERR_MEMORY : 0;
    for (char *at = copy; code == 0 && *at != '\0'; at++) {
        if (*at != '/' || at == copy || at[-1] == '/')
            continue;
        *at = '\0';
        code = make_folder(copy, err);
        *at = '/';
    }
    if (code == 0)
        code = make_folder(path, err);
    mem_free(copy);
    return code;
}

static int grow(char **bytes, size_t *capacity, size_t size, size_t wanted, struct err *err)
{
    char *larger = mem_new(wanted, 1, err);
    if (larger == NULL)
        return ERR_MEMORY;
    if (size > 0)
        memcpy(larger, *bytes, size);
    mem_free(*bytes);
    *bytes = larger;
    *capacity = wanted;
    return 0;
}

/* Reads to the end of the file.  One byte of the capacity is kept for the NUL; a byte above the
 * limit is an error. */
static int read_all(int descriptor, const char *path, size_t limit, char **bytes, size_t *size,
                    struct err *err)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return err_errno(err, errno, "cannot read '%s'", path);
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode) && !S_ISDIR(status.st_mode))
        return err_set(err, ERR_IO, "cannot read '%s': it is %s, no file", path,
                       file_kind(status.st_mode));
    if (S_ISREG(status.st_mode) && (uintmax_t)status.st_size > limit)
        return err_set(err, ERR_INPUT, "'%s' is %jd bytes long; at most %zu can be read", path,
                       (intmax_t)status.st_size, limit);
    size_t capacity = 0, have = 0;
    size_t wanted = S_ISREG(status.st_mode) ? (size_t)status.st_size + 2 : FIRST_CAPACITY;
    for (;;) {
        if (have + 1 >= capacity) {
            int code = grow(bytes, &capacity, have, wanted, err);
            if (code != 0)
                return code;
            wanted = capacity > SIZE_MAX / 2 ? SIZE_MAX : 2 * capacity;
        }
        size_t space = capacity - 1 - have;
        ssize_t got = read(descriptor, *bytes + have, space < CHUNK_MAX ? space : CHUNK_MAX);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "cannot read '%s'", path);
        if (got == 0)
            break;
        have += (size_t)got;
        if (have > limit)
            return err_set(err, ERR_INPUT,
                           "'%s' holds more than %zu bytes, the most that can be read", path,
                           limit);
    }
    (*bytes)[have] = '\0';
    *size = have;
    return 0;
}

const char *file_kind(mode_t mode)
{
    return S_ISREG(mode)    ? "a file"
           : S_ISDIR(mode)  ? "a folder"
           : S_ISLNK(mode)  ? "a link"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* A link to nothing is worth a word of its own: "no such file" is hard to believe of a name that is
 * there. */
static int cannot_open(const char *path, int number, struct err *err)
{
    struct stat status;
    if (number == ENOENT && lstat(path, &status) == 0)
        return err_set(err, ERR_IO, "cannot open '%s': it is a link to nothing", path);
    return err_errno(err, number, "cannot open '%s'", path);
}

/* Without O_NONBLOCK a pipe would be waited for; on a file it changes nothing. */
int file_read(const char *path, size_t limit, char **bytes, size_t *size, struct err *err)
{
    char *read_bytes = NULL;
    size_t read_size = 0;
    int descriptor;
    do
        descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return cannot_open(path, errno, err);
    int code = read_all(descriptor, path, limit, &read_bytes, &read_size, err);
    if (close(descriptor) != 0 && errno != EINTR && code == 0)
        code = err_errno(err, errno, "cannot close '%s'", path);
    if (code != 0) {
        mem_free(read_bytes);
        return code;
    }
    *bytes = read_bytes;
    *size = read_size;
    return 0;
}

int file_exists(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0)
        return 1;
    if (errno != ENOENT && errno != ENOTDIR)
        return 1;
    return lstat(path, &status) == 0;
}
