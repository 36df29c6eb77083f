# REPRO_OPENBLAS: --with-openblas=auto|yes|no|DIR.  Sets OPENBLAS_CFLAGS, OPENBLAS_LIBS, the
# conditional HAVE_OPENBLAS, and openblas_state for configure's closing table.  The plugin needs an
# OpenBLAS with the C interface.
AC_DEFUN([REPRO_OPENBLAS], [
    AC_ARG_WITH([openblas],
        [AS_HELP_STRING([--with-openblas=auto|yes|no|DIR],
            [build the openblas plugin (default: auto)])],
        [], [with_openblas=auto])
    OPENBLAS_CFLAGS=
    OPENBLAS_LIBS=-lopenblas
    have_openblas=no
    AS_CASE([$with_openblas],
        [auto|yes|no], [],
        [AS_CASE([`echo "$with_openblas"/lib/libopenblas.*`],
            [*'*'],
            [AC_MSG_ERROR([--with-openblas: there is no $with_openblas/lib/libopenblas.so])])
         OPENBLAS_CFLAGS="-I$with_openblas/include"
         OPENBLAS_LIBS="-L$with_openblas/lib -Wl,-rpath,$with_openblas/lib -lopenblas"])
    AS_IF([test "x$with_openblas" = xno], [
        openblas_state="no: switched off by --without-openblas"
    ], [
        AC_MSG_CHECKING([for OpenBLAS])
        repro_saved_cflags=$CFLAGS
        repro_saved_libs=$LIBS
        CFLAGS="$CFLAGS $OPENBLAS_CFLAGS"
        LIBS="$OPENBLAS_LIBS $LIBS"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <cblas.h>]], [[float x = 1.0f;
cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, x, &x, 1, &x, 1, x, &x, 1);
openblas_set_num_threads(1);
return openblas_get_config() == 0;]])], [have_openblas=yes])
        CFLAGS=$repro_saved_cflags
        LIBS=$repro_saved_libs
        AC_MSG_RESULT([$have_openblas])
        AS_IF([test "x$have_openblas" = xyes], [openblas_state="yes"], [
            openblas_state="no: OpenBLAS is missing (Debian: libopenblas-openmp-dev)"
            AS_IF([test "x$with_openblas" != xauto],
                [AC_MSG_ERROR([OpenBLAS is missing (Debian: libopenblas-openmp-dev)])])
        ])
    ])
    AC_SUBST([OPENBLAS_CFLAGS])
    AC_SUBST([OPENBLAS_LIBS])
    AM_CONDITIONAL([HAVE_OPENBLAS], [test "x$have_openblas" = xyes])
])
