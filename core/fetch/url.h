/* url.h -- the addresses that an archive may be had from. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

struct err;

/* A URL as it is; a path as file://, absolute and with what a URL cannot hold as %XX.  Freed with
 * mem_free(); NULL and *err where there is no such file. */
char *url_of_file(const char *given, struct err *err);

/* The archive at `url` in another folder on the web. */
char *url_at_mirror(const char *mirror, const char *url, struct err *err);

#endif
