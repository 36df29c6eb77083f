# REPRO_FETCH: the three libraries of the module behind `repro fetch`, each --with-NAME=auto|yes|no:
# libcurl, libarchive and nettle.  Sets the conditional HAVE_FETCH and, for configure's closing
# table, fetch_state.
AC_DEFUN([REPRO_FETCH], [
    fetch_state="yes"
    REPRO_CURL
    REPRO_ARCHIVE
    REPRO_NETTLE
    AM_CONDITIONAL([HAVE_FETCH], [test "x$fetch_state" = xyes])
])

# REPRO_CURL: 7.85 or newer, which knows protocols by name.
AC_DEFUN([REPRO_CURL], [
    REPRO_FETCH_LIBRARY([curl], [CURL], [libcurl >= 7.85], [libcurl4-openssl-dev],
        [AC_LANG_PROGRAM([[#include <curl/curl.h>]],
            [[return curl_easy_setopt(curl_easy_init(), CURLOPT_PROTOCOLS_STR, "https") != 0;]])])
])

AC_DEFUN([REPRO_ARCHIVE], [
    REPRO_FETCH_LIBRARY([archive], [ARCHIVE], [libarchive >= 3.0], [libarchive-dev],
        [AC_LANG_PROGRAM([[#include <archive.h>]],
            [[return archive_read_support_format_tar(archive_read_new()) != 0;]])])
])

AC_DEFUN([REPRO_NETTLE], [
    REPRO_FETCH_LIBRARY([nettle], [NETTLE], [nettle >= 3.4], [nettle-dev],
        [AC_LANG_PROGRAM([[#include <nettle/md5.h>]],
            [[struct md5_ctx sum; md5_init(&sum); return 0;]])])
])

# REPRO_FETCH_LIBRARY(name, VARIABLE, pkg-config module, Debian package, program): sets
# VARIABLE_CFLAGS and VARIABLE_LIBS, or why not in fetch_state.
AC_DEFUN([REPRO_FETCH_LIBRARY], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--with-$1=auto|yes|no], [fetch data sets with $3 (default: auto)])],
        [], [with_$1=auto])
    AS_IF([test "x$with_$1" = xno], [fetch_state="no: switched off by --without-$1"], [
        have_$1=no
        PKG_CHECK_MODULES([$2], [$3], [
            repro_saved_cflags=$CFLAGS
            repro_saved_libs=$LIBS
            CFLAGS="$CFLAGS $$2_CFLAGS"
            LIBS="$$2_LIBS $LIBS"
            AC_LINK_IFELSE([$5], [have_$1=yes])
            CFLAGS=$repro_saved_cflags
            LIBS=$repro_saved_libs
        ], [:])
        AS_IF([test "x$have_$1" = xno], [
            fetch_state="no: $3 is missing (Debian: $4)"
            AS_IF([test "x$with_$1" != xauto], [AC_MSG_ERROR([$3 is missing (Debian: $4)])])
        ])
    ])
])
