/* file.h -- whole files, replaced atomically, and folders. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

struct err;

/* Creates the folder and its parents; an existing one is fine. */
int file_make_folders(const char *path, struct err *err);

/* Reads a whole file of at most `limit` bytes; *bytes has a NUL behind it and is freed with
 * mem_free(). */
int file_read(const char *path, size_t limit, char **bytes, size_t *size, struct err *err);

/* 1 when something exists at path. */
int file_exists(const char *path);

/* A file being replaced.  Bytes go to "path.part"; file_commit() makes them path by fsync, rename
 * and fsync of the folder, so that at any moment path holds the old bytes or the new ones. */
struct file_writer {
    char *path, *part;
    int descriptor;
};

int file_open(struct file_writer *file, const char *path, struct err *err);
int file_put(struct file_writer *file, const void *bytes, size_t size, struct err *err);
int file_commit(struct file_writer *file, struct err *err);
/* Gives up: removes the part and releases *file.  Legal after any of the above, and on a zeroed
 * struct. */
void file_abandon(struct file_writer *file);

/* open, put, commit. */
int file_replace(const char *path, const void *bytes, size_t size, struct err *err);

#endif
