/* scratch.h -- a test's own folder under $TMPDIR or /tmp, with all in it removed at the end. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SCRATCH_PATH 4096

struct scratch {
    char folder[SCRATCH_PATH / 2];
};

/* 0 or -1; legal as the inside of a cmocka group set-up. */
static inline int scratch_make(struct scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    int length = snprintf(scratch->folder, sizeof scratch->folder, "%s/repro-test-XXXXXX",
                          base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (length < 0 || (size_t)length >= sizeof scratch->folder || mkdtemp(scratch->folder) == NULL)
        return -1;
    return 0;
}

/* folder/name in one of eight static buffers. */
static inline const char *scratch_path(const struct scratch *scratch, const char *name)
{
    static char paths[8][SCRATCH_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, SCRATCH_PATH, "%s/%s", scratch->folder, name);
    return path;
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int kind,
                                     struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int scratch_remove(struct scratch *scratch)
{
    return nftw(scratch->folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
