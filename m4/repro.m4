# REPRO_WARNINGS: sets WARNING_CFLAGS to the warnings this compiler has; --enable-werror makes them
# errors.
AC_DEFUN([REPRO_WARNINGS], [
    AC_ARG_ENABLE([werror],
        [AS_HELP_STRING([--enable-werror], [warnings are errors (default: no)])])
    WARNING_CFLAGS=
    AS_IF([test "x$enable_werror" = xyes], [REPRO_TRY_CFLAG([-Werror])])
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
        -Wpointer-arith -Wvla -Wundef],
        [REPRO_TRY_CFLAG(flag)])
    AC_SUBST([WARNING_CFLAGS])
])

# REPRO_TRY_CFLAG(flag): appends it to WARNING_CFLAGS where the compiler takes it.
AC_DEFUN([REPRO_TRY_CFLAG], [
    AC_MSG_CHECKING([whether $CC takes $1])
    repro_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AC_MSG_RESULT([yes]); WARNING_CFLAGS="$WARNING_CFLAGS $1"], [AC_MSG_RESULT([no])])
    CFLAGS=$repro_saved_cflags
])

# REPRO_REQUIRE_MODULE(VARIABLE, pkg-config module, Debian package)
AC_DEFUN([REPRO_REQUIRE_MODULE], [
    PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([$2 is missing (Debian: $3)])])
])
