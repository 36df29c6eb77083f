# REPRO_MPI: --with-mpi=auto|yes|no|MPICC.  Sets MPI_CFLAGS, MPI_LIBS, the conditional HAVE_MPI, and
# mpi_state for configure's closing table.  What the library needs is asked of its mpicc, which
# Open MPI's and MPICH's both tell by -show.
AC_DEFUN([REPRO_MPI], [
    AC_ARG_WITH([mpi],
        [AS_HELP_STRING([--with-mpi=auto|yes|no|MPICC],
            [build the module that shares a run among processes (default: auto)])],
        [], [with_mpi=auto])
    MPI_CFLAGS=
    MPI_LIBS=
    have_mpi=no
    AS_IF([test "x$with_mpi" = xno], [
        mpi_state="no: switched off by --without-mpi"
    ], [
        repro_mpicc=mpicc
        AS_CASE([$with_mpi], [auto|yes], [], [repro_mpicc=$with_mpi])
        AC_MSG_CHECKING([for MPI 3 ($repro_mpicc)])
        for word in `$repro_mpicc -show 2>/dev/null`; do
            AS_CASE([$word],
                [-I*|-D*], [MPI_CFLAGS="$MPI_CFLAGS $word"],
                [-L*|-l*|-Wl,*|-pthread], [MPI_LIBS="$MPI_LIBS $word"])
        done
        repro_saved_cflags=$CFLAGS
        repro_saved_libs=$LIBS
        CFLAGS="$CFLAGS $MPI_CFLAGS"
        LIBS="$MPI_LIBS $LIBS"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mpi.h>
#if MPI_VERSION < 3
#error "MPI 3 is needed"
#endif]], [[int provided, length;
char text[MPI_MAX_LIBRARY_VERSION_STRING];
MPI_Get_library_version(text, &length);
return MPI_Init_thread(0, 0, MPI_THREAD_FUNNELED, &provided);]])], [have_mpi=yes])
        CFLAGS=$repro_saved_cflags
        LIBS=$repro_saved_libs
        AC_MSG_RESULT([$have_mpi])
        AS_IF([test "x$have_mpi" = xyes], [mpi_state="yes"], [
            mpi_state="no: mpicc is missing (Debian: libopenmpi-dev openmpi-bin)"
            AS_IF([test "x$with_mpi" != xauto],
                [AC_MSG_ERROR([no MPI 3 by $repro_mpicc (Debian: libopenmpi-dev openmpi-bin)])])
        ])
    ])
    AC_SUBST([MPI_CFLAGS])
    AC_SUBST([MPI_LIBS])
    AM_CONDITIONAL([HAVE_MPI], [test "x$have_mpi" = xyes])
])
