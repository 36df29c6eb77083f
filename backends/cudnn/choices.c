#include "choices.h"

#include "common/plugin.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "# convolution plans, format "
#define HEAD                                                                                   \
    FORMAT "1\n"                                                                               \
           "device\tlibrary\tprecision\trule\tdirection\tsrc\tweights\tdst\tstride\tpadding\t" \
           "engine\tknobs\tmicroseconds\tspeedup\ttried\n"
#define FIELDS (CHOICES_KEY_FIELDS + 5)
#define FILE_MAX (16 << 20)
#define LINE_MAX_BYTES (CHOICES_KEY + KNOBS_TEXT + 96)

static int32_t system_failed(const char *path, const char *what, struct repro_error *err)
{
    return fail(err, REPRO_ARGUMENT, "%s: %s: %s; REPRO_PLANS names another file", path, what,
                strerror(errno));
}

int32_t choices_refuse(const char *path, int line, const char *what, struct repro_error *err)
{
    return fail(err, REPRO_ARGUMENT,
                "%s:%d: %s; delete that line, or the file, and run with --tune anew: what was "
                "trained with it begins anew then",
                path, line, what);
}

/* ---- Reading ---- */

/* The whole file with a NUL behind it, and room for one line more; *text is NULL when there is
 * none. */
static int32_t read_file(const char *path, char **text, struct repro_error *err)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    *text = NULL;
    if (file < 0)
        return errno == ENOENT ? 0 : system_failed(path, "cannot be read", err);
    int32_t code = 0;
    size_t used = 0;
    if (fstat(file, &status) != 0)
        code = system_failed(path, "cannot be read", err);
    else if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        code = fail(err, REPRO_ARGUMENT,
                    "%s: no file of plans; delete it, or name another in REPRO_PLANS", path);
    else if ((*text = plugin_allocate(status.st_size + LINE_MAX_BYTES, 1)) == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %s", path);
    while (code == 0 && used < (size_t)status.st_size) {
        ssize_t got = read(file, *text + used, (size_t)status.st_size - used);
        if (got < 0 && errno != EINTR)
            code = system_failed(path, "cannot be read", err);
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
    }
    close(file);
    if (code != 0) {
        free(*text);
        *text = NULL;
    }
    return code;
}

/* "64x3x3x16": `count` whole numbers. */
static int is_shape(const char *text, int count)
{
    for (int i = 0; i < count; i++, text++) {
        if (!isdigit((unsigned char)*text))
            return 0;
        text += strspn(text, "0123456789");
        if (*text != (i == count - 1 ? '\0' : 'x'))
            return 0;
    }
    return 1;
}

/* One of the words of a list like "a b c". */
static int is_one_of(const char *text, const char *words)
{
    size_t length = strlen(text);
    for (const char *at = words; length > 0 && (at = strstr(at, text)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return 1;
    return 0;
}

static int is_number(const char *text, double least, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && *value >= least && *value < 1e15;
}

/* The values of a line; 1 when it is none of choices_add()'s.  The line is cut into its fields. */
static int parse_line(char *line, struct choices_entry *entry)
{
    char *fields[FIELDS];
    int count = 0;
    double engine, tried;
    for (char *field; (field = strsep(&line, "\t")) != NULL; count++) {
        if (count == FIELDS)
            return 1;
        fields[count] = field;
    }
    if (count != FIELDS || *fields[0] == '\0' || *fields[1] == '\0' ||
        !is_one_of(fields[2], "f32 tf32 bf16") || !is_one_of(fields[3], "deterministic any") ||
        !is_one_of(fields[4], "forward forward-add data data-add weights"))
        return 1;
    for (int i = 5; i < CHOICES_KEY_FIELDS; i++)
        if (!is_shape(fields[i], i < 8 ? 4 : 2))
            return 1;
    if (!isdigit((unsigned char)*fields[10]) || !is_number(fields[10], 0, &engine) ||
        knobs_parse(fields[11], &entry->knobs) != 0 ||
        !is_number(fields[12], 0, &entry->microseconds) ||
        !is_number(fields[13], 0, &entry->speedup) || !is_number(fields[14], 1, &tried))
        return 1;
    entry->engine = (int64_t)engine;
    entry->tried = (int)tried;
    return 0;
}

static int32_t check_head(const char *path, const char *text, struct repro_error *err)
{
    if (strncmp(text, HEAD, strlen(HEAD)) == 0)
        return 0;
    if (strncmp(text, FORMAT, strlen(FORMAT)) == 0 && strtol(text + strlen(FORMAT), NULL, 10) != 1)
        return fail(err, REPRO_ARGUMENT,
                    "%s:1: format %.8s is not known here, format 1 is; use the repro that wrote "
                    "it, or name another file in REPRO_PLANS",
                    path, text + strlen(FORMAT));
    return fail(
        err, REPRO_ARGUMENT,
        "%s:1: no file of plans, or a damaged one; delete it, or name another in REPRO_PLANS",
        path);
}

/* Looks through the lines behind the head, each of which must be whole. */
static int32_t look(const char *path, char *text, const char *key, struct choices_entry *entry,
                    struct repro_error *err)
{
    size_t length = strlen(key);
    int number = 3;
    for (char *line = text + strlen(HEAD), *next; *line != '\0'; line = next, number++) {
        struct choices_entry one = {.line = number};
        next = strchr(line, '\n');
        if (next == NULL)
            return choices_refuse(path, number, "this line is damaged: it has no end", err);
        *next++ = '\0';
        int wanted = strncmp(line, key, length) == 0 && line[length] == '\t';
        if (parse_line(line, &one) != 0)
            return choices_refuse(path, number, "this line is damaged", err);
        if (wanted && entry->line != 0)
            return choices_refuse(path, number, "this convolution has a line before this one", err);
        if (wanted)
            *entry = one;
    }
    return 0;
}

int32_t choices_find(const char *path, const char *key, struct choices_entry *entry,
                     struct repro_error *err)
{
    char *text;
    memset(entry, 0, sizeof *entry);
    int32_t code = read_file(path, &text, err);
    if (code == 0 && text != NULL)
        code = check_head(path, text, err);
    if (code == 0 && text != NULL)
        code = look(path, text, key, entry, err);
    free(text);
    return code;
}

/* ---- Writing ---- */

static int32_t sync_folder(const char *path, struct repro_error *err)
{
    char *folder = strdup(path);
    if (folder == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    int file = open(slash == NULL ? "." : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int32_t code = file < 0 || fsync(file) != 0
                       ? system_failed(path, "its folder cannot be written", err)
                       : 0;
    if (file >= 0)
        close(file);
    free(folder);
    return code;
}

static int32_t write_all(int file, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(file, bytes, size);
        if (put < 0 && errno != EINTR)
            return 1;
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return fsync(file) != 0;
}

static int32_t replace(const char *path, const char *text, struct repro_error *err)
{
    size_t size = strlen(path) + sizeof ".part";
    char *part = plugin_allocate((int64_t)size, 1);
    if (part == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    snprintf(part, size, "%s.part", path);
    int32_t code = 0;
    int file = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        code = system_failed(part, "cannot be created", err);
    else if (write_all(file, text, strlen(text)) != 0)
        code = system_failed(part, "cannot be written", err);
    if (file >= 0 && close(file) != 0 && code == 0)
        code = system_failed(part, "cannot be written", err);
    if (code == 0 && rename(part, path) != 0)
        code = system_failed(path, "cannot be replaced", err);
    if (code != 0 && file >= 0)
        unlink(part);
    free(part);
    return code == 0 ? sync_folder(path, err) : code;
}

int32_t choices_add(const char *path, const char *key, struct choices_entry *entry,
                    struct repro_error *err)
{
    char line[LINE_MAX_BYTES], knobs[KNOBS_TEXT], *text;
    int32_t code = read_file(path, &text, err);
    if (code != 0)
        return code;
    if (text == NULL && (text = plugin_allocate((int64_t)sizeof HEAD + LINE_MAX_BYTES, 1)) != NULL)
        memcpy(text, HEAD, sizeof HEAD);
    if (text == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for %s", path);
    int length = knobs_text(&entry->knobs, knobs, sizeof knobs) != 0
                     ? LINE_MAX_BYTES
                     : snprintf(line, sizeof line, "%s\t%" PRId64 "\t%s\t%.1f\t%.2f\t%d\n", key,
                                entry->engine, knobs, entry->microseconds, entry->speedup,
                                entry->tried);
    if (length >= LINE_MAX_BYTES)
        code = fail(err, REPRO_UNSUPPORTED,
                    "%s: a line has no room for engine %" PRId64 "'s %d knobs", path, entry->engine,
                    entry->knobs.count);
    if (code == 0) {
        memcpy(text + strlen(text), line, (size_t)length + 1);
        code = replace(path, text, err);
    }
    entry->line = 0;
    for (const char *at = text; code == 0 && (at = strchr(at, '\n')) != NULL; at++)
        entry->line++;
    free(text);
    return code;
}

int32_t choices_lock(const char *path, int *lock, struct repro_error *err)
{
    size_t size = strlen(path) + sizeof ".lock";
    char *name = plugin_allocate((int64_t)size, 1);
    if (name == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    snprintf(name, size, "%s.lock", path);
    int32_t code = 0;
    *lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*lock < 0)
        code = system_failed(name, "cannot be created", err);
    else if (flock(*lock, LOCK_EX) != 0)
        code = system_failed(name, "cannot be locked", err);
    if (code != 0)
        choices_unlock(*lock);
    free(name);
    return code;
}

void choices_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
