/* file_parts.h -- between file.c and file_write.c.  Not for others. */
#ifndef BASE_FILE_PARTS_H
#define BASE_FILE_PARTS_H

#include <sys/types.h>

struct err;

/* What stands in a file's place, in words: "a folder", "a pipe". */
const char *file_kind(mode_t mode);

/* 0 or an errno value. */
int file_flush(int descriptor);

/* Brings the folder that holds path to the disk, so that what was made or renamed in it lasts. */
int file_flush_folder(const char *path, struct err *err);

#endif
