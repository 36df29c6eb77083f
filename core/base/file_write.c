/* Replacing files.
 *
 * A struct file_writer is open exactly while its path is set, so that a zeroed one is a closed one
 * and every failure can abandon the file at once: the caller's own file_abandon() then finds
 * nothing left to do.
 *
 * A part has a name that no other process writes to, and is made anew, never opened: two that
 * replace one file both succeed, and the last one's is kept.  Its writer holds a lock on it.  So
 * whoever comes next can tell a part that is being written from one that a killed process has left:
 * of the latter the lock can be had.  Where a file system knows no locks such parts stay. */
#include "base/file.h"

#include "base/err.h"
#include "base/file_parts.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_MAX ((size_t)1 << 30) /* one write() moves less than 2 GiB anyway */
#define TRIES 100
#define SUFFIX ".part"

/* What is replaced must be a file, or nothing: a rename would take the place of a link, and fail at
 * the end of the work for a folder. */
static int check_target(const char *path, struct err *err)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? 0 : err_errno(err, errno, "cannot write '%s'", path);
    if (S_ISREG(status.st_mode))
        return 0;
    return err_set(err, ERR_IO, "cannot replace '%s': it is %s, no file; move it away", path,
                   file_kind(status.st_mode));
}

static int lock(int descriptor, int how)
{
    while (flock(descriptor, how) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* A new file of a name of its own, locked; -1 with errno.  Between making and locking it another
 * process may take it for one that was left, and remove it: then another is made. */
static int make_part(const char *part)
{
    struct stat status;
    int descriptor;
    do
        descriptor = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return -1;
    lock(descriptor, LOCK_EX); /* without locks nobody else takes it for left either */
    if (fstat(descriptor, &status) == 0 && status.st_nlink > 0)
        return descriptor;
    close(descriptor);
    errno = EEXIST;
    return -1;
}

static int open_part(struct file_writer *file, const char *path, struct err *err)
{
    static atomic_uint count;
    for (int i = 0; i < TRIES; i++) {
        mem_free(file->part);
        file->part = mem_format(err, "%s.%ld-%u" SUFFIX, path, (long)getpid(),
                                atomic_fetch_add(&count, 1));
        if (file->part == NULL)
            return ERR_MEMORY;
        file->descriptor = make_part(file->part);
        if (file->descriptor >= 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return err_errno(err, errno, "cannot write '%s'", path);
}

/* Whether an entry of the folder is a part of the file: "NAME.123-4.part", or "NAME.part", as they
 * were called before. */
static int is_part(const char *entry, const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX), whole = strlen(entry);
    if (strncmp(entry, name, length) != 0 || whole < length + suffix ||
        strcmp(entry + whole - suffix, SUFFIX) != 0)
        return 0;
    const char *middle = entry + length;
    size_t rest = whole - length - suffix;
    return rest == 0 ||
           (rest > 1 && middle[0] == '.' && strspn(middle + 1, "0123456789-") == rest - 1);
}

/* Removes the parts that killed processes have left.  What cannot be looked at stays. */
static void sweep(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
    char *folder = mem_format(NULL, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                              slash == NULL ? "." : path);
    DIR *directory = folder == NULL ? NULL : opendir(folder);
    mem_free(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (!is_part(entry->d_name, name))
            continue;
        int left = openat(dirfd(directory), entry->d_name,
                          O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (left < 0)
            continue;
        if (lock(left, LOCK_EX | LOCK_NB) == 0)
            unlinkat(dirfd(directory), entry->d_name, 0);
        close(left);
    }
    closedir(directory);
}

int file_open(struct file_writer *file, const char *path, struct err *err)
{
    struct file_writer opened = {mem_string(path, err), NULL, -1};
    int code = opened.path == NULL ? ERR_MEMORY : check_target(path, err);
    if (code == 0)
        code = open_part(&opened, path, err);
    if (code == 0)
        sweep(path);
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
            int code = err_errno(err, put < 0 ? errno : EIO, "cannot write '%s'", file->path);
            file_abandon(file);
            return code;
        }
        at += put;
        size -= (size_t)put;
    }
    return 0;
}

int file_commit(struct file_writer *file, struct err *err)
{
    if (file->path == NULL)
        return err_set(err, ERR_INTERNAL, "file_commit() was called on a file that is not open");
    int number = file_flush(file->descriptor);
    int code = number == 0 ? 0 : err_errno(err, number, "cannot write '%s'", file->path);
    /* renamed while the lock is held: nobody takes it for left */
    if (code == 0 && rename(file->part, file->path) != 0)
        code = err_errno(err, errno, "cannot replace '%s'", file->path);
    if (code != 0) {
        file_abandon(file);
        return code;
    }
    if (close(file->descriptor) != 0 && errno != EINTR)
        code = err_errno(err, errno, "cannot write '%s'", file->path);
    if (code == 0)
        code = file_flush_folder(file->path, err);
    mem_free(file->path);
    mem_free(file->part);
    *file = (struct file_writer){0};
    return code;
}

void file_abandon(struct file_writer *file)
{
    if (file->path != NULL) {
        unlink(file->part);
        if (file->descriptor >= 0)
            close(file->descriptor);
        mem_free(file->path);
        mem_free(file->part);
    }
    *file = (struct file_writer){0};
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
