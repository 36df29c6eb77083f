/* A struct file_writer is open exactly while its path is set, so that a zeroed one is a closed one
 * and every failure can abandon the file at once: the caller's own file_abandon() then finds
 * nothing left to do. */
#include "base/file.h"

#include "base/err.h"
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

static int make_folder(const char *path, struct err *err)
{
    struct stat status;
    if (mkdir(path, 0777) == 0)
        return 0;
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

int file_read(const char *path, size_t limit, char **bytes, size_t *size, struct err *err)
{
    char *read_bytes = NULL;
    size_t read_size = 0;
    int descriptor;
    do
        descriptor = open(path, O_RDONLY | O_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return err_errno(err, errno, "cannot open '%s'", path);
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
    return stat(path, &status) == 0;
}

void file_abandon(struct file_writer *file)
{
    if (file->path != NULL) {
        if (file->descriptor >= 0)
            close(file->descriptor);
        unlink(file->part);
        mem_free(file->path);
        mem_free(file->part);
    }
    *file = (struct file_writer){0};
}

int file_open(struct file_writer *file, const char *path, struct err *err)
{
    struct file_writer opened = {mem_string(path, err), mem_format(err, "%s.part", path), -1};
    int code = opened.path == NULL || opened.part == NULL ? ERR_MEMORY : 0;
    if (code == 0) {
        do
            opened.descriptor = open(opened.part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        while (opened.descriptor < 0 && errno == EINTR);
        if (opened.descriptor < 0)
            code = err_errno(err, errno, "cannot write '%s'", opened.part);
    }
    if (code != 0) {
        mem_free(opened.path);
        mem_free(opened.part);
        opened = (struct file_writer){0};
    }
    *file = opened;
    return code;
}

int file_put(struct file_writer *file, const void *bytes, size_t size, struct err *err)
{
    if (file->path == NULL)
        return err_set(err, ERR_INTERNAL, "file_put() was called on a file that is not open");
    const char *at = bytes;
    while (size > 0) {
        ssize_t put = write(file->descriptor, at, size < CHUNK_MAX ? size : CHUNK_MAX);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            int code = err_errno(err, put < 0 ? errno : EIO, "cannot write '%s'", file->part);
            file_abandon(file);
            return code;
        }
        at += put;
        size -= (size_t)put;
    }
    return 0;
}

static int flush(int descriptor)
{
    while (fsync(descriptor) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Makes a rename in the folder of path last.  Some file systems cannot do it for a folder and say
 * EINVAL: nothing is left to be done there. */
static int flush_folder(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path);
    char *folder = mem_format(err, "%.*s", length, slash == NULL ? "." : path);
    if (folder == NULL)
        return ERR_MEMORY;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = descriptor < 0 ? errno : flush(descriptor);
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

int file_commit(struct file_writer *file, struct err *err)
{
    if (file->path == NULL)
        return err_set(err, ERR_INTERNAL, "file_commit() was called on a file that is not open");
    int number = flush(file->descriptor);
    if (close(file->descriptor) != 0 && errno != EINTR && number == 0)
        number = errno;
    file->descriptor = -1;
    int code = number == 0 ? 0 : err_errno(err, number, "cannot write '%s'", file->part);
    if (code == 0 && rename(file->part, file->path) != 0)
        code = err_errno(err, errno, "cannot rename '%s' to '%s'", file->part, file->path);
    if (code != 0) {
        file_abandon(file);
        return code;
    }
    code = flush_folder(file->path, err);
    mem_free(file->path);
    mem_free(file->part);
    *file = (struct file_writer){0};
    return code;
}

int file_replace(const char *path, const void *bytes, size_t size, struct err *err)
{
    struct file_writer file = {0};
    int code = file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, bytes, size, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    return code;
}
