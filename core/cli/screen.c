/* The sequences are ECMA-48's (up, erase), and DEC's private mode 2026, which makes a terminal that
 * knows it show a frame at once and which others pass over. */
#include "cli/screen.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/board.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME_SECONDS 0.1
#define MESSAGE_LIMIT 65536 /* bytes of a line that does not end */
#define TOGETHER "\033[?2026h"
#define SHOWN "\033[?2026l"
#define UP "\033[%zuA"
#define ERASE_LINE "\033[K" /* from here to its end */
#define ERASE_REST "\033[J" /* from here to the end of the screen */

struct screen {
    pthread_t thread;
    screen_draw *draw;
    void *context;
    locale_t locale; /* of the user's characters; 0: the C locale's */
    int utf8;
    int terminal; /* what standard error was */
    int output;   /* what standard output was, where it is redirected too; else -1 */
    int messages; /* the end of the pipe that is read */
    atomic_int over, continued;
    /* The thread's. */
    struct text said; /* messages that are not on the screen yet */
    struct text last; /* the text on the screen */
    struct text frame;
    struct screen_size size;
};

/* For signal handlers. */
static struct screen *current;

static const int deadly[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
#define DEADLY (sizeof deadly / sizeof deadly[0])
static struct sigaction before[DEADLY + 1];

int screen_possible(void)
{
    const char *kind = getenv("TERM");
    return isatty(STDERR_FILENO) && kind != NULL && *kind != '\0' && strcmp(kind, "dumb") != 0;
}

/* ---- signals ---- */

/* What was said and is still in the pipe comes out before the process ends as it would have. */
static void die(int number)
{
    char bytes[4096];
    ssize_t size;
    struct screen *screen = current;
    while (screen != NULL && (size = read(screen->messages, bytes, sizeof bytes)) > 0)
        if (write(screen->terminal, bytes, (size_t)size) != size)
            break;
    raise(number); /* SA_RESETHAND: by the system's own way */
}

/* Behind a stop by ^Z the shell has written below the text: the next one begins below that. */
static void go_on(int number)
{
    (void)number;
    if (current != NULL)
        atomic_store(&current->continued, 1);
}

static void watch_signals(struct screen *screen)
{
    struct sigaction action = {.sa_handler = die, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    sigemptyset(&action.sa_mask);
    current = screen;
    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], &action, &before[i]);
    action = (struct sigaction){.sa_handler = go_on, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGCONT, &action, &before[DEADLY]);
}

static void forget_signals(void)
{
    for (size_t i = 0; i < DEADLY; i++)
        sigaction(deadly[i], &before[i], NULL);
    sigaction(SIGCONT, &before[DEADLY], NULL);
    current = NULL;
}

/* ---- frames ---- */

static void ask_size(struct screen *screen)
{
    struct winsize found = {0};
    screen->size = (struct screen_size){80, 24};
    if (ioctl(screen->terminal, TIOCGWINSZ, &found) == 0 && found.ws_col > 0 && found.ws_row > 0)
        screen->size = (struct screen_size){found.ws_col, found.ws_row};
}

/* Rows that the text on the screen takes now: a terminal that was made narrower has broken its
 * lines. */
static size_t rows_of(const struct screen *screen)
{
    size_t rows = 0;
    for (size_t at = 0; at < screen->last.size; rows++) {
        const char *line = screen->last.bytes + at,
                   *end = memchr(line, '\n', screen->last.size - at);
        size_t size = end == NULL ? screen->last.size - at : (size_t)(end - line);
        size_t width = board_width(line, size, screen->utf8);
        rows += width > screen->size.columns ? (width - 1) / screen->size.columns : 0;
        at += size + 1;
    }
    return rows;
}

/* Each over an old one, whose rest goes. */
static void put_lines(struct text *frame, const struct text *lines)
{
    for (size_t at = 0; at < lines->size;) {
        const char *line = lines->bytes + at, *end = memchr(line, '\n', lines->size - at);
        size_t size = end == NULL ? lines->size - at : (size_t)(end - line);
        text_put_bytes(frame, line, size);
        text_put_string(frame, ERASE_LINE "\n");
        at += size + 1;
    }
}

/* As they are, in place of the old text. */
static void put_messages(struct text *frame, const char *bytes, size_t size)
{
    if (size == 0)
        return;
    text_put_string(frame, ERASE_REST);
    text_put_bytes(frame, bytes, size);
    if (bytes[size - 1] != '\n')
        text_put_char(frame, '\n');
}

static void write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        struct pollfd ready = {.fd = descriptor, .events = POLLOUT};
        if (written < 0 && errno == EAGAIN)
            poll(&ready, 1, -1);
        else if (written < 0 && errno != EINTR)
            return; /* the terminal is gone */
        size_t whole = written > 0 ? (size_t)written : 0;
        bytes += whole;
        size -= whole;
    }
}

/* How much of what was said can be shown: whole lines, at the end all of it. */
static size_t sayable(const struct screen *screen, int over)
{
    const struct text *said = &screen->said;
    const char *end = said->size > 0 ? memrchr(said->bytes, '\n', said->size) : NULL;
    if (over || said->size > MESSAGE_LIMIT)
        return said->size;
    return end == NULL ? 0 : (size_t)(end - said->bytes) + 1;
}

static void keep_rest(struct text *said, size_t gone)
{
    struct text rest = {0};
    if (gone < said->size)
        text_put_bytes(&rest, said->bytes + gone, said->size - gone);
    text_release(said);
    *said = rest;
}

/* Nothing is written where nothing is new. */
static void draw(struct screen *screen, int over)
{
    struct text now = {0};
    struct screen_size size = screen->size;
    ask_size(screen);
    screen->draw(screen->context, &screen->size, screen->utf8, &now);
    size_t said = sayable(screen, over);
    int resized = size.columns != screen->size.columns || size.rows != screen->size.rows;
    int same = now.size == screen->last.size && !now.failed &&
               (now.size == 0 || memcmp(now.bytes, screen->last.bytes, now.size) == 0);
    if (atomic_exchange(&screen->continued, 0)) {
        text_release(&screen->last);
        same = 0;
    }
    if (now.failed || (same && said == 0 && !resized && !over)) {
        text_release(&now);
        return;
    }
    struct text *frame = &screen->frame;
    size_t up = rows_of(screen);
    frame->size = 0;
    text_put_string(frame, TOGETHER "\r");
    if (up > 0)
        text_put(frame, UP, up);
    put_messages(frame, screen->said.bytes, said);
    put_lines(frame, &now);
    text_put_string(frame, ERASE_REST SHOWN);
    if (!frame->failed)
        write_all(screen->terminal, frame->bytes, frame->size);
    keep_rest(&screen->said, said);
    text_release(&screen->last);
    screen->last = now;
}

/* Takes what is in the pipe; 0 where nothing is. */
static int read_messages(struct screen *screen)
{
    char bytes[4096];
    ssize_t size = read(screen->messages, bytes, sizeof bytes);
    if (size > 0)
        text_put_bytes(&screen->said, bytes, (size_t)size);
    return size > 0;
}

static void *work(void *context)
{
    struct screen *screen = context;
    double drawn = 0.0;
    if (screen->locale != (locale_t)0)
        uselocale(screen->locale);
    for (;;) {
        int over = atomic_load(&screen->over);
        while (read_messages(screen))
            ;
        double now = clock_seconds();
        if (over) {
            draw(screen, 1);
            return NULL;
        }
        if (now - drawn >= FRAME_SECONDS) {
            draw(screen, 0);
            drawn = now;
        }
        struct pollfd said = {.fd = screen->messages, .events = POLLIN};
        poll(&said, sayable(screen, 0) > 0 ? 0 : 1, (int)(1000.0 * FRAME_SECONDS));
    }
}

/* ---- beginning and end ---- */

static int is_terminal_too(int descriptor)
{
    struct stat one, other;
    return isatty(descriptor) && fstat(descriptor, &one) == 0 &&
           fstat(STDERR_FILENO, &other) == 0 && one.st_rdev == other.st_rdev;
}

static int redirect(struct screen *screen, struct err *err)
{
    int ends[2];
    fflush(stdout);
    fflush(stderr);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_errno(err, errno, "cannot make a pipe for messages");
    screen->messages = ends[0];
    int code = fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0
                   ? err_errno(err, errno, "cannot read a pipe without waiting")
                   : 0;
    screen->terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (is_terminal_too(STDOUT_FILENO))
        screen->output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (code == 0 && (screen->terminal < 0 || dup2(ends[1], STDERR_FILENO) < 0 ||
                      (screen->output >= 0 && dup2(ends[1], STDOUT_FILENO) < 0)))
        code = err_errno(err, errno, "cannot put a pipe in place of standard error");
    close(ends[1]);
    return code;
}

static void give_back(struct screen *screen)
{
    fflush(stdout);
    fflush(stderr);
    if (screen->terminal >= 0)
        dup2(screen->terminal, STDERR_FILENO);
    if (screen->output >= 0)
        dup2(screen->output, STDOUT_FILENO);
}

static void release(struct screen *screen)
{
    if (screen->terminal >= 0)
        close(screen->terminal);
    if (screen->output >= 0)
        close(screen->output);
    if (screen->messages >= 0)
        close(screen->messages);
    if (screen->locale != (locale_t)0)
        freelocale(screen->locale);
    text_release(&screen->said);
    text_release(&screen->last);
    text_release(&screen->frame);
    mem_free(screen);
}

/* The thread has no signal of the program's; the terminal may send it none either. */
static int start(struct screen *screen, struct err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&screen->thread, NULL, work, screen);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed == 0 ? 0
                       : err_set(err, ERR_MEMORY,
                                 "no thread for the screen: %s; --progress lines "
                                 "needs none",
                                 strerror(failed));
}

int screen_new(struct screen **out, screen_draw *draw_text, void *context, struct err *err)
{
    struct screen *screen = mem_new(1, sizeof *screen, err);
    if (screen == NULL)
        return ERR_MEMORY;
    screen->draw = draw_text;
    screen->context = context;
    screen->terminal = screen->output = screen->messages = -1;
    screen->locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    screen->utf8 = screen->locale != (locale_t)0 &&
                   strcmp(nl_langinfo_l(CODESET, screen->locale), "UTF-8") == 0;
    int code = redirect(screen, err);
    if (code == 0)
        code = start(screen, err);
    if (code != 0) {
        give_back(screen);
        release(screen);
        return code;
    }
    watch_signals(screen);
    *out = screen;
    return 0;
}

void screen_free(struct screen *screen)
{
    if (screen == NULL)
        return;
    give_back(screen);
    atomic_store(&screen->over, 1);
    pthread_join(screen->thread, NULL);
    forget_signals();
    release(screen);
}
