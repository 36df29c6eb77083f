/* Which launcher has started this process, the module that speaks its language, who is there. */
#include "train/ranks.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a launcher says in the environment of every process that it starts.  Slurm's variables of a
 * step come last: an mpirun may have been started in one.  SLURM_NTASKS alone says nothing, for it
 * stands in a batch script, too, which is one process. */
static const struct {
    const char *name, *rank, *count;
} launchers[] = {
    {"mpirun (Open MPI)", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"mpirun (Hydra)", "PMI_RANK", "PMI_SIZE"},
    {"srun (Slurm)", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
};

/* A count in the environment; -1 where there is none. */
static int number(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    long value = text == NULL ? -1 : strtol(text, &end, 10);
    return end == text || end == NULL || *end != '\0' || value < 0 || value > 1000000 ? -1
                                                                                      : (int)value;
}

struct ranks_launch ranks_launch(void)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        struct ranks_launch launch = {number(launchers[i].rank), number(launchers[i].count),
                                      launchers[i].name};
        if (launch.rank >= 0 && launch.count > launch.rank)
            return launch;
    }
    return (struct ranks_launch){0, 1, NULL};
}

static const struct module module = {
    .variable = "REPRO_RANKS_PATH",
    .folder = REPRO_PLUGIN_DIR "/ranks",
    .file = "mpi.so",
    .entry = RANKS_ENTRY_NAME,
    .what = "MPI, so several processes cannot share a run",
    .mend = "install an MPI (Debian: libopenmpi-dev openmpi-bin) and build again (./bootstrap), or "
            "say --ranks 1 for processes that train by themselves",
};

const struct ranks_link *ranks_load(struct err *err)
{
    ranks_entry *entry;
    void *symbol = module_load(&module, err);
    if (symbol == NULL)
        return NULL;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion for it */
    const struct ranks_link *link = entry();
    return link->struct_size < sizeof *link ? module_stale(&module, err) : link;
}

/* The most ranks that may run on one core, of places[count]. */
static int crowd_of(const struct ranks_place *places, int count)
{
    int crowd = 1;
    for (int a = 0; a < count; a++)
        for (int core = 0; core < RANKS_CORES; core++) {
            int here = 0;
            for (int b = a; places[a].cores[core / 8] >> core % 8 & 1 && b < count; b++)
                here += strcmp(places[a].host, places[b].host) == 0 &&
                        (places[b].cores[core / 8] >> core % 8 & 1);
            crowd = here > crowd ? here : crowd;
        }
    return crowd;
}

/* Hosts and crowd, gathered by rank 0 and told to all. */
static int meet(struct ranks *ranks, const struct ranks_place *place, struct err *err)
{
    size_t count = (size_t)ranks->count;
    struct ranks_place *places = mem_new(count, sizeof *places, err);
    int32_t crowd = 1;
    int code = places == NULL ? ERR_MEMORY : 0;
    ranks->host = code == 0 ? mem_new(count, sizeof *ranks->host, err) : NULL;
    if (ranks->host == NULL)
        code = ERR_MEMORY;
    if (code == 0 && ranks->rank > 0)
        code = ranks_send(ranks, 0, place, sizeof *place, err);
    for (int from = 1; code == 0 && ranks->rank == 0 && from < ranks->count; from++)
        code = ranks_receive(ranks, from, &places[from], sizeof *places, err);
    if (code == 0 && ranks->rank == 0) {
        places[0] = *place;
        for (int i = 0; i < ranks->count; i++)
            memcpy(ranks->host[i], places[i].host, RANKS_HOST);
        crowd = crowd_of(places, ranks->count);
    }
    mem_free(places);
    if (code == 0)
        code = ranks_tell(ranks, 0, ranks->host, (int64_t)(count * sizeof *ranks->host), err);
    if (code == 0)
        code = ranks_tell(ranks, 0, &crowd, sizeof crowd, err);
    ranks->crowd = crowd;
    return code;
}

int ranks_open(struct ranks *ranks, const struct ranks_link *link,
               const struct ranks_launch *launch, double limit, struct err *err)
{
    struct ranks_failure failure = {.rank = -1};
    struct ranks_place place = {0};
    *ranks = (struct ranks){.count = 1, .lost = -1};
    if (link->open(limit, &ranks->job, &place, &failure) != 0)
        return err_set(err, ERR_CANNOT_RUN, "%s: %s", link->library, failure.text);
    if (place.count != launch->count || place.rank != launch->rank) {
        link->close(ranks->job);
        return err_set(err, ERR_CANNOT_RUN,
                       "%s has started %d processes, but %s, which this repro is built with, sees "
                       "%d: they are not of one MPI; start it with that one's mpirun, or build "
                       "again (./bootstrap) with the launcher's mpicc in PATH",
                       launch->name, launch->count, link->library, (int)place.count);
    }
    ranks->link = link;
    ranks->rank = place.rank;
    ranks->count = place.count;
    return meet(ranks, &place, err);
}

void ranks_close(struct ranks *ranks)
{
    if (ranks->link != NULL)
        ranks->link->close(ranks->job);
    mem_free(ranks->host);
    memset(ranks, 0, sizeof *ranks);
}

void ranks_abort(struct ranks *ranks, int status)
{
    if (ranks->link != NULL)
        ranks->link->abort(ranks->job, status);
}
