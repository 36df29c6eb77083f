/* lock.h and status.h: who trains a run is asked without a lock being taken. */
#include "made.h"
#include "results/lock.h"
#include "results/status.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct run_place place = {
    .epoch = 3, .update = 25, .images_per_second = 60.5, .seconds_left = 12.5};

static void asked_and_not_taken(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct run_holder holder;
    struct run_lock lock = RUN_LOCK_NONE, second = RUN_LOCK_NONE;
    const char *folder = made->scratch.folder;
    assert_int_equal(run_lock_ask(folder, &holder, &err), 0);
    assert_false(holder.held); /* there is no file yet */
    assert_int_equal(run_lock_take(&lock, folder, "repro figure5 --data 'a b'", &err), 0);
    assert_int_equal(run_lock_ask(folder, &holder, &err), 0);
    assert_true(holder.held);
    assert_int_equal(holder.process, getpid());
    assert_string_equal(holder.command, "repro figure5 --data 'a b'");
    assert_int_equal(holder.place.epoch, 0); /* not told yet */
    assert_string_equal(holder.noted, "");
    run_lock_note(&lock, &place);
    assert_int_equal(run_lock_ask(folder, &holder, &err), 0);
    assert_int_equal(holder.place.epoch, 3);
    assert_int_equal(holder.place.update, 25);
    assert_true(holder.place.images_per_second == 60.5 && holder.place.seconds_left == 12.5);
    assert_string_not_equal(holder.noted, "");
    assert_int_equal(run_lock_take(&second, folder, NULL, &err), ERR_IO);
    assert_non_null(strstr(err.text, "another process is training this run"));
    run_lock_release(&lock);
    assert_int_equal(run_lock_ask(folder, &holder, &err), 0);
    assert_false(holder.held);
    assert_string_equal(holder.command, "repro figure5 --data 'a b'"); /* who had it last */
    assert_int_equal(run_lock_take(&second, folder, NULL, &err), 0);
    assert_int_equal(run_lock_ask(folder, &holder, &err), 0);
    assert_string_equal(holder.command, "");
    assert_int_equal(holder.place.epoch, 0);
    run_lock_release(&second);
    run_lock_release(&lock); /* of none */
}

/* A lock that a program before took, by flock() alone, still keeps others away. */
static void an_old_lock_counts(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct run_lock lock = RUN_LOCK_NONE;
    int old = open(scratch_path(&made->scratch, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_true(old >= 0);
    assert_int_equal(flock(old, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(run_lock_take(&lock, made->scratch.folder, NULL, &err), ERR_IO);
    close(old);
    assert_int_equal(run_lock_take(&lock, made->scratch.folder, NULL, &err), 0);
    run_lock_release(&lock);
}

/* However it ended, a process that is gone holds nothing. */
static void a_killed_process_holds_nothing(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct run_holder holder;
    int ready[2], status;
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t other = fork();
    if (other == 0) {
        struct run_lock lock = RUN_LOCK_NONE;
        int code = run_lock_take(&lock, made->scratch.folder, "repro all", &err);
        if (write(ready[1], code == 0 ? "+" : "-", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, '+');
    assert_int_equal(run_lock_ask(made->scratch.folder, &holder, &err), 0);
    assert_true(holder.held);
    assert_int_equal(holder.process, other);
    kill(other, SIGKILL);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(run_lock_ask(made->scratch.folder, &holder, &err), 0);
    assert_false(holder.held);
    close(ready[0]);
    close(ready[1]);
}

static const struct status_run *of(const struct status *status, const char *name, uint64_t seed)
{
    for (size_t i = 0; i < status->count; i++)
        if (strcmp(status->runs[i].name, name) == 0 && status->runs[i].seed == seed)
            return &status->runs[i];
    fail_msg("no run '%s', seed %d", name, (int)seed);
    return NULL;
}

static void what_is_running_is_what_is_locked(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store = {0};
    struct status status = {0};
    struct run_lock lock = RUN_LOCK_NONE;
    const char *out = made->scratch.folder;
    made_run(&made->facts, 0, 1, 1, 0.5, out);
    made_run(&made->facts, 0, 2, 0, 0.5, out);
    made_run(&made->facts, 1, 3, 0, 0.5, out);
    const char *damaged = scratch_path(&made->scratch, "runs/damaged");
    assert_int_equal(file_make_folders(damaged, &err), 0);
    assert_int_equal(
        file_replace(scratch_path(&made->scratch, "runs/damaged/manifest.json"), "{", 1, &err), 0);
    assert_int_equal(store_open(&store, out, &err), 0);
    const char *folder = NULL;
    for (size_t i = 0; i < store.count; i++)
        if (store.runs[i].manifest != NULL && stored_seed(&store.runs[i]) == 3)
            folder = store.runs[i].folder;
    assert_non_null(folder);
    assert_int_equal(run_lock_take(&lock, folder, "repro made", &err), 0);
    run_lock_note(&lock, &place);
    assert_int_equal(status_find(&store, &status, &err), 0);
    assert_int_equal(status.count, 4);
    for (int state_of = STATUS_RUNNING; state_of <= STATUS_DAMAGED; state_of++)
        assert_int_equal(status.states[state_of], 1);
    const struct status_run *done = of(&status, "one", 1), *stopped = of(&status, "one", 2),
                            *running = of(&status, "two", 3);
    assert_int_equal(done->state, STATUS_DONE);
    assert_int_equal(done->epoch, 4);
    assert_int_equal(done->epochs, 4);
    assert_int_equal(done->update, done->updates);
    assert_true(done->test_accuracy == 0.5);
    assert_int_equal(stopped->state, STATUS_STOPPED);
    assert_int_equal(stopped->epoch, 2);
    assert_int_equal(stopped->update, 20);
    assert_true(stopped->seconds_left == 0.0);
    assert_int_equal(running->state, STATUS_RUNNING);
    assert_int_equal(running->epoch, 3); /* as it says, and not as its log */
    assert_int_equal(running->update, 25);
    assert_true(running->images_per_second == 60.5);
    assert_true(running->seconds_left == 12.5);
    status_release(&status);
    run_lock_release(&lock);
    assert_int_equal(status_find(&store, &status, &err), 0);
    running = of(&status, "two", 3);
    assert_int_equal(running->state, STATUS_STOPPED);
    assert_int_equal(running->epoch, 2); /* what its log keeps */
    assert_string_equal(running->holder.command, "repro made");
    status_release(&status);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asked_and_not_taken, made_setup, made_teardown),
        cmocka_unit_test_setup_teardown(an_old_lock_counts, made_setup, made_teardown),
        cmocka_unit_test_setup_teardown(a_killed_process_holds_nothing, made_setup, made_teardown),
        cmocka_unit_test_setup_teardown(what_is_running_is_what_is_locked, made_setup,
                                        made_teardown)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
