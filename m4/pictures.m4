# REPRO_JPEG: --with-jpeg=auto|yes|no|DIR.  Sets JPEG_CPPFLAGS, JPEG_LIBS and jpeg_state for
# configure's closing table.  Image folders need libjpeg-turbo 1.5 or newer: other libjpegs lack
# jpeg_skip_scanlines() and give other pixels.
AC_DEFUN([REPRO_JPEG], [
    REPRO_PICTURES([jpeg], [JPEG], [-ljpeg], [libjpeg-turbo 1.5 or newer], [libjpeg62-turbo-dev],
        [jpeglib.h], [AC_LANG_PROGRAM([[#include <stdio.h>
#include <jpeglib.h>
#ifndef LIBJPEG_TURBO_VERSION
#error "another libjpeg"
#endif]], [[struct jpeg_decompress_struct info;
jpeg_create_decompress(&info);
info.out_color_space = JCS_EXT_RGBX;
return jpeg_skip_scanlines(&info, 1) != 0;]])])
])

# REPRO_PNG: --with-png=auto|yes|no|DIR, likewise.
AC_DEFUN([REPRO_PNG], [
    REPRO_PICTURES([png], [PNG], [-lpng], [libpng 1.6 or newer], [libpng-dev],
        [png.h], [AC_LANG_PROGRAM([[#include <png.h>
#if PNG_LIBPNG_VER < 10600
#error "an old libpng"
#endif]], [[return png_create_read_struct(PNG_LIBPNG_VER_STRING, 0, 0, 0) == 0;]])])
])

# REPRO_PICTURES(name, VARIABLE, libraries, title, Debian package, header, program)
AC_DEFUN([REPRO_PICTURES], [
    AC_ARG_WITH([$1],
        [AS_HELP_STRING([--with-$1=auto|yes|no|DIR],
            [decode image folders with $4 (default: auto)])],
        [], [with_$1=auto])
    $2_CPPFLAGS=
    $2_LIBS="$3"
    AS_CASE([$with_$1],
        [auto|yes|no], [],
        [AS_IF([test ! -e "$with_$1/include/$6"],
            [AC_MSG_ERROR([--with-$1: there is no $with_$1/include/$6])])
         $2_CPPFLAGS="-isystem $with_$1/include"
         $2_LIBS="-L$with_$1/lib -Wl,-rpath,$with_$1/lib $3"])
    AS_IF([test "x$with_$1" = xno], [
        $1_state="no: switched off by --without-$1"
        $2_LIBS=
    ], [
        AC_MSG_CHECKING([for $4])
        repro_saved_cppflags=$CPPFLAGS
        repro_saved_libs=$LIBS
        CPPFLAGS="$CPPFLAGS $$2_CPPFLAGS"
        LIBS="$$2_LIBS $LIBS"
        AC_LINK_IFELSE([$7], [have_$1=yes], [have_$1=no])
        CPPFLAGS=$repro_saved_cppflags
        LIBS=$repro_saved_libs
        AC_MSG_RESULT([$have_$1])
        AS_IF([test "x$have_$1" = xyes], [
            $1_state="yes"
            $2_CPPFLAGS="$$2_CPPFLAGS -DREPRO_HAVE_$2"
        ], [
            $1_state="no: $4 is missing (Debian: $5)"
            $2_LIBS=
            AS_IF([test "x$with_$1" != xauto], [AC_MSG_ERROR([$4 is missing (Debian: $5)])])
        ])
    ])
    AC_SUBST([$2_CPPFLAGS])
    AC_SUBST([$2_LIBS])
])
