/* One transfer by libcurl.  The range is asked for as a plain one and its answer is looked at here:
 * libcurl's own resuming gives up where a server knows no ranges, and does not compare the size of
 * the whole. */
#include "module.h"

#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define REDIRECTS 10L
#define CONNECT_SECONDS 30L
#define SILENT_SECONDS 60L /* without a byte: the connection is given up */
#define HTTP_OK 200
#define HTTP_PARTIAL 206
#define HTTP_TROUBLE 500 /* from here on the server's own trouble, which may pass */

struct download {
    struct fetch_transfer *transfer;
    struct fetch_failure *failure;
    CURL *curl;
    int64_t first, whole; /* what Content-Range says; -1: it says nothing */
    int begun;            /* the first bytes have come */
    int refused, other;   /* *failure says why */
};

static size_t refuse(struct download *download)
{
    download->refused = 1;
    return 0; /* fewer bytes than were given: libcurl ends the transfer */
}

/* Content-Range of the last answer: those of redirects before it are forgotten. */
static size_t take_header(char *line, size_t one, size_t size, void *context)
{
    struct download *download = context;
    char text[256];
    (void)one;
    snprintf(text, sizeof text, "%.*s", (int)(size < sizeof text ? size : sizeof text - 1), line);
    if (strncasecmp(text, "HTTP/", 5) == 0)
        download->first = download->whole = -1;
    int64_t first, last, whole;
    if (sscanf(text, "%*[Cc]ontent-%*[Rr]ange: bytes %" SCNd64 "-%" SCNd64 "/%" SCNd64, &first,
               &last, &whole) == 3) {
        download->first = first;
        download->whole = whole;
    }
    return size;
}

/* Whether the answer is what was asked for.  1: it is.  0: refused. */
static int check_answer(struct download *download)
{
    struct fetch_transfer *transfer = download->transfer;
    long status = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(download->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (status == HTTP_PARTIAL &&
        (download->first != transfer->have || download->whole != transfer->size)) {
        fetch_fail(download->failure,
                   "the server offers bytes from %" PRId64 " on of %" PRId64 " where those from "
                   "%" PRId64 " on of %" PRId64 " were asked for",
                   download->first, download->whole, transfer->have, transfer->size);
        download->other = 1;
        return 0;
    }
    if (status == HTTP_OK && transfer->have > 0) { /* it knows no ranges */
        if (ftruncate(transfer->descriptor, 0) != 0 ||
            lseek(transfer->descriptor, 0, SEEK_SET) != 0) {
            fetch_fail(download->failure, "the part cannot be begun anew: %s", strerror(errno));
            return 0;
        }
        transfer->have = 0;
    }
    if (length >= 0 && transfer->have + length != transfer->size) {
        fetch_fail(download->failure,
                   "it is %" PRId64 " bytes there, and must be %" PRId64 ": it is another file",
                   transfer->have + (int64_t)length, transfer->size);
        return 0;
    }
    transfer->resumed = transfer->have > 0;
    return 1;
}

static size_t take_bytes(char *bytes, size_t one, size_t size, void *context)
{
    struct download *download = context;
    struct fetch_transfer *transfer = download->transfer;
    (void)one;
    if (!download->begun && !check_answer(download))
        return refuse(download);
    download->begun = 1;
    if ((int64_t)size > transfer->size - transfer->have) {
        fetch_fail(download->failure, "the server sends more than %" PRId64 " bytes",
                   transfer->size);
        return refuse(download);
    }
    for (size_t put = 0; put < size;) {
        ssize_t now = write(transfer->descriptor, bytes + put, size - put);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0) {
            fetch_fail(download->failure, "cannot be written: %s", strerror(now < 0 ? errno : EIO));
            return refuse(download);
        }
        put += (size_t)now;
        transfer->have += now;
    }
    transfer->progress(transfer->context, transfer->have);
    return size;
}

/* The certificates that the command line's curl would take. */
static const char *certificates(void)
{
    const char *file = getenv("CURL_CA_BUNDLE");
    if (file == NULL || *file == '\0')
        file = getenv("SSL_CERT_FILE");
    return file == NULL || *file == '\0' ? NULL : file;
}

static CURLcode set(struct download *download, const char *range, char *reason)
{
    CURL *curl = download->curl;
    CURLcode code = curl_easy_setopt(curl, CURLOPT_URL, download->transfer->url);
#define SET(option, value) \
    if (code == CURLE_OK)  \
    code = curl_easy_setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, reason);
    SET(CURLOPT_USERAGENT, download->transfer->agent);
    SET(CURLOPT_PROTOCOLS_STR, "http,https,file");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, REDIRECTS);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, SILENT_SECONDS);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, download);
    SET(CURLOPT_WRITEFUNCTION, take_bytes);
    SET(CURLOPT_WRITEDATA, download);
    if (certificates() != NULL)
        SET(CURLOPT_CAINFO, certificates());
    if (range[0] != '\0')
        SET(CURLOPT_RANGE, range);
#undef SET
    return code;
}

/* Whether the same request may go better another time. */
static int may_pass(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK: /* ended early */
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return 1;
    case CURLE_HTTP_RETURNED_ERROR:
        return status >= HTTP_TROUBLE;
    default:
        return 0;
    }
}

static int32_t judge(struct download *download, CURLcode code, const char *reason)
{
    struct fetch_transfer *transfer = download->transfer;
    long status = 0;
    curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
    if (download->refused)
        return download->other ? FETCH_OTHER : FETCH_REFUSED;
    if (code == CURLE_OK && transfer->have == transfer->size)
        return FETCH_WHOLE;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        fetch_fail(download->failure,
                   "%s; the package ca-certificates has the certificates that are trusted", reason);
    else if (code == CURLE_HTTP_RETURNED_ERROR)
        fetch_fail(download->failure, "the server answers %ld", status);
    else
        fetch_fail(download->failure, "%s",
                   code == CURLE_OK    ? "the connection ended early"
                   : reason[0] == '\0' ? curl_easy_strerror(code)
                                       : reason);
    return may_pass(code, status) ? FETCH_CUT : FETCH_REFUSED;
}

int32_t fetch_download(struct fetch_transfer *transfer, struct fetch_failure *failure)
{
    char range[32] = "", reason[CURL_ERROR_SIZE] = "";
    struct download download = {.transfer = transfer, .failure = failure, .first = -1, .whole = -1};
    transfer->resumed = 0;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (download.curl = curl_easy_init()) == NULL) {
        fetch_fail(failure, "libcurl cannot be started");
        return FETCH_REFUSED;
    }
    if (transfer->have > 0)
        snprintf(range, sizeof range, "%" PRId64 "-", transfer->have);
    CURLcode code = set(&download, range, reason);
    if (code == CURLE_OK)
        code = curl_easy_perform(download.curl);
    int32_t outcome = judge(&download, code, reason);
    curl_easy_cleanup(download.curl);
    return outcome;
}
