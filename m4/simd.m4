# REPRO_SIMD: SIMD_CFLAGS, the flag with which the compiler reads OpenMP's `simd` and nothing else
# of it.  Without one the loops are the same, only slower.
AC_DEFUN([REPRO_SIMD], [
    SIMD_CFLAGS=
    AC_MSG_CHECKING([for the flag of OpenMP's simd])
    repro_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror -fopenmp-simd"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [SIMD_CFLAGS=-fopenmp-simd])
    CFLAGS=$repro_saved_cflags
    AC_MSG_RESULT([${SIMD_CFLAGS:-none}])
    AC_SUBST([SIMD_CFLAGS])
])
