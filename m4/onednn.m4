# REPRO_ONEDNN: --with-onednn=auto|yes|no|DIR.  Sets ONEDNN_CFLAGS, ONEDNN_LIBS, the conditional
# HAVE_ONEDNN, and onednn_state for configure's closing table.  The plugin needs oneDNN 2.6 or
# 3.x; Debian's has no .pc file, so a program is linked.
AC_DEFUN([REPRO_ONEDNN], [
    AC_ARG_WITH([onednn],
        [AS_HELP_STRING([--with-onednn=auto|yes|no|DIR],
            [build the onednn plugin (default: auto)])],
        [], [with_onednn=auto])
    ONEDNN_CFLAGS=
    ONEDNN_LIBS=-ldnnl
    have_onednn=no
    AS_CASE([$with_onednn],
        [auto|yes|no], [],
        [AS_IF([test ! -e "$with_onednn/include/oneapi/dnnl/dnnl.h"],
            [AC_MSG_ERROR([--with-onednn: there is no $with_onednn/include/oneapi/dnnl/dnnl.h])])
         ONEDNN_CFLAGS="-isystem $with_onednn/include"
         ONEDNN_LIBS="-L$with_onednn/lib -Wl,-rpath,$with_onednn/lib -ldnnl"])
    AS_IF([test "x$with_onednn" = xno], [onednn_state="no: switched off by --without-onednn"], [
        AC_MSG_CHECKING([for oneDNN 2.6 or newer])
        repro_saved_cflags=$CFLAGS
        repro_saved_libs=$LIBS
        CFLAGS="$CFLAGS $ONEDNN_CFLAGS"
        LIBS="$ONEDNN_LIBS $LIBS"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <oneapi/dnnl/dnnl.h>
#define VERSION (DNNL_VERSION_MAJOR * 100 + DNNL_VERSION_MINOR)
#if VERSION < 206 || VERSION >= 400
#error "the plugin needs oneDNN 2.6 to 3.x"
#endif]], [[return dnnl_version()->major == 0;]])], [have_onednn=yes])
        CFLAGS=$repro_saved_cflags
        LIBS=$repro_saved_libs
        AC_MSG_RESULT([$have_onednn])
        AS_IF([test "x$have_onednn" = xyes], [onednn_state="yes"], [
            onednn_state="no: oneDNN 2.6 to 3.x is missing (Debian: libdnnl-dev)"
            AS_IF([test "x$with_onednn" != xauto],
                [AC_MSG_ERROR([oneDNN 2.6 to 3.x is missing (Debian: libdnnl-dev)])])
        ])
    ])
    AC_SUBST([ONEDNN_CFLAGS])
    AC_SUBST([ONEDNN_LIBS])
    AM_CONDITIONAL([HAVE_ONEDNN], [test "x$have_onednn" = xyes])
])
