/* Reads by libarchive, writes by itself: with no link ever made in the folder, openat() of names
 * without ".." cannot lead out of it. */
#include "module.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (1 << 16)
#define NAME_MOST 1024 /* bytes of a path in an archive */

/* What may be no part of a path: an empty one that makes it absolute, and "..". */
static int check_name(const char *name, struct fetch_failure *failure)
{
    if (name == NULL || name[0] == '\0' || strlen(name) >= NAME_MOST)
        return fetch_fail(failure, "it holds a name that is empty or too long");
    if (name[0] == '/')
        return fetch_fail(failure, "it holds the absolute path '%.200s'", name);
    for (const char *at = name; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0'))
            return fetch_fail(failure, "it holds the path '%.200s', which leads out of it", name);
    }
    return 0;
}

static int check_entry(struct archive_entry *entry, const char *name,
                       const struct fetch_unpacking *unpacking, struct fetch_failure *failure)
{
    if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL)
        return fetch_fail(failure, "it holds the link '%.200s'", name);
    if (archive_entry_filetype(entry) == AE_IFDIR)
        return 0;
    if (archive_entry_filetype(entry) != AE_IFREG)
        return fetch_fail(failure, "it holds '%.200s', which is neither a file nor a folder", name);
    if (unpacking->files >= unpacking->files_most)
        return fetch_fail(failure, "it holds more than %" PRId64 " files", unpacking->files_most);
    if (archive_entry_size(entry) < 0 ||
        archive_entry_size(entry) > unpacking->bytes_most - unpacking->bytes)
        return fetch_fail(failure, "'%.200s' would make it more than %" PRId64 " bytes", name,
                          unpacking->bytes_most);
    return 0;
}

/* Makes the folders above the last part of a path, and that one too where `all`. */
static int make_folders(int folder, const char *name, int all, struct fetch_failure *failure)
{
    char path[NAME_MOST];
    struct stat status;
    snprintf(path, sizeof path, "%s", name);
    for (char *slash = path; slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash == NULL && !all)
            break;
        if (slash != NULL)
            *slash = '\0';
        if (mkdirat(folder, path, 0777) != 0 &&
            (errno != EEXIST || fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
             !S_ISDIR(status.st_mode)))
            return fetch_fail(failure, "the folder '%.200s' cannot be made: %s", path,
                              strerror(errno));
        if (slash != NULL)
            *slash = '/';
    }
    return 0;
}

static int put_block(int file, const char *block, size_t size, int64_t offset)
{
    for (size_t put = 0; put < size;) {
        ssize_t now = pwrite(file, block + put, size - put, (off_t)(offset + (int64_t)put));
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            return now < 0 ? errno : EIO;
        put += (size_t)now;
    }
    return 0;
}

/* A file's bytes, of which there are as many as its head has said. */
static int copy_bytes(struct archive *archive, int file, const char *name, int64_t size,
                      struct fetch_unpacking *unpacking, struct fetch_failure *failure)
{
    const void *block;
    size_t length;
    la_int64_t offset;
    int code;
    while ((code = archive_read_data_block(archive, &block, &length, &offset)) == ARCHIVE_OK) {
        if (offset < 0 || offset > size || (int64_t)length > size - offset)
            return fetch_fail(failure, "'%.200s' is longer than its head says", name);
        int number = put_block(file, block, length, offset);
        if (number != 0)
            return fetch_fail(failure, "'%.200s' cannot be written: %s", name, strerror(number));
        unpacking->progress(unpacking->context, unpacking->bytes + offset + (int64_t)length);
    }
    if (code != ARCHIVE_EOF)
        return fetch_fail(failure, "'%.200s' cannot be read: %.200s", name,
                          archive_error_string(archive));
    if (ftruncate(file, (off_t)size) != 0) /* what a sparse file ends with */
        return fetch_fail(failure, "'%.200s' cannot be written: %s", name, strerror(errno));
    return 0;
}

static int take_file(struct archive *archive, const char *name, int64_t size,
                     struct fetch_unpacking *unpacking, struct fetch_failure *failure)
{
    int file = openat(unpacking->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      0666);
    if (file < 0 && errno == EEXIST)
        return fetch_fail(failure, "it holds '%.200s' twice", name);
    if (file < 0)
        return fetch_fail(failure, "'%.200s' cannot be made: %s", name, strerror(errno));
    int failed = copy_bytes(archive, file, name, size, unpacking, failure);
    if (close(file) != 0 && errno != EINTR && !failed)
        failed = fetch_fail(failure, "'%.200s' cannot be written: %s", name, strerror(errno));
    unpacking->bytes += size;
    unpacking->files++;
    return failed;
}

static int take_entry(struct archive *archive, struct archive_entry *entry,
                      struct fetch_unpacking *unpacking, struct fetch_failure *failure)
{
    const char *name = archive_entry_pathname(entry);
    if (check_name(name, failure) || check_entry(entry, name, unpacking, failure))
        return 1;
    int folder = archive_entry_filetype(entry) == AE_IFDIR;
    if (make_folders(unpacking->folder, name, folder, failure))
        return 1;
    return folder ? 0 : take_file(archive, name, archive_entry_size(entry), unpacking, failure);
}

int32_t fetch_unpack(struct fetch_unpacking *unpacking, struct fetch_failure *failure)
{
    struct archive_entry *entry;
    struct archive *archive = archive_read_new();
    unpacking->bytes = unpacking->files = 0;
    if (archive == NULL)
        return fetch_fail(failure, "libarchive cannot be started");
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    int failed = 0, code = archive_read_open_filename(archive, unpacking->archive, BLOCK);
    while (code == ARCHIVE_OK && !failed &&
           (code = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
        failed = take_entry(archive, entry, unpacking, failure);
    if (!failed && code != ARCHIVE_EOF)
        failed = fetch_fail(failure, "it cannot be read as a .tar.gz: %.300s",
                            archive_error_string(archive));
    archive_read_free(archive);
    return failed;
}
