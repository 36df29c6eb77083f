/* repro fetch: brings data sets into the data folder, where a training finds them. */
#include "cli/command.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/version.h"
#include "data/home.h"
#include "fetch/fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_SECONDS 0.2
#define MB 1e6

struct settings {
    const char *data, *mirror, *from;
    struct text names;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
    {.name = "data",
     .letter = 'd',
     .argument = "DIR",
     .help = "the folder to put it in, as DIR/NAME (default: $REPRO_DATA_HOME, else "
             "$XDG_DATA_HOME/repro, else ~/.local/share/repro)",
     .kind = OPTION_TEXT,
     .offset = FIELD(data)},
    {.name = "mirror",
     .argument = "URL",
     .help = "a folder on the web that has the archive, instead of its publisher's",
     .kind = OPTION_TEXT,
     .offset = FIELD(mirror)},
    {.name = "from",
     .argument = "URL",
     .help = "the archive itself: http://, https://, file:// or a path",
     .kind = OPTION_TEXT,
     .offset = FIELD(from)},
};

static const struct option_table table = {
    .usage = "[NAME...]",
    .about = "Downloads a data set, checks its sums and unpacks it where a training without --data "
             "finds it; what was cut off goes on.  Without a name it lists what there is.",
    .rows = rows,
    .count = sizeof rows / sizeof rows[0],
    .operands = OPTION_OPERANDS_ANY,
    .operand_offset = FIELD(names),
};

/* ---- The line that is written over ---- */

struct show {
    int terminal, width;
    double drawn, began; /* seconds */
    int64_t first;       /* bytes there when the connection began */
};

static void begin(void *context, const char *url, int64_t have)
{
    struct show *show = context;
    show->began = clock_seconds();
    show->first = have;
    if (have > 0)
        fprintf(stderr, "%s%s: going on at %.1f MB\n", show->width > 0 ? "\n" : "", url,
                (double)have / MB);
    show->width = 0;
}

static void draw(struct show *show, const char *line)
{
    int width = (int)strlen(line);
    fprintf(stderr, "\r%s%*s", line, show->width > width ? show->width - width : 0, "");
    show->width = width;
}

static void progress(void *context, int stage, int64_t done, int64_t all)
{
    struct show *show = context;
    char line[120], left[40] = "";
    double now = clock_seconds(), seconds = now - show->began;
    int last = done == all;
    if (!show->terminal || (now - show->drawn < REDRAW_SECONDS && !last && stage != FETCH_CHECKS))
        return;
    show->drawn = now;
    if (stage == FETCH_CHECKS) {
        snprintf(line, sizeof line, "checking the sums of %.1f MB", (double)all / MB);
    } else if (stage == FETCH_UNPACKS) {
        snprintf(line, sizeof line, "unpacking: %.1f MB", (double)done / MB);
    } else {
        double speed = seconds > 0.0 ? (double)(done - show->first) / seconds : 0.0;
        int64_t rest = speed > 0.0 ? (int64_t)((double)(all - done) / speed + 0.5) : 0;
        if (speed > 0.0)
            snprintf(left, sizeof left, ", left %" PRId64 ":%02d", rest / 60, (int)(rest % 60));
        snprintf(line, sizeof line, "%.1f of %.1f MB, %.1f MB/s%s", (double)done / MB,
                 (double)all / MB, speed / MB, left);
    }
    draw(show, line);
}

static void clear(struct show *show)
{
    if (show->width > 0)
        fputc('\n', stderr);
    show->width = 0;
}

/* ---- One data set ---- */

static void print_checks(const struct archive *archive)
{
    if (archive->sha256 == NULL)
        printf("    checked: the MD5 that %s publishes; no SHA-256 of it is known\n",
               archive->md5_by);
    else
        printf("    checked: the MD5 that %s publishes, and the SHA-256 of %s\n", archive->md5_by,
               archive->sha256_by);
}

static int fetch_one(const struct settings *settings, const struct archives *archives,
                     const char *home, const char *name, struct err *err)
{
    struct show show = {.terminal = isatty(STDERR_FILENO)};
    struct fetch_options options = {.archive = archives_find(archives, name, err),
                                    .home = home,
                                    .mirror = settings->mirror,
                                    .from = settings->from,
                                    .agent = "repro/" REPRO_VERSION,
                                    .progress = progress,
                                    .begin = begin,
                                    .context = &show};
    struct fetch_result result;
    if (options.archive == NULL)
        return err->code;
    int code = fetch_run(&options, &result, err);
    clear(&show);
    if (code != 0)
        return code;
    if (result.before) {
        printf("%s: is there already, nothing to do: %s (remove it to fetch it again)\n", name,
               result.folder);
    } else {
        printf("%s: %s: %" PRId64 " files, %.1f MB, in %s\n", name, options.archive->title,
               result.files, (double)result.bytes / MB, result.folder);
        print_checks(options.archive);
    }
    if (settings->data == NULL)
        printf("    `%s` trains on it\n", options.archive->then);
    else
        printf("    `%s --data %s` trains on it\n", options.archive->then, result.folder);
    fetch_release(&result);
    return 0;
}

/* ---- All that there are ---- */

static int list(const struct archives *archives, const char *home, struct err *err)
{
    printf("data folder: %s\n", home);
    for (size_t i = 0; i < archives->count; i++) {
        const struct archive *archive = &archives->archive[i];
        if (archive->why != NULL) {
            printf("%-12s not to be fetched: %s\n", archive->name, archive->why);
            continue;
        }
        char *folder = mem_format(err, "%s/%s", home, archive->name);
        if (folder == NULL)
            return ERR_MEMORY;
        printf("%-12s %s: %.0f MB, %s\n", archive->name, archive->title,
               (double)archive->bytes / MB, file_exists(folder) ? "is there" : "not there");
        mem_free(folder);
    }
    return 0;
}

static int fetch_named(struct settings *settings, const struct archives *archives, const char *home,
                       struct err *err)
{
    char *names = NULL, *rest;
    if (text_take(&settings->names, &names, "the names", err) != 0)
        return ERR_MEMORY;
    int code = 0;
    rest = names;
    if (settings->from != NULL && strchr(names, '\n') != strrchr(names, '\n'))
        code = err_set(err, ERR_USAGE, "--from is one archive; name one data set");
    for (char *name; code == 0 && (name = strsep(&rest, "\n")) != NULL;)
        if (*name != '\0')
            code = fetch_one(settings, archives, home, name, err);
    mem_free(names);
    return code;
}

int command_fetch(int argc, char **argv)
{
    struct settings settings = {0};
    struct archives archives = {0};
    struct err err = {0};
    char *home = NULL;
    option_table_parse(&table, argc, argv, &settings);
    char *path = mem_format(&err, "%s/experiments/archives.conf", share_folder());
    int code = path == NULL ? ERR_MEMORY : archives_read(path, &archives, &err);
    if (code == 0 && settings.data != NULL && (home = mem_string(settings.data, &err)) == NULL)
        code = ERR_MEMORY;
    if (code == 0 && settings.data == NULL)
        code = data_home(&home, &err);
    if (code == 0 && settings.mirror != NULL && settings.from != NULL)
        code = err_set(&err, ERR_USAGE, "--mirror and --from say two places; leave out one");
    if (code == 0)
        code = settings.names.size == 0 ? list(&archives, home, &err)
                                        : fetch_named(&settings, &archives, home, &err);
    text_release(&settings.names);
    archives_release(&archives);
    mem_free(home);
    mem_free(path);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
