# What a test finds in its environment: read by `make check`, by tests/run and by command-line
# tests that are started by hand.  Whoever reads it has set srcdir and builddir, both absolute.
# shellcheck shell=sh disable=SC2154
REPRO_PROGRAM=$builddir/core/cli/repro
REPRO_SHARE=$srcdir                       # experiments/ and plots/
REPRO_BACKEND_PATH=$builddir/.libs        # the plugins as built
REPRO_RANKS_PATH=$builddir/ranks/.libs    # the module of ranks
REPRO_FETCH_PATH=$builddir/fetch/.libs    # the module of fetch
REPRO_DATA_HOME=$builddir/tests/no-data   # what lies in a home folder is not for tests
REPRO_CONFORMANCE_PATH=$builddir/tests/conformance # the programs of `repro conform`
REPRO_STUBS=$builddir/tests/stubs/.libs   # plugins that are refused
PLOTS_DIR=$srcdir/plots
REPRO_REAL_DATA=${REPRO_DATA:-}           # command-line tests unset REPRO_DATA itself
CUDNN_CFLAGS=$(sed -n 's/^CUDNN_CFLAGS = //p' "$builddir/Makefile")

export srcdir builddir REPRO_PROGRAM REPRO_SHARE REPRO_BACKEND_PATH REPRO_RANKS_PATH
export REPRO_FETCH_PATH REPRO_DATA_HOME REPRO_CONFORMANCE_PATH REPRO_STUBS PLOTS_DIR
export REPRO_REAL_DATA CUDNN_CFLAGS
