# REPRO_CUDNN: --with-cudnn=auto|yes|no|DIR and --with-cuda=DIR.  Sets NVCC, CUDNN_CFLAGS,
# CUDNN_LIBS, the conditional HAVE_CUDNN, and cudnn_state for configure's closing table.
#
# DIR is a toolkit (DIR/include/cudnn.h, DIR/lib64 or DIR/lib) or the folder `nvidia` that Python
# wheels fill (DIR/cudnn/include, DIR/cudnn/lib with libcudnn.so.9 and no libcudnn.so).  The
# compiler is $NVCC, or --with-cuda's, or on the PATH, or /usr/local/cuda's; CUDA's headers and
# runtime are those beside it.  The runtime is linked statically: the plugin needs the driver and
# cuDNN, no toolkit.
AC_DEFUN([REPRO_CUDNN], [
    AC_ARG_WITH([cudnn],
        [AS_HELP_STRING([--with-cudnn=auto|yes|no|DIR], [build the cudnn plugin (default: auto)])],
        [], [with_cudnn=auto])
    AC_ARG_WITH([cuda],
        [AS_HELP_STRING([--with-cuda=DIR],
            [the CUDA toolkit with bin/nvcc (default: that on the PATH, else /usr/local/cuda)])],
        [], [with_cuda=])
    AC_ARG_VAR([NVCC], [CUDA's compiler])
    CUDNN_CFLAGS=
    CUDNN_LIBS=
    have_cudnn=no
    cudnn_missing=
    AS_CASE([$with_cudnn], [auto|yes|no], [cudnn_dir=], [cudnn_dir=$with_cudnn
        cudnn_header=$cudnn_dir/include/cudnn.h
        cudnn_wheel=$cudnn_dir/cudnn/include/cudnn.h
        AS_IF([test ! -e "$cudnn_header" && test ! -e "$cudnn_wheel"],
            [AC_MSG_ERROR([--with-cudnn: there is neither $cudnn_header nor $cudnn_wheel])])])
    AS_IF([test -n "$with_cuda" && test ! -x "$with_cuda/bin/nvcc"],
        [AC_MSG_ERROR([--with-cuda: there is no $with_cuda/bin/nvcc])])

    AS_IF([test "x$with_cudnn" = xno], [cudnn_state="no: switched off by --without-cudnn"], [
        AS_IF([test -n "$with_cuda"], [NVCC=$with_cuda/bin/nvcc])
        AS_IF([test -z "$NVCC"],
            [AC_PATH_PROG([NVCC], [nvcc], [], [$PATH:$cudnn_dir/bin:/usr/local/cuda/bin])])
        AS_IF([test -z "$NVCC"], [cudnn_missing="no nvcc (--with-cuda=DIR)"], [
            cuda_root=$(dirname "$(dirname "$(readlink -f "$NVCC")")")
            cuda_include=
            cuda_lib=
            for dir in "$cuda_root/include" "$cuda_root/targets/x86_64-linux/include" \
                "$cudnn_dir/cu13/include" /usr/include; do
                AS_IF([test -z "$cuda_include" && test -e "$dir/cuda_runtime_api.h"],
                    [cuda_include=$dir])
            done
            for dir in "$cuda_root/lib64" "$cuda_root/lib" \
                "$cuda_root/targets/x86_64-linux/lib" "$cudnn_dir/cu13/lib" \
                /usr/lib/x86_64-linux-gnu; do
                AS_IF([test -z "$cuda_lib" && test -e "$dir/libcudart_static.a"], [cuda_lib=$dir])
            done
            cudnn_include=
            cudnn_lib=
            for dir in ${cudnn_dir:+"$cudnn_dir/include" "$cudnn_dir/cudnn/include"} \
                "$cuda_root/include" /usr/include \
                /usr/include/x86_64-linux-gnu /usr/local/include; do
                AS_IF([test -z "$cudnn_include" && test -e "$dir/cudnn.h"], [cudnn_include=$dir])
            done
            for dir in ${cudnn_dir:+"$cudnn_dir/lib64" "$cudnn_dir/lib" "$cudnn_dir/cudnn/lib"} \
                "$cuda_root/lib64" "$cuda_root/lib" \
                /usr/lib/x86_64-linux-gnu /usr/local/lib; do
                AS_IF([test -z "$cudnn_lib" && test -e "$dir/libcudnn.so.9"], [cudnn_lib=$dir])
            done
            AS_IF([test -z "$cuda_include" || test -z "$cuda_lib"],
                [cudnn_missing="no CUDA headers and libcudart_static.a beside $NVCC"],
                [test -z "$cudnn_include" || test -z "$cudnn_lib"],
                [cudnn_missing="no cuDNN 9 (cudnn.h and libcudnn.so.9; --with-cudnn=DIR)"])
        ])
        AS_IF([test -z "$cudnn_missing"], [
            CUDNN_CFLAGS="-isystem $cudnn_include -isystem $cuda_include"
            CUDNN_LIBS="-L$cudnn_lib -l:libcudnn.so.9 $cuda_lib/libcudart_static.a"
            CUDNN_LIBS="$CUDNN_LIBS -l:libstdc++.so.6 -lpthread -ldl -lrt"
            AS_CASE([$cudnn_lib], [/usr/lib/*], [],
                [CUDNN_LIBS="-Wl,-rpath,$cudnn_lib $CUDNN_LIBS"])
            AC_MSG_CHECKING([whether CUDA and cuDNN 9 link])
            repro_saved_cflags=$CFLAGS
            repro_saved_libs=$LIBS
            CFLAGS="$CFLAGS $CUDNN_CFLAGS"
            LIBS="$CUDNN_LIBS $LIBS"
            AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <cuda_runtime_api.h>
#include <cudnn.h>
#if CUDNN_MAJOR != 9
#error "the plugin needs cuDNN 9"
#endif]], [[int count;
return cudaGetDeviceCount(&count) == cudaSuccess && cudnnGetVersion() == 0;]])], [have_cudnn=yes],
                [cudnn_missing="CUDA and cuDNN 9 do not link (see config.log)"])
            CFLAGS=$repro_saved_cflags
            LIBS=$repro_saved_libs
            AC_MSG_RESULT([$have_cudnn])
        ])
        AS_IF([test "x$have_cudnn" = xyes], [
            AC_MSG_CHECKING([whether $NVCC compiles for sm_80 and sm_90])
            cat > conftest.cu <<CUDA
__global__ void kernel(float *x) { x[[threadIdx.x]] = 0.0f; }
CUDA
            nvcc_try="$NVCC -gencode arch=compute_80,code=sm_80"
            nvcc_try="$nvcc_try -gencode arch=compute_90,code=sm_90 -c conftest.cu -o conftest.o"
            AS_IF([AC_TRY_COMMAND([$nvcc_try >&AS_MESSAGE_LOG_FD 2>&1])],
                [AC_MSG_RESULT([yes])],
                [AC_MSG_RESULT([no])
                 have_cudnn=no
                 cudnn_missing="$NVCC does not compile for sm_80 and sm_90 (see config.log)"])
            rm -f conftest.cu conftest.o
        ])
        AS_IF([test "x$have_cudnn" = xyes], [cudnn_state="yes: cuDNN in $cudnn_lib"], [
            cudnn_state="no: $cudnn_missing"
            AS_IF([test "x$with_cudnn" != xauto], [AC_MSG_ERROR([$cudnn_missing])])
        ])
    ])
    AC_SUBST([CUDNN_CFLAGS])
    AC_SUBST([CUDNN_LIBS])
    AM_CONDITIONAL([HAVE_CUDNN], [test "x$have_cudnn" = xyes])
])
