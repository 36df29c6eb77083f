#include "fetch/fetch.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "fetch/load.h"
#include "fetch/place.h"
#include "fetch/url.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct job {
    const struct fetch_options *options;
    const struct archive *archive;
    const struct fetch_link *link;
    struct place place;
    char *url;
    int resumed; /* some of the part was there before its last connection */
};

static void tell_download(void *context, int64_t have)
{
    const struct job *job = context;
    job->options->progress(job->options->context, FETCH_DOWNLOADS, have, job->archive->bytes);
}

static void tell_unpacking(void *context, int64_t bytes)
{
    const struct job *job = context;
    job->options->progress(job->options->context, FETCH_UNPACKS, bytes, 0);
}

static int choose_url(struct job *job, struct err *err)
{
    const struct fetch_options *options = job->options;
    if (options->from != NULL)
        job->url = url_of_file(options->from, err);
    else if (options->mirror != NULL)
        job->url = url_at_mirror(options->mirror, job->archive->url, err);
    else
        job->url = mem_string(job->archive->url, err);
    return job->url == NULL ? err->code : 0;
}

/* One connection, which adds to the part. */
static int connect_once(struct job *job, int part, int64_t *have, int *outcome,
                        struct fetch_failure *failure, struct err *err)
{
    struct fetch_transfer transfer = {.url = job->url,
                                      .agent = job->options->agent,
                                      .descriptor = part,
                                      .have = *have,
                                      .size = job->archive->bytes,
                                      .progress = tell_download,
                                      .context = job};
    job->options->begin(job->options->context, job->url, *have);
    *outcome = job->link->download(&transfer, failure);
    if (transfer.have != *have) /* bytes have come */
        job->resumed = transfer.resumed;
    *have = transfer.have;
    if (*outcome == FETCH_WHOLE && fsync(part) != 0)
        return err_errno(err, errno, "cannot write '%s'", job->place.part);
    return 0;
}

static int empty(struct job *job, int part, int64_t *have, struct err *err)
{
    if (ftruncate(part, 0) != 0 || lseek(part, 0, SEEK_SET) != 0)
        return err_errno(err, errno, "cannot write '%s'", job->place.part);
    *have = 0;
    return 0;
}

/* As many connections as it takes, while each brings something. */
static int download(struct job *job, int part, struct err *err)
{
    struct fetch_failure failure = {""};
    const double size = (double)job->archive->bytes;
    int64_t have = place_part(&job->place), before;
    int outcome = FETCH_WHOLE, code = 0;
    if (have > job->archive->bytes)
        code = empty(job, part, &have, err);
    if (code != 0 || have == job->archive->bytes)
        return code;
    if (lseek(part, 0, SEEK_END) < 0)
        return err_errno(err, errno, "cannot write '%s'", job->place.part);
    do {
        before = have;
        code = connect_once(job, part, &have, &outcome, &failure, err);
        if (code == 0 && outcome == FETCH_OTHER)
            code = empty(job, part, &have, err);
    } while (code == 0 && ((outcome == FETCH_CUT && have > before) || outcome == FETCH_OTHER));
    if (code != 0 || outcome == FETCH_WHOLE)
        return code;
    if (have == 0)
        return err_set(err, ERR_IO, "%s: %s", job->url, failure.text);
    return err_set(err, ERR_IO,
                   "%s: %s; %.1f of %.1f MB are kept, and the same command goes on from there",
                   job->url, failure.text, (double)have / 1e6, size / 1e6);
}

/* 0: it is the published one, or an error; *wrong then says that it is another. */
static int check(struct job *job, int *wrong, struct err *err)
{
    const struct archive *archive = job->archive;
    char md5[FETCH_MD5_TEXT], sha256[FETCH_SHA256_TEXT];
    struct fetch_failure failure = {""};
    job->options->progress(job->options->context, FETCH_CHECKS, 0, archive->bytes);
    if (job->link->sums(job->place.part, md5, sha256, &failure) != 0)
        return err_set(err, ERR_IO, "'%s' %s", job->place.part, failure.text);
    *wrong = 1;
    if (strcmp(md5, archive->md5) != 0)
        return err_set(err, ERR_INPUT,
                       "%s: its MD5 is %s, and must be %s: it is not the archive that was "
                       "published, and was thrown away",
                       job->url, md5, archive->md5);
    if (archive->sha256 != NULL && strcmp(sha256, archive->sha256) != 0)
        return err_set(err, ERR_INPUT,
                       "%s: its SHA-256 is %s, and must be %s: it is not the archive that was "
                       "published, and was thrown away",
                       job->url, sha256, archive->sha256);
    *wrong = 0;
    return 0;
}

/* A part that is whole and right. */
static int obtain_once(struct job *job, int part, int *wrong, struct err *err)
{
    int64_t have;
    *wrong = 0;
    job->resumed = place_part(&job->place) > 0;
    int code = download(job, part, err);
    if (code == 0)
        code = check(job, wrong, err);
    if (*wrong)
        empty(job, part, &have, &(struct err){0}); /* the sum is what is to be said */
    return code;
}

/* One that was put together of several connections may be of two files: it is had once more. */
static int obtain(struct job *job, struct err *err)
{
    int part = open(job->place.part, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (part < 0)
        return err_errno(err, errno, "cannot write '%s'", job->place.part);
    int wrong, code = obtain_once(job, part, &wrong, err);
    if (wrong && job->resumed)
        code = obtain_once(job, part, &wrong, err);
    if (close(part) != 0 && errno != EINTR && code == 0)
        code = err_errno(err, errno, "cannot write '%s'", job->place.part);
    if (place_part(&job->place) == 0) /* nothing is kept */
        unlink(job->place.part);
    return code;
}

static int unpack(struct job *job, struct fetch_result *result, struct err *err)
{
    struct fetch_failure failure = {""};
    struct fetch_unpacking unpacking = {.archive = job->place.part,
                                        .bytes_most = job->archive->unpacked,
                                        .files_most = job->archive->files,
                                        .progress = tell_unpacking,
                                        .context = job};
    int folder, code = place_unpack_begin(&job->place, &folder, err);
    if (code != 0)
        return code;
    unpacking.folder = folder;
    if (job->link->unpack(&unpacking, &failure) != 0)
        code = err_set(err, ERR_INPUT, "the archive of %s cannot be unpacked: %s",
                       job->archive->name, failure.text);
    close(folder);
    if (code == 0)
        code = place_unpack_end(&job->place, job->archive->folder, err);
    if (code != 0) {
        place_unpack_drop(&job->place);
        return code;
    }
    result->bytes = unpacking.bytes;
    result->files = unpacking.files;
    return 0;
}

static int bring(struct job *job, struct fetch_result *result, struct err *err)
{
    int code = choose_url(job, err);
    if (code == 0)
        code = place_check_room(
            &job->place, job->archive->bytes - place_part(&job->place) + job->archive->unpacked,
            err);
    if (code == 0)
        code = obtain(job, err);
    if (code == 0)
        code = unpack(job, result, err);
    return code;
}

static int run(struct job *job, struct fetch_result *result, struct err *err)
{
    int code = place_open(&job->place, job->options->home, job->archive->name, err);
    if (code != 0)
        return code;
    result->before = place_filled(&job->place); /* by another process, meanwhile */
    if (!result->before)
        code = bring(job, result, err);
    place_close(&job->place);
    return code;
}

int fetch_run(const struct fetch_options *options, struct fetch_result *result, struct err *err)
{
    struct job job = {.options = options, .archive = options->archive};
    int code = 0;
    memset(result, 0, sizeof *result);
    result->folder = mem_format(err, "%s/%s", options->home, options->archive->name);
    if (result->folder == NULL)
        return ERR_MEMORY;
    result->before = file_exists(result->folder);
    if (!result->before && (job.link = fetch_load(err)) == NULL)
        code = err->code;
    if (code == 0 && !result->before)
        code = run(&job, result, err);
    mem_free(job.url);
    if (code != 0)
        fetch_release(result);
    return code;
}

void fetch_release(struct fetch_result *result)
{
    mem_free(result->folder);
    memset(result, 0, sizeof *result);
}
