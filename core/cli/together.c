/* One process of a job, from its beginning to its end. */
#include "base/err.h"
#include "cli/command.h"
#include "cli/launcher.h"
#include "cli/say.h"
#include "cli/version.h"
#include "lab/sameness.h"
#include "train/ranks.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define RANK_TIMEOUT 300.0
#define FIRST_SPEAKS 30 /* seconds that the others leave one rank to keep the state and say so */

/* Joins the job that this process is one of, or is the launcher of one, whose status it returns in
 * *status; else that is -1. */
static int join(const struct command_options *options, struct ranks *ranks, int *status,
                struct err *err)
{
    struct ranks_launch launch = ranks_launch();
    if (options->ranks == 1 || (launch.count == 1 && options->ranks == 0))
        return 0;
    const struct ranks_link *link = ranks_load(err);
    if (link == NULL)
        return err->code;
    if (launch.count == 1)
        return launcher_run(options->ranks, status, err);
    if (options->ranks != 0 && options->ranks != launch.count)
        return err_set(err, ERR_USAGE,
                       "--ranks %d, but %s has started %d processes; leave out one of the two",
                       options->ranks, launch.name, launch.count);
    double limit = options->rank_timeout == 0.0 ? RANK_TIMEOUT : options->rank_timeout;
    int code = ranks_open(ranks, link, &launch, limit, err);
    return code == 0 ? sameness_program(ranks, REPRO_VERSION, REPRO_COMMIT, err) : code;
}

/* The others do not know what has happened here: says it, and ends them. */
static int give_up(struct ranks *ranks, struct err *err)
{
    int speaker = err->code == ERR_RANK && ranks->lost == 0; /* 1, where rank 0 cannot speak */
    if (err->code == ERR_RANK && ranks->rank != speaker)
        sleep(FIRST_SPEAKS);
    if (ranks->hurries && ranks->rank != speaker)
        _exit(EXIT_FAILED); /* the job is being ended, and it has spoken */
    if (ranks->hurries)
        err_prefix(err, "the launcher ends the job");
    if (err->code != ERR_RANK && ranks->rank > 0 && ranks->host != NULL)
        err_prefix(err, "rank %d, on %s", ranks->rank, ranks->host[ranks->rank]);
    int status = report_error(err);
    ranks_abort(ranks, status);
    return status;
}

int work_together(const struct command_options *given,
                  int (*work)(struct command_options *options, int *status, struct err *err))
{
    struct ranks ranks = {.count = 1};
    struct command_options options = *given;
    struct err err = {0};
    int status = -1, launched = ranks_launch().rank;
    int code = join(&options, &ranks, &status, &err);
    if (code == 0 && status >= 0)
        return status;
    status = EXIT_DONE;
    if (code != 0 && ranks.link == NULL) /* every process finds the same; one says so */
        return launched == 0 ? report_error(&err) : EXIT_DONE;
    if (ranks_are_several(&ranks))
        options.together = &ranks;
    if (ranks.rank > 0 && freopen("/dev/null", "w", stdout) == NULL)
        code = err_errno(&err, errno, "/dev/null: cannot be opened");
    if (code == 0)
        code = work(&options, &status, &err);
    if (code != 0 && ranks_are_several(&ranks) && !ranks.in_step)
        return give_up(&ranks, &err);
    if (ranks.rank > 0)
        status = EXIT_DONE; /* the first one's is the job's */
    else if (code != 0)
        status = report_error(&err);
    say_event("end", "{s:i}", "status", status);
    fflush(stdout);
    ranks_close(&ranks);
    return status;
}
