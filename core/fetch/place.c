#include "fetch/place.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OPEN_FOLDERS 16 /* descriptors of a walk */

static int lock(struct place *place, const char *name, struct err *err)
{
    place->lock = open(place->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (place->lock < 0)
        return err_errno(err, errno, "cannot write '%s'", place->lock_path);
    if (flock(place->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return err_set(err, ERR_IO,
                       "another process is fetching %s into '%s'; when it has ended, the same "
                       "command says what is there",
                       name, place->home);
    return err_errno(err, errno, "cannot lock '%s'", place->lock_path);
}

int place_open(struct place *place, const char *home, const char *name, struct err *err)
{
    *place = (struct place){.lock = -1};
    char *downloads = mem_format(err, "%s/downloads", home);
    place->home = mem_string(home, err);
    place->folder = mem_format(err, "%s/%s", home, name);
    place->part = mem_format(err, "%s/downloads/%s.part", home, name);
    place->unpacking = mem_format(err, "%s/downloads/%s.unpacking", home, name);
    place->lock_path = mem_format(err, "%s/downloads/%s.lock", home, name);
    int code = downloads == NULL || place->home == NULL || place->folder == NULL ||
                       place->part == NULL || place->unpacking == NULL || place->lock_path == NULL
                   ? ERR_MEMORY
                   : file_make_folders(downloads, err);
    mem_free(downloads);
    if (code == 0)
        code = lock(place, name, err);
    if (code != 0)
        place_close(place);
    return code;
}

void place_close(struct place *place)
{
    if (place->home != NULL && place->lock >= 0)
        close(place->lock);
    mem_free(place->home);
    mem_free(place->folder);
    mem_free(place->part);
    mem_free(place->unpacking);
    mem_free(place->lock_path);
    memset(place, 0, sizeof *place);
}

int place_filled(const struct place *place)
{
    return file_exists(place->folder);
}

int64_t place_part(const struct place *place)
{
    struct stat status;
    return stat(place->part, &status) == 0 ? (int64_t)status.st_size : 0;
}

int place_check_room(const struct place *place, int64_t bytes, struct err *err)
{
    struct statvfs status;
    if (statvfs(place->home, &status) != 0)
        return err_errno(err, errno, "cannot ask how much room there is in '%s'", place->home);
    double room = (double)status.f_bavail * (double)status.f_frsize;
    if (room >= (double)bytes)
        return 0;
    return err_set(err, ERR_IO,
                   "'%s' has room for %.0f MB, and %.0f MB are needed; make room, or name another "
                   "folder with --data",
                   place->home, room / 1e6, (double)bytes / 1e6);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path) == 0 ? 0 : errno;
}

/* A folder and all in it; 0 or an errno value. */
static int remove_folder(const char *path)
{
    if (!file_exists(path))
        return 0;
    int number = nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    return number < 0 ? errno : number;
}

int place_unpack_begin(const struct place *place, int *descriptor, struct err *err)
{
    int number = remove_folder(place->unpacking);
    if (number != 0)
        return err_errno(err, number, "cannot remove '%s'", place->unpacking);
    if (mkdir(place->unpacking, 0777) != 0)
        return err_errno(err, errno, "cannot create the folder '%s'", place->unpacking);
    int opened = open(place->unpacking, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return err_errno(err, errno, "cannot open '%s'", place->unpacking);
    *descriptor = opened;
    return 0;
}

/* All that was written to the file system of a folder is on the disk: one call for thousands of
 * files. */
static int flush_all(const char *folder)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int number = descriptor < 0 || syncfs(descriptor) != 0 ? errno : 0;
    if (descriptor >= 0)
        close(descriptor);
    return number;
}

int place_unpack_end(const struct place *place, const char *inner, struct err *err)
{
    struct stat status;
    char *path = mem_format(err, "%s/%s", place->unpacking, inner);
    if (path == NULL)
        return ERR_MEMORY;
    int code = 0, number;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
        code = err_set(err, ERR_INPUT, "the archive has no folder '%s'", inner);
    else if ((number = flush_all(path)) != 0)
        code = err_errno(err, number, "'%s' cannot be flushed to the disk", path);
    else if (rename(path, place->folder) != 0)
        code = err_errno(err, errno, "cannot rename '%s' to '%s'", path, place->folder);
    else if ((number = flush_all(place->home)) != 0)
        code = err_errno(err, number, "'%s' is there, but its folder cannot be flushed to the disk",
                         place->folder);
    mem_free(path);
    if (code == 0) {
        unlink(place->part);
        place_unpack_drop(place);
    }
    return code;
}

void place_unpack_drop(const struct place *place)
{
    remove_folder(place->unpacking);
}
