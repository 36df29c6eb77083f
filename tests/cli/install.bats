#!/usr/bin/env bats
# make install, uninstall and installcheck; the installed program in a staged and a moved prefix.
load common
load installed

setup_file() {
    install_once
}

@test "everything is installed" {
    local file
    for file in bin/repro share/repro/experiments/figure5.exp share/repro/experiments/cifar10.conf \
        share/repro/experiments/paper/figure5.tsv share/repro/plots/panels.gp \
        share/repro/plots/report.css man/man1/repro.1 man/man7/repro-backend.7 \
        include/repro/backend.h pkgconfig/repro-backend.pc doc/repro/README.md \
        doc/repro/doc/writing-a-backend.md doc/repro/doc/recipes/backend.md \
        doc/repro/doc/example-backend/plain.c bash-completion/completions/repro \
        site-functions/_repro vendor_completions.d/repro.fish conformance/test_ops; do
        installed "$file" >/dev/null || return 1
    done
    for file in "$builddir"/.libs/*.so; do
        installed "lib*/repro/$(basename "$file")" >/dev/null || return 1
    done
    [ ! -e "$builddir/ranks/.libs/mpi.so" ] || installed repro/ranks/mpi.so >/dev/null
}

# Each file of the source tree's experiments and plots: a new one is not forgotten.
@test "all experiments and plots are installed" {
    local file
    for file in $(cd "$srcdir" && find experiments plots -type f ! -name '*~'); do
        cmp "$srcdir/$file" "$(installed "share/repro/$file")" || return 1
    done
}

@test "documents name no file of ours that is not installed" {
    local readme link
    readme=$(dirname "$(installed doc/repro/README.md)")
    for link in $(grep -oE '\]\((doc|experiments)/[^)#]*' "$readme/README.md" | sed 's/^](//'); do
        case $link in experiments/* | *.pdf) continue ;; esac # in share; not in the tarball
        [ -e "$readme/$link" ] || { echo "README names $link"; return 1; }
    done
}

@test "the installed program runs from / without an environment" {
    run plain_make installcheck DESTDIR="$root"
    [ "$status" -eq 0 ]
    [[ $output == *"installcheck: $root"*"/bin/repro trains and draws" ]]
    cd /
    alone "$(installed bin/repro)" backends
    [ "$status" -eq 0 ]
    [[ $output == *"openblas "*", contract "*", $root"*"/openblas.so"* ]]
}

@test "installcheck sees that an experiment is missing" {
    cp -r "$root" copy
    rm "$(find copy -name figure5.exp)"
    run sh "$srcdir/tests/installcheck.sh" "$(find "$PWD/copy" -path '*/bin/repro')"
    [ "$status" -eq 1 ]
    [[ $output == *"figure5 is missing from its experiments"* ]]
}

@test "an installation may be moved" {
    cp -r "$(dirname "$(dirname "$(installed bin/repro)")")" moved
    cd /
    alone "$scratch/moved/bin/repro" backends
    [[ $output == *", $scratch/moved/lib"*"/openblas.so"* ]]
    alone "$scratch/moved/bin/repro" plan figure5 --profile smoke --backend openblas
    [ "$status" -eq 0 ]
    [[ $output == *Increasing* ]]
}

@test "the manual pages have no error" {
    command -v man >/dev/null || skip "man is not installed (Debian: man-db)"
    local page
    for page in man1/repro.1 man7/repro-backend.7; do
        run env LC_ALL=C.UTF-8 MANROFFSEQ= MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 -Z \
            "$(installed "$page")"
        [ "$status" -eq 0 ]
        ! grep -a 'warning:' <<<"$output" || return 1
    done
}

@test "the Debian package is of the same version, and knows every file" {
    [ "$(sed -n '1s/.*(\(.*\)).*/\1/p' "$srcdir/debian/changelog")" = \
        "$(sed -n 's/^AC_INIT(\[repro\], \[\(.*\)\])/\1/p' "$srcdir/configure.ac")" ]
    # as dpkg-buildpackage would install: each file is some package's, or is left out by name
    local file pattern
    for file in $(cd "$root" && find . -type f |
        sed -E 's/^.*\/(bin|include|lib|libexec|share)\//usr\/\1\//; s/^usr\/lib\//&any\//'); do
        for pattern in $(cat "$srcdir"/debian/*.install "$srcdir/debian/not-installed"); do
            # shellcheck disable=SC2053 # a pattern
            [[ $file != $pattern && $file != $pattern/* ]] || continue 2
        done
        echo "no package has $file"
        return 1
    done
}

@test "uninstall leaves no file" {
    plain_make install DESTDIR="$PWD/twice" >log 2>&1
    [ "$(find twice -type f | wc -l)" -gt 50 ]
    plain_make uninstall DESTDIR="$PWD/twice" >log 2>&1
    [ "$(find twice ! -type d | wc -l)" -eq 0 ] || { find twice ! -type d; return 1; }
}
