#include "base/installed.h"

#include "base/file.h"
#include "base/mem.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#ifndef REPRO_BIN_DIR
#define REPRO_BIN_DIR "/usr/local/bin"
#endif

/* Bytes of a and b that are the same whole components: 4 of "/usr/bin" and "/usr/lib". */
static size_t common(const char *a, const char *b)
{
    size_t end = 0;
    for (size_t i = 0;; i++) {
        int a_ends = a[i] == '\0' || a[i] == '/', b_ends = b[i] == '\0' || b[i] == '/';
        if (a_ends && b_ends)
            end = i;
        if (a[i] != b[i] || a[i] == '\0')
            return end;
    }
}

/* Whether `path` ends in `end`, whole components, and how many bytes are before it. */
static int ends_in(const char *path, const char *end, size_t *before)
{
    size_t length = strlen(path), tail = strlen(end);
    if (tail > length || strcmp(path + length - tail, end) != 0)
        return 0;
    *before = length - tail;
    return 1;
}

char *installed_from(const char *program_folder, const char *bin_folder, const char *folder,
                     struct err *err)
{
    size_t same = common(bin_folder, folder), before;
    char *found = NULL;
    /* "/bin" of "/usr/bin": the program lies in such a folder still */
    if (ends_in(program_folder, bin_folder + same, &before)) {
        found = mem_format(err, "%.*s%s", (int)before, program_folder, folder + same);
        if (found == NULL)
            return NULL;
        if (file_exists(found))
            return found;
    }
    mem_free(found);
    return mem_string(folder, err);
}

char *installed_find(const char *folder, struct err *err)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash == NULL)
        return mem_string(folder, err);
    *slash = '\0';
    return installed_from(program, REPRO_BIN_DIR, folder, err);
}
