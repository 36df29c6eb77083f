/* Two locks on one file.  flock() keeps a second training away, as it always has.  It cannot be
 * asked about without being taken, so an open-file-description lock of fcntl() stands beside it,
 * which F_OFD_GETLK asks about.  Both go with the descriptor. */
#include "results/lock.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/text_json.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define NOTE_SECONDS 2.0
#define READ_LIMIT 8192
#define TRIES 3 /* a note may be read while it is written */

static int taken(const char *path, struct err *err)
{
    return err_set(err, ERR_IO, "%s: another process is training this run", path);
}

static int lock_file(int descriptor, const char *path, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? taken(path, err)
                                    : err_errno(err, errno, "%s: cannot be locked", path);
    /* a file system without these has the first one alone */
    if (fcntl(descriptor, F_OFD_SETLK, &whole) != 0 && (errno == EAGAIN || errno == EACCES))
        return taken(path, err);
    return 0;
}

/* One write over the old text, which is filled up to its length with blanks. */
static void write_note(struct run_lock *lock, const char *tail)
{
    char text[RUN_LOCK_TEXT + 512];
    int length = snprintf(text, sizeof text - 1, "%s%s}", lock->head, tail);
    if (length < 0 || (size_t)length >= sizeof text - 1)
        return;
    memset(text + length, ' ', sizeof text - 1 - (size_t)length);
    text[sizeof text - 1] = '\n';
    ssize_t written = pwrite(lock->descriptor, text, sizeof text, 0);
    (void)written;
}

/* The object without its closing brace; without what does not fit or is no JSON. */
static void make_head(struct run_lock *lock, const char *command)
{
    char host[256] = "", now[CLOCK_TEXT], folder[1024];
    struct text text = {0};
    clock_text(now);
    if (gethostname(host, sizeof host - 1) != 0 || getcwd(folder, sizeof folder) == NULL)
        folder[0] = '\0';
    json_t *object = json_pack("{s:I, s:s, s:s}", "process", (json_int_t)getpid(), "host", host,
                               "since", now);
    if (command != NULL) {
        json_object_set_new(object, "command", json_string(command));
        json_object_set_new(object, "folder", json_string(folder));
    }
    text_put_json(&text, object, JSON_COMPACT);
    if (!text.failed && text.size >= sizeof lock->head && command != NULL) {
        text_release(&text);
        json_object_del(object, "command");
        json_object_del(object, "folder");
        text_put_json(&text, object, JSON_COMPACT);
    }
    int whole = !text.failed && object != NULL && text.size > 1 && text.size < sizeof lock->head;
    snprintf(lock->head, sizeof lock->head, "%.*s", whole ? (int)text.size - 1 : 1,
             whole ? text.bytes : "{");
    json_decref(object);
    text_release(&text);
}

int run_lock_take(struct run_lock *lock, const char *folder, const char *command, struct err *err)
{
    char *path = mem_format(err, "%s/lock", folder);
    if (path == NULL)
        return ERR_MEMORY;
    int code = 0,
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (descriptor < 0)
        code = err_errno(err, errno, "%s: cannot be created", path);
    else if ((code = lock_file(descriptor, path, err)) != 0)
        close(descriptor);
    mem_free(path);
    if (code != 0)
        return code;
    *lock = (struct run_lock){.descriptor = descriptor};
    make_head(lock, command);
    write_note(lock, "");
    return 0;
}

void run_lock_note(struct run_lock *lock, const struct run_place *place)
{
    char tail[400], now[CLOCK_TEXT];
    double seconds = clock_seconds();
    if (lock->noted != 0.0 && seconds - lock->noted < NOTE_SECONDS)
        return;
    lock->noted = seconds;
    clock_text(now);
    snprintf(tail, sizeof tail,
             "%s\"noted\":\"%s\",\"epoch\":%d,\"update\":%lld,\"images_per_second\":%.9g,"
             "\"seconds_left\":%.9g",
             lock->head[1] == '\0' ? "" : ",", now, place->epoch, (long long)place->update,
             place->images_per_second, place->seconds_left);
    write_note(lock, tail);
}

void run_lock_release(struct run_lock *lock)
{
    if (lock->descriptor >= 0)
        close(lock->descriptor);
    *lock = RUN_LOCK_NONE;
}

static void take_text(const json_t *object, const char *key, char *text, size_t size)
{
    const char *found = json_string_value(json_object_get(object, key));
    snprintf(text, size, "%s", found == NULL ? "" : found);
}

/* 0 where it cannot be understood. */
static int read_note(int descriptor, struct run_holder *holder)
{
    char text[READ_LIMIT];
    ssize_t size = pread(descriptor, text, sizeof text, 0);
    json_t *object = size > 0 ? json_loadb(text, (size_t)size, 0, NULL) : NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return 0;
    }
    holder->process = json_integer_value(json_object_get(object, "process"));
    take_text(object, "host", holder->host, sizeof holder->host);
    take_text(object, "since", holder->since, sizeof holder->since);
    take_text(object, "command", holder->command, sizeof holder->command);
    take_text(object, "folder", holder->folder, sizeof holder->folder);
    take_text(object, "noted", holder->noted, sizeof holder->noted);
    holder->place = (struct run_place){
        .epoch = (int)json_integer_value(json_object_get(object, "epoch")),
        .update = json_integer_value(json_object_get(object, "update")),
        .images_per_second = json_number_value(json_object_get(object, "images_per_second")),
        .seconds_left = json_number_value(json_object_get(object, "seconds_left"))};
    json_decref(object);
    return 1;
}

int run_lock_ask(const char *folder, struct run_holder *holder, struct err *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *holder = (struct run_holder){0};
    char *path = mem_format(err, "%s/lock", folder);
    if (path == NULL)
        return ERR_MEMORY;
    int code = 0, descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno != ENOENT)
        code = err_errno(err, errno, "%s: cannot be read", path);
    else if (descriptor >= 0 && fcntl(descriptor, F_OFD_GETLK, &whole) != 0)
        code = err_errno(err, errno, "%s: cannot be asked who holds it", path);
    holder->held = code == 0 && descriptor >= 0 && whole.l_type != F_UNLCK;
    for (int i = 0; code == 0 && descriptor >= 0 && i < TRIES && !read_note(descriptor, holder);)
        i++;
    if (descriptor >= 0)
        close(descriptor);
    mem_free(path);
    return code;
}
