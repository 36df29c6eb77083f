#include "fetch/archives.h"

#include "base/err.h"
#include "base/suggest.h"
#include "experiment/settings.h"

#include <string.h>

#define BYTES_MAX ((int64_t)1 << 42) /* of anything that is fetched */
#define FILES_MAX 100000000

static const char *const file_keys[] = {"archives"};
static const char *const keys[] = {"name",  "why",      "title",  "url",    "folder",
                                   "then",  "md5",      "md5_by", "sha256", "sha256_by",
                                   "bytes", "unpacked", "files"};

/* A sum, as the libraries write it. */
static const char *read_sum(struct settings_view *view, const char *key, size_t text)
{
    const char *sum = settings_string(view, key);
    if (view->failed)
        return NULL;
    if (strlen(sum) != text - 1 || strspn(sum, "0123456789abcdef") != text - 1)
        settings_fail(view, settings_find(view, key),
                      "%s is '%s', not %zu hexadecimal digits in lower case", key, sum, text - 1);
    return sum;
}

static int read_archive(struct settings_view *view, struct archive *archive)
{
    settings_check(view, view->group, keys, sizeof keys / sizeof *keys);
    archive->name = settings_name(view, "name");
    if (settings_find(view, "why") != NULL) {
        archive->why = settings_string(view, "why");
        return view->failed;
    }
    archive->title = settings_string(view, "title");
    archive->url = settings_string(view, "url");
    if (!view->failed && strstr(archive->url, "://") == NULL)
        settings_fail(view, settings_find(view, "url"), "'%s' is no URL", archive->url);
    archive->folder = settings_name(view, "folder");
    archive->then = settings_string(view, "then");
    archive->md5 = read_sum(view, "md5", FETCH_MD5_TEXT);
    archive->md5_by = settings_string(view, "md5_by");
    if (settings_find(view, "sha256") != NULL) {
        archive->sha256 = read_sum(view, "sha256", FETCH_SHA256_TEXT);
        archive->sha256_by = settings_string(view, "sha256_by");
    }
    archive->bytes = settings_int(view, "bytes", 1, BYTES_MAX);
    archive->unpacked = settings_int(view, "unpacked", 1, BYTES_MAX);
    archive->files = settings_int(view, "files", 1, FILES_MAX);
    return view->failed;
}

int archives_read(const char *path, struct archives *archives, struct err *err)
{
    memset(archives, 0, sizeof *archives);
    int code = settings_read(path, &archives->config, err);
    if (code != 0)
        return code;
    archives->open = 1;
    struct settings_view view = {
        .path = path, .group = config_root_setting(&archives->config), .err = err};
    settings_check(&view, view.group, file_keys, sizeof file_keys / sizeof *file_keys);
    const config_setting_t *list = settings_groups(&view, "archives", ARCHIVES_MAX);
    code = view.failed;
    for (int i = 0; code == 0 && i < config_setting_length(list); i++) {
        struct settings_view one = {
            .path = path, .group = config_setting_get_elem(list, (unsigned)i), .err = err};
        code = read_archive(&one, &archives->archive[archives->count++]);
    }
    if (code != 0)
        archives_release(archives);
    return code;
}

void archives_release(struct archives *archives)
{
    if (archives->open)
        config_destroy(&archives->config);
    memset(archives, 0, sizeof *archives);
}

const struct archive *archives_find(const struct archives *archives, const char *name,
                                    struct err *err)
{
    const char *names[ARCHIVES_MAX];
    char mend[SUGGEST_TEXT];
    size_t count = 0;
    for (size_t i = 0; i < archives->count; i++) {
        const struct archive *archive = &archives->archive[i];
        if (strcmp(archive->name, name) == 0 && archive->why == NULL)
            return archive;
        if (strcmp(archive->name, name) == 0) {
            err_set(err, ERR_INPUT, "%s cannot be fetched: %s", name, archive->why);
            return NULL;
        }
        if (archive->why == NULL)
            names[count++] = archive->name;
    }
    err_set(err, ERR_USAGE, "there is no data set '%s' to fetch%s", name,
            suggest_phrase(mend, name, names, count, '\'', NULL));
    return NULL;
}
