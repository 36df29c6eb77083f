#!/usr/bin/env bash
# usage: fresh-machine.sh [FIGURE-OPTION...]     as root
# Tries the README's two commands as a new user would: on a bare Debian 12 made with debootstrap,
# from a copy of HEAD. Options go to `./repro figure5` (for a short try: --profile smoke).  Needs
# debootstrap and a Debian mirror, which is taken from this machine's own apt sources, or from
# $MIRROR.
set -euo pipefail
cd "$(git -C "$(dirname "$0")" rev-parse --show-toplevel)"

[ "$(id -u)" -eq 0 ] || { echo "fresh-machine: must be root (chroot, debootstrap)" >&2; exit 77; }
command -v debootstrap >/dev/null ||
    { echo "fresh-machine: debootstrap is missing (Debian: debootstrap)" >&2; exit 77; }

# The first Debian 12 source of this machine, never a third party's.
sites=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Origin: Debian' \
    'Release: bookworm' 2>/dev/null || true)
mirror=${MIRROR:-${sites%%$'\n'*}}
[ -n "$mirror" ] || { echo "fresh-machine: no mirror in the apt sources; set MIRROR" >&2; exit 77; }

root=$(mktemp -d "${TMPDIR:-/tmp}/repro-fresh-XXXXXX")
cleanup() {
    for point in proc dev; do
        ! mountpoint -q "$root/$point" || umount -l "$root/$point"
    done
    rm -rf --one-file-system "$root"
}
trap cleanup EXIT

echo "fresh-machine: debootstrap into $root"
debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
    { tail -n 20 "$root.log"; exit 1; }
rm -f "$root.log"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev" # so that unmounting it leaves this machine's own /dev whole

# This machine's way to the network: name servers, proxies and their certificates.  The only apt
# source is debootstrap's.
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
if [ -d /etc/ssl/certs ]; then
    mkdir -p "$root/etc/ssl"
    cp -rL /etc/ssl/certs "$root/etc/ssl/" 2>/dev/null || true
fi

mkdir "$root/home/repro"
git archive HEAD | tar -x -C "$root/home/repro"
git describe --always --abbrev=12 HEAD >"$root/home/repro/COMMIT" # what a tarball carries

inside() {
    echo "fresh-machine: $*"
    local began=$SECONDS
    chroot "$root" /usr/bin/env -i HOME=/root \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        sh -c 'cd /home/repro && exec "$@"' sh "$@" </dev/null
    echo "fresh-machine: took $((SECONDS - began)) s: $*"
}
inside ./repro figure5 "$@"
inside ./repro test
echo "fresh-machine: both commands passed"
