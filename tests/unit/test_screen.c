/* screen.h on a terminal of its own: what is printed beside the text is above it and not lost. */
#include "cli/screen.h"

#include "base/err.h"

#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child wrote to its terminal, and how it ended. */
struct session {
    char bytes[65536];
    size_t size;
    int status;
};

static void three_lines(void *context, const struct screen_size *size, int utf8, struct text *out)
{
    (void)context;
    (void)utf8;
    text_put(out, "view %zux%zu\nsecond\nthird\n", size->columns, size->rows);
}

/* Runs `work` with a terminal of 40 columns and 12 rows as its outputs. */
static void run(void (*work)(void), struct session *session)
{
    struct winsize size = {.ws_col = 40, .ws_row = 12};
    int terminal;
    *session = (struct session){.status = -1};
    pid_t child = forkpty(&terminal, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        setenv("TERM", "xterm", 1);
        work();
        fflush(stdout);
        _exit(0);
    }
    for (;;) { /* to its end, which a terminal says by EIO */
        ssize_t got = read(terminal, session->bytes + session->size,
                           sizeof session->bytes - 1 - session->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        session->size += (size_t)got;
    }
    close(terminal);
    assert_int_equal(waitpid(child, &session->status, 0), child);
}

/* Where in what was written, from 0; -1: nowhere. */
static long place_of(const struct session *session, const char *words)
{
    const char *found = strstr(session->bytes, words);
    return found == NULL ? -1 : (long)(found - session->bytes);
}

static struct screen *begin(void)
{
    struct screen *screen = NULL;
    struct err err = {0};
    if (!screen_possible() || screen_new(&screen, three_lines, NULL, &err) != 0)
        _exit(9);
    return screen;
}

static void print_beside(void)
{
    struct screen *screen = begin();
    fprintf(stderr, "a warning\n");
    printf("a notice\n");
    fprintf(stderr, "no newline");
    screen_free(screen);
    printf("afterwards\n");
}

static void messages_stand_above_and_are_whole(void **state)
{
    static struct session session;
    (void)state;
    run(print_beside, &session);
    assert_int_equal(session.status, 0);
    const char *in_order[] = {"a warning", "a notice", "no newline"};
    for (int i = 0; i < 3; i++)
        assert_true(place_of(&session, in_order[i]) >= 0);
    /* the last frame is behind all of them, and whole; then the outputs are the terminal's again */
    const char *last = session.bytes;
    for (const char *next; (next = strstr(last + 1, "view 40x12")) != NULL;)
        last = next;
    assert_true(last > session.bytes + place_of(&session, "no newline"));
    assert_non_null(strstr(last, "third\033[K\r\n\033[J\033[?2026l"));
    assert_non_null(strstr(last, "\033[?2026lafterwards\r\n"));
    /* frames are rewritten in place, and the cursor is never hidden */
    assert_null(strstr(session.bytes, "\033[?25l"));
    assert_null(strstr(session.bytes, "\033[2J"));
}

static void die_beside(void)
{
    begin();
    fprintf(stderr, "the last words\n");
    abort();
}

static void last_words_are_not_lost(void **state)
{
    static struct session session;
    (void)state;
    run(die_beside, &session);
    assert_true(WIFSIGNALED(session.status));
    assert_int_equal(WTERMSIG(session.status), SIGABRT);
    assert_true(place_of(&session, "the last words") >= 0);
}

static atomic_int draws;

static void counted(void *context, const struct screen_size *size, int utf8, struct text *out)
{
    three_lines(context, size, utf8, out);
    atomic_fetch_add(&draws, 1);
}

/* At 5 columns "view 40x12" takes two rows, "second" two and "third" one. */
static void be_made_narrower(void)
{
    struct screen *screen = NULL;
    struct err err = {0};
    struct winsize narrow = {.ws_col = 5, .ws_row = 12};
    if (screen_new(&screen, counted, NULL, &err) != 0)
        _exit(9);
    while (atomic_load(&draws) < 2) /* the first frame is there */
        usleep(1000);
    ioctl(STDIN_FILENO, TIOCSWINSZ, &narrow);
    screen_free(screen);
}

static void lines_that_the_terminal_has_broken_are_counted(void **state)
{
    static struct session session;
    (void)state;
    run(be_made_narrower, &session);
    assert_int_equal(session.status, 0);
    assert_true(place_of(&session, "view 40x12") >= 0);
    assert_true(place_of(&session, "\r\033[5Aview 5x12") > place_of(&session, "view 40x12"));
}

static void ask_dumb(void)
{
    setenv("TERM", "dumb", 1);
    int dumb = screen_possible();
    unsetenv("TERM");
    int none = screen_possible();
    setenv("TERM", "xterm", 1);
    _exit(4 * screen_possible() + 2 * dumb + none);
}

static void not_on_every_terminal(void **state)
{
    static struct session session;
    (void)state;
    run(ask_dumb, &session);
    assert_int_equal(WEXITSTATUS(session.status), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_stand_above_and_are_whole),
        cmocka_unit_test(last_words_are_not_lost),
        cmocka_unit_test(lines_that_the_terminal_has_broken_are_counted),
        cmocka_unit_test(not_on_every_terminal)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
