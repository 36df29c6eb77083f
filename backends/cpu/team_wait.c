#include "cpu/team_wait.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ns; measured in doc/performance.md, "Beside other work" */
#define SPIN_ALONE 1000000   /* of one wait, while the cores are ours */
#define SPIN_CROWDED 2000    /* while they are not */
#define WINDOW 20000000      /* over which a thread looks back */
#define QUEUED_SHARE 0.15    /* of it in a queue: crowded from here on */
#define CROWDED_FOR 60000000 /* so long */

#define SPINS 32 /* looks at the word between two at the clock */

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int wait_is_crowded(const struct wait_mood *mood)
{
    int64_t until = atomic_load_explicit(&mood->crowded_until, memory_order_relaxed);
    return until != 0 && clock_ns(CLOCK_MONOTONIC) < until;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int wait_briefly(const atomic_int *word, int value)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != value)
            return 1;
        relax();
    }
    return 0;
}

int wait_spin(struct wait_mood *mood, const atomic_int *word, int value)
{
    int64_t began = 0;
    for (;;) {
        for (int i = 0; i < SPINS; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != value)
                return 1;
            relax();
        }
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        if (began == 0)
            began = now;
        int64_t limit = now < atomic_load_explicit(&mood->crowded_until, memory_order_relaxed)
                            ? SPIN_CROWDED
                            : SPIN_ALONE;
        if (now - began >= limit)
            return 0;
    }
}

void wait_sleep(atomic_int *word, int value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void wait_wake(atomic_int *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void wait_change(struct wait_mood *mood, atomic_int *word, int value)
{
    if (!wait_spin(mood, word, value))
        wait_sleep(word, value);
}

/* How long the calling thread has stood in a queue for a core since it began, ns; -1 where the
 * system does not say. */
static int64_t queued_ns(void)
{
    char text[96], *end;
    int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    if (size <= 0)
        return -1;
    text[size] = '\0';
    strtoll(text, &end, 10); /* what it computed comes first */
    return strtoll(end, NULL, 10);
}

void wait_look(struct wait_mood *mood, struct wait_clock *clock)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC), passed = now - clock->began;
    if (clock->began != 0 && passed < WINDOW)
        return;
    int64_t queued = queued_ns();
    if (clock->began != 0 && clock->queued >= 0 && queued >= clock->queued &&
        (double)(queued - clock->queued) >= QUEUED_SHARE * (double)passed)
        atomic_store_explicit(&mood->crowded_until, now + CROWDED_FOR, memory_order_relaxed);
    clock->began = now;
    clock->queued = queued;
}
