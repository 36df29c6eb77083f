/* A val whose images lie in one folder, with a file of labels beside it. */
#include "data/listing_parts.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LABELS_MAX ((size_t)1 << 30)

static int take_line(struct scan *scan, const char *path, int number, char *line)
{
    struct stat status;
    char *blank = strrchr(line, ' ');
    if (blank == NULL || blank == line || blank[1] == '\0')
        return err_set(scan->err, ERR_INPUT,
                       "%s:%d: there must be an image and its class, with a "
                       "blank between them",
                       path, number);
    *blank = '\0';
    scan->label = scan_class(scan->listing, blank + 1);
    if (scan->label < 0)
        return err_set(scan->err, ERR_INPUT, "%s:%d: '%s/train' has no class '%s'", path, number,
                       scan->folder, blank + 1);
    if (strchr(line, '/') != NULL || line[0] == '.' || !scan_is_image(line))
        return err_set(scan->err, ERR_INPUT,
                       "%s:%d: '%s' cannot be an image of val: its name must end in .jpeg, .jpg or "
                       ".png and hold no slash",
                       path, number, line);
    char *image = mem_format(scan->err, "%s/val/%s", scan->folder, line);
    int code = image == NULL ? ERR_MEMORY : 0;
    if (code == 0 && lstat(image, &status) != 0)
        code = err_set(scan->err, ERR_INPUT, "%s:%d: '%s': %s", path, number, image,
                       strerror(errno));
    if (code == 0 && S_ISLNK(status.st_mode))
        code = scan_follow(scan, image, &status);
    if (code == 0 && !S_ISREG(status.st_mode))
        code = err_set(scan->err, ERR_INPUT, "%s:%d: '%s' is no regular file", path, number, image);
    mem_free(image);
    return code != 0 ? code : scan_image(scan, line, &status);
}

static int take_lines(struct scan *scan, const char *path)
{
    char *text = NULL, *rest;
    size_t size;
    int number = 0, code = file_read(path, LABELS_MAX, &text, &size, scan->err);
    if (code == 0 && strlen(text) != size)
        code = err_set(scan->err, ERR_INPUT, "'%s' is no text: it holds a zero byte", path);
    rest = text;
    for (char *line; code == 0 && (line = strsep(&rest, "\n")) != NULL;) {
        size_t length = strlen(line);
        number++;
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        if (length > 0)
            code = take_line(scan, path, number, line);
    }
    mem_free(text);
    return code;
}

static int nothing(struct scan *scan, const char *name, const struct stat *status)
{
    (void)scan;
    (void)name;
    (void)status;
    return 0;
}

static int by_name(const void *a, const void *b, void *names)
{
    const struct listing_image *one = a, *other = b;
    return strcmp((const char *)names + one->name, (const char *)names + other->name);
}

static int refuse_twice(struct scan *scan, const char *path)
{
    const struct listing *listing = scan->listing;
    struct listing_image *images = listing->images[DATASET_TEST];
    size_t count = (size_t)listing->count[DATASET_TEST];
    if (count > 0)
        qsort_r(images, count, sizeof *images, by_name, listing->names.bytes);
    for (size_t i = 1; i < count; i++)
        if (strcmp(listing_name(listing, images[i].name),
                   listing_name(listing, images[i - 1].name)) == 0)
            return err_set(scan->err, ERR_INPUT, "%s: names the image '%s' twice; remove a line",
                           path, listing_name(listing, images[i].name));
    return 0;
}

int scan_labels(struct scan *scan, const char *path)
{
    struct stat status;
    scan->listing->flat = 1;
    if (stat(path, &status) != 0)
        return err_errno(scan->err, errno, "cannot look at '%s'", path);
    int code = scan_stamp(scan, strrchr(path, '/') + 1, &status);
    if (code == 0)
        code = scan_walk(scan, "val", 1, nothing);
    if (code == 0)
        code = take_lines(scan, path);
    return code != 0 ? code : refuse_twice(scan, path);
}
