#include "cpu/team_wait.h"

#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ns; measured in doc/performance.md, "Beside other work" */
#define SPIN_ALONE 300000     /* of one wait, while the cores are ours */
#define SPIN_CROWDED 2000     /* while they are not */
#define WINDOW 20000000       /* over which a thread looks back */
#define LOST_PER_WINDOW 0.15  /* share of it that was taken from the thread: crowded from here on */
#define CROWDED_FOR 500000000 /* then counts as crowded for so long */

#define SPINS 32 /* looks at the word between two at the clock */

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
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
        int64_t limit =
            now < atomic_load_explicit(&mood->crowded_until, memory_order_relaxed) ? SPIN_CROWDED
                                                                                  : SPIN_ALONE;
        if (now - began >= limit)
            return 0;
    }
}

void wait_sleep(struct wait_clock *clock, atomic_int *word, int value)
{
    int64_t began = clock_ns(CLOCK_MONOTONIC);
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    clock->slept += clock_ns(CLOCK_MONOTONIC) - began;
}

void wait_wake(atomic_int *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

void wait_change(struct wait_mood *mood, struct wait_clock *clock, atomic_int *word, int value)
{
    if (!wait_spin(mood, word, value))
        wait_sleep(clock, word, value);
}

void wait_look(struct wait_mood *mood, struct wait_clock *clock)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC), passed = now - clock->began;
    if (clock->began != 0 && passed < WINDOW)
        return;
    int64_t computed = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int64_t lost = passed - (computed - clock->computed) - clock->slept;
    if (clock->began != 0 && (double)lost >= LOST_PER_WINDOW * (double)passed)
        atomic_store_explicit(&mood->crowded_until, now + CROWDED_FOR, memory_order_relaxed);
    clock->began = now;
    clock->computed = computed;
    clock->slept = 0;
}
