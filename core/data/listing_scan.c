#include "data/listing_parts.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LABELS "val_labels.txt"
#define MEND "--data takes the folder that holds train/CLASS and val/CLASS"
#define FETCH "; `repro fetch imagenette` brings ten classes"

int scan_is_image(const char *name)
{
    static const char *const suffixes[] = {".jpeg", ".jpg", ".png"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && strcasecmp(name + length - suffix, suffixes[i]) == 0)
            return 1;
    }
    return 0;
}

int scan_follow(struct scan *scan, const char *path, struct stat *status)
{
    char *real = realpath(path, NULL);
    size_t length = strlen(scan->real);
    int code = 0;
    if (real == NULL)
        code = err_set(scan->err, ERR_INPUT,
                       "'%s' is a symbolic link that leads nowhere; remove it", path);
    else if (strcmp(scan->real, "/") != 0 &&
             (strncmp(real, scan->real, length) != 0 || real[length] != '/'))
        code = err_set(scan->err, ERR_INPUT,
                       "'%s' is a symbolic link out of the folder '%s'; put the files themselves "
                       "there",
                       path, scan->folder);
    else if (stat(real, status) != 0)
        code = err_errno(scan->err, errno, "cannot look at '%s'", path);
    free(real);
    return code;
}

static int look(struct scan *scan, int directory, const char *relative, const char *name,
                struct stat *status)
{
    if (fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW) != 0)
        return err_errno(scan->err, errno, "cannot look at '%s/%s/%s'", scan->folder, relative,
                         name);
    if (!S_ISLNK(status->st_mode))
        return 0;
    char *path = mem_format(scan->err, "%s/%s/%s", scan->folder, relative, name);
    int code = path == NULL ? ERR_MEMORY : scan_follow(scan, path, status);
    mem_free(path);
    return code;
}

int scan_stamp(struct scan *scan, const char *relative, const struct stat *status)
{
    struct listing_stamp stamp = {.seconds = status->st_mtim.tv_sec,
                                  .nanoseconds = status->st_mtim.tv_nsec,
                                  .bytes = status->st_size};
    int code = listing_add_name(scan->listing, relative, &stamp.name, scan->err);
    return code != 0 ? code : listing_add_stamp(scan->listing, stamp, scan->err);
}

static int walk_open(struct scan *scan, DIR *directory, const char *relative, int images,
                     scan_take *take)
{
    struct stat status;
    if (fstat(dirfd(directory), &status) != 0)
        return err_errno(scan->err, errno, "cannot look at '%s/%s'", scan->folder, relative);
    int code = scan_stamp(scan, relative, &status);
    while (code == 0) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (entry == NULL && errno != 0)
            return err_errno(scan->err, errno, "cannot list '%s/%s'", scan->folder, relative);
        if (entry == NULL)
            return 0;
        if (entry->d_name[0] == '.' || (images && !scan_is_image(entry->d_name)))
            continue;
        code = look(scan, dirfd(directory), relative, entry->d_name, &status);
        if (code == 0)
            code = take(scan, entry->d_name, &status);
    }
    return code;
}

int scan_walk(struct scan *scan, const char *relative, int images, scan_take *take)
{
    char *path = mem_format(scan->err, "%s/%s", scan->folder, relative);
    if (path == NULL)
        return ERR_MEMORY;
    DIR *directory = opendir(path);
    int code = directory != NULL ? walk_open(scan, directory, relative, images, take)
               : errno == ENOENT || errno == ENOTDIR
                   ? err_set(scan->err, ERR_INPUT, "there is no folder '%s'; " MEND FETCH, path)
                   : err_errno(scan->err, errno, "cannot list '%s'", path);
    if (directory != NULL)
        closedir(directory);
    mem_free(path);
    return code;
}

int scan_image(struct scan *scan, const char *name, const struct stat *status)
{
    struct listing_image image = {.bytes = status->st_size, .label = scan->label};
    if (!S_ISREG(status->st_mode))
        return 0;
    int code = listing_add_name(scan->listing, name, &image.name, scan->err);
    return code != 0 ? code : listing_add_image(scan->listing, scan->split, image, scan->err);
}

static int take_class(struct scan *scan, const char *name, const struct stat *status)
{
    size_t at;
    if (!S_ISDIR(status->st_mode))
        return 0;
    int code = listing_add_name(scan->listing, name, &at, scan->err);
    return code != 0 ? code : listing_add_class(scan->listing, at, scan->err);
}

static int by_name(const void *a, const void *b, void *names)
{
    return strcmp((const char *)names + *(const size_t *)a,
                  (const char *)names + *(const size_t *)b);
}

static int by_class_and_name(const void *a, const void *b, void *names)
{
    const struct listing_image *one = a, *other = b;
    if (one->label != other->label)
        return one->label < other->label ? -1 : 1;
    return strcmp((const char *)names + one->name, (const char *)names + other->name);
}

int32_t scan_class(const struct listing *listing, const char *name)
{
    size_t low = 0, high = listing->class_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, listing_name(listing, listing->classes[middle]));
        if (order == 0)
            return (int32_t)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static int walk_class(struct scan *scan, const char *split, const char *class)
{
    char *relative = mem_format(scan->err, "%s/%s", split, class);
    int code = relative == NULL ? ERR_MEMORY : scan_walk(scan, relative, 1, scan_image);
    mem_free(relative);
    return code;
}

static int take_known(struct scan *scan, const char *name, const struct stat *status)
{
    if (!S_ISDIR(status->st_mode))
        return 0;
    scan->label = scan_class(scan->listing, name);
    if (scan->label < 0)
        return err_set(scan->err, ERR_INPUT,
                       "'%s/val/%s' is a class that '%s/train' lacks; remove the one or add the "
                       "other",
                       scan->folder, name, scan->folder);
    return walk_class(scan, "val", name);
}

static int scan_train(struct scan *scan)
{
    struct listing *listing = scan->listing;
    int code = scan_walk(scan, "train", 0, take_class);
    if (code == 0 && listing->class_count == 0)
        code = err_set(scan->err, ERR_INPUT, "'%s/train' has no folder of a class; " MEND,
                       scan->folder);
    if (code == 0)
        qsort_r(listing->classes, listing->class_count, sizeof *listing->classes, by_name,
                listing->names.bytes);
    for (size_t i = 0; code == 0 && i < listing->class_count; i++) {
        scan->label = (int32_t)i;
        char *class = mem_string(listing_name(listing, listing->classes[i]), scan->err);
        code = class == NULL ? ERR_MEMORY : walk_class(scan, "train", class);
        mem_free(class);
    }
    return code;
}

static void sort_images(struct listing *listing, int split)
{
    if (listing->count[split] > 0)
        qsort_r(listing->images[split], (size_t)listing->count[split],
                sizeof *listing->images[split], by_class_and_name, listing->names.bytes);
}

static int scan_val(struct scan *scan)
{
    char *path = mem_format(scan->err, "%s/" LABELS, scan->folder);
    if (path == NULL)
        return ERR_MEMORY;
    scan->split = DATASET_TEST;
    int code = file_exists(path) ? scan_labels(scan, path) : scan_walk(scan, "val", 0, take_known);
    mem_free(path);
    return code;
}

int listing_scan(const char *folder, struct listing *out, struct err *err)
{
    struct listing listing = {0};
    struct scan scan = {.folder = folder, .listing = &listing, .err = err};
    scan.real = realpath(folder, NULL);
    int code = scan.real == NULL
                   ? err_set(err, ERR_INPUT, "cannot find the folder '%s': %s; " MEND FETCH, folder,
                             strerror(errno))
                   : 0;
    if (code == 0)
        code = scan_train(&scan);
    if (code == 0)
        code = scan_val(&scan);
    for (int split = 0; code == 0 && split < DATASET_SPLITS; split++)
        sort_images(&listing, split);
    free(scan.real);
    if (code != 0)
        listing_release(&listing);
    else
        *out = listing;
    return code;
}
