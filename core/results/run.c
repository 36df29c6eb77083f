#include "results/run.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "results/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int set_paths(struct run *run, const char *out, struct err *err)
{
    const struct facts *facts = run->facts;
    run->folder = mem_format(err, "%s/runs/%s-%s-%s-%s-%.12s", out, facts->profile->network,
                             facts->data.name, optimizer_name(run->schedule.optimizer),
                             facts->backend.name, run->hash);
    if (run->folder == NULL)
        return ERR_MEMORY;
    run->manifest_path = mem_format(err, "%s/manifest.json", run->folder);
    run->log_path = mem_format(err, "%s/log.tsv", run->folder);
    run->checkpoint_path = mem_format(err, "%s/checkpoint.safetensors", run->folder);
    if (run->manifest_path == NULL || run->log_path == NULL || run->checkpoint_path == NULL)
        return ERR_MEMORY;
    return 0;
}

int run_init(struct run *run, const struct facts *facts, const struct experiment_run *what,
             uint64_t seed, const char *out, struct err *err)
{
    memset(run, 0, sizeof *run);
    run->facts = facts;
    run->what = what;
    run->seed = seed;
    int code = experiment_schedule(facts->experiment, facts->profile, what, &run->schedule, err);
    run->micro = run->schedule.ghost * facts->micro_ghosts;
    if (code == 0)
        code = identity_make(facts, what, &run->schedule, seed, &run->identity, run->hash, err);
    if (code == 0)
        code = set_paths(run, out, err);
    if (code == 0)
        code = manifest_status(run->manifest_path, run->hash, &run->status, err);
    if (code != 0)
        run_release(run);
    return code;
}

void run_release(struct run *run)
{
    json_decref(run->identity);
    mem_free(run->folder);
    mem_free(run->manifest_path);
    mem_free(run->log_path);
    mem_free(run->checkpoint_path);
    memset(run, 0, sizeof *run);
}

int run_hold(const struct run *run, int wait, int *descriptor, struct err *err)
{
    char *path = mem_format(err, "%s/lock", run->folder);
    if (path == NULL)
        return ERR_MEMORY;
    int code = 0, taken = 0;
    int lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (lock < 0)
        code = err_errno(err, errno, "%s: cannot be created", path);
    while (code == 0 && !taken) {
        taken = flock(lock, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0;
        if (!taken && errno != EINTR)
            code = errno == EWOULDBLOCK
                       ? err_set(err, ERR_IO, "%s: another process is training this run", path)
                       : err_errno(err, errno, "%s: cannot be locked", path);
    }
    mem_free(path);
    if (code != 0 && lock >= 0)
        close(lock);
    if (code == 0)
        *descriptor = lock;
    return code;
}
