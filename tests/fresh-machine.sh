#!/usr/bin/env bash
# usage: fresh-machine.sh [bookworm|trixie] [FIGURE-OPTION...]     as root
# Tries the README's two commands as a new user would: on a bare Debian 12 (bookworm, the default)
# or 13 (trixie) made with debootstrap, from a copy of HEAD.  Options go to `./repro figure5` (for a
# short try: --profile smoke).  In the environment:
#     FRESH_TESTS='unit/test_schedule ...'  these instead of all tests
#     FRESH_PACKAGES=1                      instead of both commands: Debian packages are built, and
#                                           installed and tried on another bare machine
# Needs debootstrap and a Debian mirror, which is taken from this machine's own apt sources, or from
# $MIRROR.  Ends with 77 where it cannot be tried.
set -euo pipefail
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)"

release=bookworm
case ${1:-} in
bookworm | trixie)
    release=$1
    shift
    ;;
esac

cannot() {
    echo "fresh-machine: $*" >&2
    exit 77
}
[ "$(id -u)" -eq 0 ] || cannot "must be root (chroot, debootstrap)"
command -v debootstrap >/dev/null || cannot "debootstrap is missing (Debian: debootstrap)"

# The first Debian source of this machine, never a third party's.
sites=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' \
    2>/dev/null | grep -v security || true)
mirror=${MIRROR:-${sites%%$'\n'*}}
[ -n "$mirror" ] || cannot "no mirror in the apt sources; set MIRROR"

base=$(mktemp -d "${TMPDIR:-/tmp}/repro-fresh-XXXXXX")
machines=()
cleanup() {
    local root point
    for root in "${machines[@]}"; do
        for point in proc dev; do
            ! mountpoint -q "$root/$point" || umount -l "$root/$point"
        done
    done
    rm -rf --one-file-system "$base"
}
trap cleanup EXIT

# machine NAME: a bare one; $root.
machine() {
    root=$base/$1
    echo "fresh-machine: debootstrap $release into $root"
    # A mirror that cannot be reached is no fault of ours; it would fail for any tree.
    debootstrap --variant=minbase "$release" "$root" "$mirror" >"$base/log" 2>&1 ||
        { tail -n 20 "$base/log"; cannot "debootstrap failed"; }
    machines+=("$root")
    mount -t proc proc "$root/proc" 2>/dev/null || cannot "nothing may be mounted here"
    mount --rbind /dev "$root/dev"
    mount --make-rslave "$root/dev" # so that unmounting it leaves this machine's own /dev whole

    # This machine's way to the network: name servers, proxies and their certificates.  The only
    # apt source is debootstrap's.
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
    if [ -d /etc/ssl/certs ]; then
        mkdir -p "$root/etc/ssl"
        cp -rL /etc/ssl/certs "$root/etc/ssl/" 2>/dev/null || true
    fi
}

inside() {
    echo "fresh-machine: $*"
    local began=$SECONDS
    chroot "$root" /usr/bin/env -i HOME=/root DEBIAN_FRONTEND=noninteractive \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        ${DEB_BUILD_OPTIONS:+DEB_BUILD_OPTIONS="$DEB_BUILD_OPTIONS"} \
        sh -c 'mkdir -p /home/repro && cd /home/repro && exec "$@"' sh "$@" </dev/null
    echo "fresh-machine: took $((SECONDS - began)) s: $*"
}

put_tree() {
    mkdir -p "$root/home/repro"
    git archive HEAD | tar -x -C "$root/home/repro"
    git describe --always --abbrev=12 HEAD >"$root/home/repro/COMMIT" # what a tarball carries
}

if [ -n "${FRESH_PACKAGES:-}" ]; then
    export DEB_BUILD_OPTIONS="nocheck ${DEB_BUILD_OPTIONS:-}"
    machine build
    put_tree
    inside apt-get update -qq
    inside apt-get install -y -qq --no-install-recommends dpkg-dev >"$base/log"
    inside apt-get build-dep -y -qq --no-install-recommends -P nocheck ./ >"$base/log"
    inside dpkg-buildpackage -b -us -uc -Pnocheck >"$base/log" 2>&1 ||
        { tail -n 40 "$base/log"; exit 1; }
    built=$root
    machine use
    mkdir -p "$root/home/repro"
    cp "$built"/home/*.deb "$root/home/repro"
    cp tests/installcheck.sh "$root/home/repro"
    inside apt-get update -qq
    inside sh -c 'exec apt-get install -y -qq --no-install-recommends ./repro_*.deb' >"$base/log"
    inside sh installcheck.sh /usr/bin/repro
    inside sh -c 'exec apt-get install -y -qq ./repro-dev_*.deb' >"$base/log"
    inside sh -c 'cp -r "$(pkg-config --variable=exampledir repro-backend)" mine &&
        make -s -C mine && repro conform mine/plain.so --only contract,update'
    [ -z "${FRESH_KEEP:-}" ] || cp "$built"/home/*.deb "$built"/home/*.changes "$FRESH_KEEP"
    echo "fresh-machine: the packages install and run on $release"
    exit
fi

machine try
put_tree
inside ./repro figure5 "$@"
if [ -n "${FRESH_TESTS:-}" ]; then
    for test in $FRESH_TESTS; do
        inside tests/run "$test"
    done
    echo "fresh-machine: figure5 and $(echo "$FRESH_TESTS" | wc -w) tests passed on $release"
else
    inside ./repro test
    echo "fresh-machine: both commands passed on $release"
fi
