/* file.h -- whole files, replaced atomically, and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

struct err;

/* Creates the folder and its parents, and brings their names to the disk; an existing one is
 * fine. */
int file_make_folders(const char *path, struct err *err);

/* Reads a whole file of at most `limit` bytes; *bytes has a NUL behind it and is freed with
 * mem_free().  A link to a file is followed; a pipe or a socket is refused at once.  ERR_IO,
 * ERR_INPUT above the limit. */
int file_read(const char *path, size_t limit, char **bytes, size_t *size, struct err *err);

/* 0 when there is nothing at path.  What cannot be looked at (EACCES, EIO), and a link to nothing,
 * counts as there: whoever opens it next says why it cannot be had.  To take it for absent would
 * begin a run anew over its checkpoint. */
int file_exists(const char *path);

/* A file being replaced.  Bytes go to a part beside it, "path.PID-N.part", which is this writer's
 * alone; file_commit() makes them path by fsync, rename and fsync of the folder, so that at any
 * moment path holds the old bytes or the new ones.  Another program may write the part instead.
 * Parts that killed processes have left are removed by the next who opens the same path. */
struct file_writer {
    char *path, *part;
    int descriptor;
};

/* ERR_IO, also where something else than a file has the name: a link, a folder, a pipe. */
int file_open(struct file_writer *file, const char *path, struct err *err);
int file_put(struct file_writer *file, const void *bytes, size_t size, struct err *err);
int file_commit(struct file_writer *file, struct err *err);
/* Gives up: removes the part and releases *file.  Legal after any of the above, and on a zeroed
 * struct. */
void file_abandon(struct file_writer *file);

/* open, put, commit. */
int file_replace(const char *path, const void *bytes, size_t size, struct err *err);

#endif
