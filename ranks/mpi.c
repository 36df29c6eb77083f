/* The module of ranks over MPI 3, through whatever mpicc there is.
 *
 * MPI itself waits without an end for a process that hangs, so no call below blocks: a message is
 * begun, and then looked at until it is done.  When the limit is over the question is who is to
 * blame, for the rank that is waited for may wait for another one itself.  Every rank that waits
 * answers "are you there" with whom it waits for, and one that computes says so at its next tick.
 * The chain of answers leads to a rank that is at work, which is waited for again, or to one that
 * says nothing: it has died, hangs or is cut off. */
#include "train/ranks_link.h"

#include <mpi.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#define TAG_MESSAGE 1
#define TAG_NOTE 2   /* empty */
#define TAG_ASK 3    /* empty: whom do you wait for? */
#define TAG_ANSWER 4 /* an int: that rank; the one that was asked: none, it computes */

#define PIECE (1 << 30)    /* bytes of a message that MPI is given at once */
#define EAGER_LOOKS 1000   /* before a wait begins to sleep */
#define SLEEP_MOST 1000000 /* nanoseconds */
#define GRACE_LEAST 2.0    /* seconds for an answer, at least */
#define HURRY 1.0          /* the limit, once the launcher wants an end, and may soon kill */
#define HURRY_GRACE 0.5
#define LAUNCHER_WAIT 10000 /* milliseconds from an abort to a signal to the launcher */

struct ranks_job {
    double limit, grace; /* seconds */
    int rank, count;
    int noted;
    volatile sig_atomic_t hurries;
};

static int fail(struct ranks_failure *failure, int rank, const char *words)
{
    failure->rank = rank;
    snprintf(failure->text, sizeof failure->text, "%s", words);
    return 1;
}

static int mpi_failed(int status, int rank, const char *what, struct ranks_failure *failure)
{
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    MPI_Error_string(status, text, &length);
    text[strcspn(text, "\n")] = '\0';
    failure->rank = rank;
    snprintf(failure->text, sizeof failure->text, "%s: %.300s", what, text);
    return 1;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Between two looks: at first only makes way, then sleeps a little longer each time, for the cores
 * belong to those who compute. */
static void rest(int64_t looks)
{
    if (looks < EAGER_LOOKS) {
        sched_yield();
        return;
    }
    long nanoseconds = (looks - EAGER_LOOKS) * 1000;
    struct timespec time = {0, nanoseconds < SLEEP_MOST ? nanoseconds : SLEEP_MOST};
    nanosleep(&time, NULL);
}

static double limit_of(const struct ranks_job *job)
{
    return job->hurries && job->limit > HURRY ? HURRY : job->limit;
}

static double grace_of(const struct ranks_job *job)
{
    return job->hurries ? HURRY_GRACE : job->grace;
}

/* Takes notes, and answers those who ask while this rank waits for `peer`, or computes where that
 * is itself. */
static void serve(struct ranks_job *job, int peer)
{
    MPI_Status status;
    int there = 1;
    while (MPI_Iprobe(MPI_ANY_SOURCE, TAG_NOTE, MPI_COMM_WORLD, &there, &status) == MPI_SUCCESS &&
           there) {
        MPI_Recv(NULL, 0, MPI_BYTE, status.MPI_SOURCE, TAG_NOTE, MPI_COMM_WORLD, &status);
        job->noted = 1;
    }
    while (MPI_Iprobe(MPI_ANY_SOURCE, TAG_ASK, MPI_COMM_WORLD, &there, &status) == MPI_SUCCESS &&
           there) {
        MPI_Request request;
        static int answer; /* outlives the call; changes only with whom is waited for */
        int to = status.MPI_SOURCE;
        MPI_Recv(NULL, 0, MPI_BYTE, to, TAG_ASK, MPI_COMM_WORLD, &status);
        answer = peer;
        if (MPI_Isend(&answer, 1, MPI_INT, to, TAG_ANSWER, MPI_COMM_WORLD, &request) == MPI_SUCCESS)
            MPI_Request_free(&request);
    }
}

/* Looks at the request until it is done; 0: not within the seconds that `limit` says; -1: it
 * failed, with *status. */
static int look(struct ranks_job *job, MPI_Request *request, int peer,
                double (*limit)(const struct ranks_job *job), int *status)
{
    double begun = now();
    for (int64_t looks = 0;; looks++) {
        int done = 0;
        *status = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (*status != MPI_SUCCESS)
            return -1;
        if (done)
            return 1;
        if (looks >= EAGER_LOOKS || looks % 64 == 0)
            serve(job, peer);
        if (limit == NULL || now() - begun > limit(job))
            return 0;
        rest(looks);
    }
}

/* Whom `suspect` waits for, itself where it computes; -1: it does not answer. */
static int ask(struct ranks_job *job, int suspect, int peer)
{
    MPI_Request question, reply;
    static int answer; /* of a reply that may come when nobody looks any more */
    int status;
    answer = -1;
    if (MPI_Irecv(&answer, 1, MPI_INT, suspect, TAG_ANSWER, MPI_COMM_WORLD, &reply) != MPI_SUCCESS)
        return -1;
    if (MPI_Isend(NULL, 0, MPI_BYTE, suspect, TAG_ASK, MPI_COMM_WORLD, &question) != MPI_SUCCESS)
        return -1;
    MPI_Request_free(&question);
    if (look(job, &reply, peer, grace_of, &status) == 1)
        return answer;
    MPI_Cancel(&reply);
    MPI_Request_free(&reply);
    return -1;
}

/* The limit is over.  0: the message has come after all; 1: *failure says who is to blame; 2: who
 * is waited for in the end is at work. */
static int blame(struct ranks_job *job, MPI_Request *request, int peer,
                 struct ranks_failure *failure)
{
    int suspect = peer, status = 0;
    for (int asked = 0; asked < job->count; asked++) {
        int next = ask(job, suspect, peer);
        int done = look(job, request, peer, NULL, &status);
        if (done == 1)
            return 0;
        if (done < 0)
            return mpi_failed(status, peer, "the connection has failed", failure);
        if (next == suspect || next == job->rank)
            return 2;
        if (next < 0)
            break;
        suspect = next;
    }
    failure->rank = suspect;
    snprintf(failure->text, sizeof failure->text,
             "it has died, hangs or is cut off: nothing has come from it for %.0f s, and no answer "
             "for %.0f s more (--rank-timeout)",
             limit_of(job), grace_of(job));
    return 1;
}

static int finish(struct ranks_job *job, MPI_Request *request, int peer,
                  struct ranks_failure *failure)
{
    int status = 0, verdict = 2;
    while (verdict == 2) {
        int done = look(job, request, peer, limit_of, &status);
        if (done == 1)
            return 0;
        if (done < 0)
            return mpi_failed(status, peer, "the connection has failed", failure);
        verdict = blame(job, request, peer, failure);
    }
    return verdict;
}

static int32_t mpi_send(struct ranks_job *job, int32_t to, const void *bytes, int64_t size,
                        struct ranks_failure *failure)
{
    const char *at = bytes;
    for (int64_t done = 0; done < size; done += PIECE) {
        MPI_Request request;
        int piece = (int)(size - done < PIECE ? size - done : PIECE);
        int status = MPI_Isend(at + done, piece, MPI_BYTE, to, TAG_MESSAGE, MPI_COMM_WORLD,
                               &request);
        if (status != MPI_SUCCESS)
            return mpi_failed(status, to, "nothing can be sent to it", failure);
        if (finish(job, &request, to, failure) != 0)
            return 1;
    }
    return 0;
}

static int32_t mpi_receive(struct ranks_job *job, int32_t from, void *bytes, int64_t size,
                           struct ranks_failure *failure)
{
    char *at = bytes;
    for (int64_t done = 0; done < size; done += PIECE) {
        MPI_Request request;
        int piece = (int)(size - done < PIECE ? size - done : PIECE);
        int status = MPI_Irecv(at + done, piece, MPI_BYTE, from, TAG_MESSAGE, MPI_COMM_WORLD,
                               &request);
        if (status != MPI_SUCCESS)
            return mpi_failed(status, from, "nothing can be received from it", failure);
        if (finish(job, &request, from, failure) != 0)
            return 1;
    }
    return 0;
}

static int32_t mpi_note(struct ranks_job *job, int32_t to, struct ranks_failure *failure)
{
    MPI_Request request;
    if (to == job->rank) {
        job->noted = 1;
        return 0;
    }
    int status = MPI_Isend(NULL, 0, MPI_BYTE, to, TAG_NOTE, MPI_COMM_WORLD, &request);
    if (status != MPI_SUCCESS)
        return mpi_failed(status, to, "no note can be sent to it", failure);
    MPI_Request_free(&request);
    return 0;
}

static int32_t mpi_tick(struct ranks_job *job)
{
    serve(job, job->rank);
    return job->noted;
}

static void mpi_hurry(struct ranks_job *job)
{
    job->hurries = 1;
}

static void fill_place(struct ranks_place *place, int rank, int count)
{
    cpu_set_t cores;
    memset(place, 0, sizeof *place);
    place->rank = rank;
    place->count = count;
    gethostname(place->host, sizeof place->host - 1);
    if (sched_getaffinity(0, sizeof cores, &cores) == 0)
        for (int k = 0; k < CPU_SETSIZE && k < RANKS_CORES; k++)
            if (CPU_ISSET(k, &cores))
                place->cores[k / 8] |= (uint8_t)(1u << k % 8);
}

static int32_t mpi_open(double limit, struct ranks_job **out, struct ranks_place *place,
                        struct ranks_failure *failure)
{
    int provided, rank = 0, count = 1;
    struct ranks_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return fail(failure, -1, "out of memory");
    int status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (status != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED) {
        free(job);
        return status != MPI_SUCCESS
                   ? mpi_failed(status, -1, "it cannot be started", failure)
                   : fail(failure, -1, "it was built for programs of one thread only");
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    *job = (struct ranks_job){.limit = limit,
                              .grace = limit / 10.0 < GRACE_LEAST ? GRACE_LEAST : limit / 10.0,
                              .rank = rank,
                              .count = count};
    fill_place(place, rank, count);
    *out = job;
    return 0;
}

static void mpi_close(struct ranks_job *job)
{
    MPI_Finalize();
    free(job);
}

static int is_launcher(pid_t id)
{
    static const char *const names[] = {"mpirun\n", "mpiexec\n", "orterun\n", "prterun\n"};
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)id);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(name, sizeof name, file) == NULL)
        name[0] = '\0';
    if (file != NULL)
        fclose(file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return 0;
}

/* Open MPI's mpirun waits for its daemon on a host that is cut off as long as TCP does, a quarter
 * of an hour.  A process that outlives this one sends it SIGTERM where it is still there later. */
static void end_launcher(void)
{
    pid_t launcher = getppid();
    int fd = is_launcher(launcher) ? pidfd_open(launcher, 0) : -1;
    if (fd < 0 || fork() != 0)
        return;
    setsid();
    dup2(fd, 0);
    close_range(1, ~0U, 0);
    for (int number = SIGTERM;; number = SIGKILL) {
        struct pollfd wait = {.fd = 0, .events = POLLIN}; /* readable when it has ended */
        if (poll(&wait, 1, LAUNCHER_WAIT) != 0 || pidfd_send_signal(0, number, NULL, 0) != 0)
            _exit(0);
    }
}

static void mpi_abort(struct ranks_job *job, int32_t status)
{
    (void)job;
    end_launcher();
    MPI_Abort(MPI_COMM_WORLD, status);
}

ranks_entry repro_ranks_v1;

__attribute__((visibility("default"))) const struct ranks_link *repro_ranks_v1(void)
{
    static char library[128];
    static const struct ranks_link link = {
        .struct_size = sizeof link,
        .library = library,
        .open = mpi_open,
        .send = mpi_send,
        .receive = mpi_receive,
        .note = mpi_note,
        .tick = mpi_tick,
        .hurry = mpi_hurry,
        .close = mpi_close,
        .abort = mpi_abort,
    };
    char text[MPI_MAX_LIBRARY_VERSION_STRING + 1] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    snprintf(library, sizeof library, "%.*s", (int)strcspn(text, ",\n"), text);
    return &link;
}
