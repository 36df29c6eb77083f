#!/usr/bin/env bats
# fetch: a local server and small archives stand in for the real ones.
load common

setup() {
    find_program || return 1
    scratch=$(mktemp -d)
    cd "$scratch" || return 1
    unset REPRO_DATA REPRO_IMAGENET http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY \
        ALL_PROXY no_proxy NO_PROXY
    export REPRO_DATA_HOME=$scratch/home REPRO_BACKEND=openblas
}

teardown() {
    cd /
    [ -z "${server:-}" ] || kill "$server"
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}

need_fetch() {
    [ -e "$REPRO_FETCH_PATH/fetch.so" ] ||
        skip "repro fetch was not built (Debian: libcurl4-openssl-dev libarchive-dev nettle-dev)"
    command -v python3 >/dev/null || skip "python3 is not installed (Debian: python3)"
}

# publish KIND [BYTES [FILES]]: an archive of that kind under files/, and the entry of the data set
# "toy" that it belongs to.
publish() {
    mkdir -p files
    python3 "$BATS_TEST_DIRNAME/archive.py" "$1" files/toy.tgz
    [ -d share ] || own_share
    size=$(stat -c %s files/toy.tgz)
    cat > share/experiments/archives.conf <<CONF
archives = ( { name = "toy"; title = "A toy"; url = "http://127.0.0.1:1/toy.tgz";
    bytes = $size; unpacked = ${2:-1000000}; files = ${3:-10}; folder = "toy";
    then = "repro figure5";
    md5 = "$(md5sum files/toy.tgz | cut -d' ' -f1)"; md5_by = "its maker";
    sha256 = "$(sha256sum files/toy.tgz | cut -d' ' -f1)"; sha256_by = "its maker"; } );
CONF
}

# $site: where it serves files/
serve() {
    need_fetch
    python3 "$BATS_TEST_DIRNAME/server.py" files >served 2>&1 3>&- &
    server=$!
    until [ -e port ]; do
        kill -0 "$server" || { cat served; return 1; }
        sleep 0.01
    done
    site=http://127.0.0.1:$(cat port)
}

requests() {
    cut -d' ' -f2- requests | tr '\n' ',' # "RANGE STATUS,..."
}

nothing_fetched() {
    [ ! -e home/toy ] && [ ! -e home/downloads/toy.unpacking ]
}

whole() {
    [ "$(sha256sum < home/toy/large.bin)" = "$(tar -xzOf files/toy.tgz toy/large.bin | sha256sum)" ]
    [ "$(cat home/toy/sub/small.txt)" = small ]
    [ "$(ls -A home/downloads)" = toy.lock ]
}

@test "without a name: what there is, and nothing is written" {
    repro fetch
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "data folder: $PWD/home" ]
    [[ $output == *"cifar10      CIFAR-10, binary version: 170 MB, not there"* ]]
    [[ $output == *"imagenet     not to be fetched: ImageNet is given to registered users only"* ]]
    [ -z "$(ls)" ]
}

@test "the data folder: by REPRO_DATA_HOME, XDG_DATA_HOME, HOME" {
    unset REPRO_DATA_HOME
    XDG_DATA_HOME=/there HOME=/home/me repro fetch
    [ "${lines[0]}" = "data folder: /there/repro" ]
    XDG_DATA_HOME=relative HOME=/home/me repro fetch
    [ "${lines[0]}" = "data folder: /home/me/.local/share/repro" ]
    unset XDG_DATA_HOME
    HOME="" repro fetch
    [ "$status" -eq 1 ]
    error_says "there is no data folder: neither REPRO_DATA_HOME nor XDG_DATA_HOME nor HOME is set"
}

@test "names that are none, and what is not given to everybody" {
    repro fetch cifar01
    [ "$status" -eq 2 ]
    error_says "there is no data set 'cifar01' to fetch; did you mean 'cifar10'?"
    repro fetch imagenet
    [ "$status" -eq 1 ]
    error_says "imagenet cannot be fetched: ImageNet is given to registered users only" \
        "\`repro fetch imagenette\`, ten of its classes"
    repro fetch cifar10 --mirror http://a --from http://b
    [ "$status" -eq 2 ]
    error_says "--mirror and --from say two places"
    [ -z "$(ls)" ]
}

@test "without the module: exit 77 and the packages, and nothing is written" {
    REPRO_FETCH_PATH=$PWD/nowhere repro fetch cifar10
    [ "$status" -eq 77 ]
    error_says "built without what fetches data sets" \
        "libcurl4-openssl-dev, libarchive-dev and nettle-dev"
    [ -z "$(ls)" ]
}

@test "an entry that cannot be: file and line" {
    own_share
    sed -i 's/md5 = "c32/md5 = "C32/' share/experiments/archives.conf
    line=$(grep -n 'md5 = "C32' share/experiments/archives.conf | cut -d: -f1)
    repro fetch
    [ "$status" -eq 1 ]
    error_says "archives.conf:$line: md5 is 'C32a1d4ab5d03f1284b67883e8d87530', not 32 hexadecimal"
}

@test "a data set is fetched, checked and whole; once" {
    publish good
    serve
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "toy: A toy: 2 files, 0.3 MB, in $PWD/home/toy" ]
    [ "${lines[1]}" = \
        "    checked: the MD5 that its maker publishes, and the SHA-256 of its maker" ]
    [ "${lines[2]}" = "    \`repro figure5\` trains on it" ]
    whole
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = \
        "toy: is there already, nothing to do: $PWD/home/toy (remove it to fetch it again)" ]
    [ "$(requests)" = "- 200," ]
}

@test "where only an MD5 is known, it is said" {
    publish good
    serve
    sed -i '/sha256/d; s/its maker"; *$/its maker"; } );/' share/experiments/archives.conf
    repro fetch toy --mirror "$site/plain" --data elsewhere
    [ "$status" -eq 0 ]
    [[ $output == *"checked: the MD5 that its maker publishes; no SHA-256 of it is known"* ]]
    [[ $output == *"\`repro figure5 --data elsewhere/toy\` trains on it"* ]]
    [ -e elsewhere/toy/large.bin ]
    [ ! -e home ]
}

@test "from a file, by path and by URL" {
    publish good
    need_fetch
    mv files "a folder"
    repro fetch toy --from "a folder/toy.tgz"
    [ "$status" -eq 0 ]
    rm -r home
    repro fetch toy --from "file://${PWD// /%20}/a%20folder/toy.tgz"
    [ "$status" -eq 0 ]
    mv "a folder" files
    whole
    rm -r home
    repro fetch toy --from files/none.tgz
    [ "$status" -eq 1 ]
    error_says "cannot find 'files/none.tgz'"
}

@test "a connection that breaks is taken up again where it broke" {
    publish good
    serve
    repro fetch toy --mirror "$site/cut"
    [ "$status" -eq 0 ]
    [ "$(requests)" = "- 200,bytes=$((size / 2))- 206," ]
    whole
}

@test "where no more comes it is kept, and the same command goes on" {
    publish good
    serve
    repro fetch toy --mirror "$site/dead"
    [ "$status" -eq 1 ]
    error_says "$site/dead/toy.tgz: " "0.2 of 0.3 MB are kept, and the same command goes on"
    nothing_fetched
    [ "$(stat -c %s home/downloads/toy.part)" -eq $((size / 2)) ]
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    [[ $output == *"$site/plain/toy.tgz: going on at 0.2 MB"* ]]
    [[ $(requests) == *",bytes=$((size / 2))- 206," ]]
    whole
}

# half: as if an earlier try had been cut off.
half() {
    mkdir -p home/downloads
    head -c $((size / 2)) files/toy.tgz > home/downloads/toy.part
}

@test "a server that knows no ranges: from the start, and right" {
    publish good
    serve
    half
    repro fetch toy --mirror "$site/norange"
    [ "$status" -eq 0 ]
    [ "$(requests)" = "bytes=$((size / 2))- 200," ]
    whole
}

@test "a range of another file is not taken: from the start" {
    publish good
    serve
    half
    repro fetch toy --mirror "$site/bent"
    [ "$status" -eq 0 ]
    [ "$(requests)" = "bytes=$((size / 2))- 206,- 200," ]
    whole
}

@test "a part of another file: its sum is wrong, and it is had once more" {
    publish good
    serve
    half
    printf 'XXXX' | dd of=home/downloads/toy.part bs=1 seek=100 conv=notrunc status=none
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    [ "$(requests)" = "bytes=$((size / 2))- 206,- 200," ]
    whole
}

@test "a wrong sum: thrown away, and nothing passes for data" {
    publish good
    serve
    sed -i 's/sha256 = "..../sha256 = "0000/' share/experiments/archives.conf
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 1 ]
    error_says "its SHA-256 is " ", and must be 0000" "not the archive that was published"
    nothing_fetched
    [ ! -e home/downloads/toy.part ]
    sed -i 's/md5 = "..../md5 = "0000/' share/experiments/archives.conf
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 1 ]
    error_says "its MD5 is " ", and must be 0000"
    [ "$(requests)" = "- 200,- 200," ]
}

@test "a file of another size is refused before it is there" {
    publish good
    serve
    head -c 1000 files/toy.tgz > files/short.tgz
    repro fetch toy --from "$site/plain/short.tgz"
    [ "$status" -eq 1 ]
    error_says "it is 1000 bytes there, and must be $size: it is another file"
    repro fetch toy --mirror "$site/endless"
    [ "$status" -eq 1 ]
    error_says "the server sends more than $size bytes"
    nothing_fetched
}

@test "redirects to the web are followed, to a file of this machine not" {
    publish good
    serve
    repro fetch toy --mirror "$site/away"
    [ "$status" -eq 1 ]
    error_says "$site/away/toy.tgz: "
    nothing_fetched
    repro fetch toy --mirror "$site/redirect"
    [ "$status" -eq 0 ]
    whole
}

@test "what a server says that has it not" {
    publish good
    serve
    repro fetch toy --from "$site/plain/none.tgz"
    [ "$status" -eq 1 ]
    error_says "$site/plain/none.tgz: the server answers 404"
    repro fetch toy --mirror "$site/busy"
    [ "$status" -eq 1 ]
    error_says "the server answers 500"
    repro fetch toy
    [ "$status" -eq 1 ]
    error_says "http://127.0.0.1:1/toy.tgz: "
    nothing_fetched
}

@test "a proxy of the environment is taken" {
    publish good
    serve
    http_proxy=$site repro fetch toy --mirror http://data.invalid/plain
    [ "$status" -eq 0 ]
    grep -q '^http://data.invalid/plain/toy.tgz - 200$' requests
    whole
}

# refuses KIND WORDS: an archive whose sums are right and that is not unpacked.
refuses() {
    publish "$1" "${3:-1000000}" "${4:-10}"
    rm -rf home
    repro fetch toy --from files/toy.tgz
    [ "$status" -eq 1 ]
    error_says "the archive of toy cannot be unpacked: " "$2"
    nothing_fetched
    [ ! -e out ] && [ ! -e home/out ] && [ ! -e /tmp/repro-fetch-was-here ]
}

@test "hostile archives: nothing outside, nothing that passes for data" {
    need_fetch
    refuses absolute "it holds the absolute path '/tmp/repro-fetch-was-here'"
    refuses dotdot "it holds the path 'toy/../../../out', which leads out of it"
    refuses symlink "it holds the link 'toy/way'"
    refuses hardlink "it holds the link 'toy/link'"
    refuses device "it holds 'toy/null', which is neither a file nor a folder"
    refuses fifo "it holds 'toy/pipe', which is neither a file nor a folder"
    refuses twice "it holds 'toy/large.bin' twice"
    refuses huge "'toy/huge' would make it more than 1000000 bytes"
    refuses bomb "'toy/zeros' would make it more than 1000000 bytes"
    refuses many "it holds more than 10 files"
    refuses cut "'toy/large.bin' cannot be read: "
}

@test "an archive without the folder" {
    need_fetch
    publish elsewhere
    repro fetch toy --from files/toy.tgz
    [ "$status" -eq 1 ]
    error_says "the archive has no folder 'toy'"
    nothing_fetched
}

@test "a full disk: what is there is kept, and the same command goes on" {
    command -v fiu-run >/dev/null || skip "fiu-run is not installed (Debian: fiu-utils)"
    publish good
    serve
    run fiu-run -x -c 'enable name=posix/io/rw/write,failinfo=28' \
        "$REPRO_PROGRAM" fetch toy --mirror "$site/plain" </dev/null
    [ "$status" -eq 1 ]
    error_says "cannot be written: No space left on device"
    nothing_fetched
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    whole
}

@test "no room to unpack: nothing passes for data, the archive is kept" {
    need_fetch
    publish large 2000000
    run bash -c 'trap "" XFSZ; ulimit -f 500
        exec "$REPRO_PROGRAM" fetch toy --from files/toy.tgz' </dev/null
    [ "$status" -eq 1 ]
    error_says "'toy/zeros' cannot be written: File too large"
    nothing_fetched
    [ "$(stat -c %s home/downloads/toy.part)" -eq "$size" ]
    repro fetch toy --from files/toy.tgz
    [ "$status" -eq 0 ]
    whole
}

@test "less room than it takes is said before anything is fetched" {
    need_fetch
    publish good 4000000000000L
    repro fetch toy --from files/toy.tgz
    [ "$status" -eq 1 ]
    error_says "'$PWD/home' has room for " "and 40000" "name another folder with --data"
    nothing_fetched
}

@test "killed in the middle, and two at once" {
    publish good
    serve
    "$REPRO_PROGRAM" fetch toy --mirror "$site/hold" </dev/null >first 2>&1 3>&- &
    first=$!
    until [ -e held ]; do kill -0 "$first"; sleep 0.01; done
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 1 ]
    error_says "another process is fetching toy into '$PWD/home'"
    kill -KILL "$first"
    ! wait "$first"
    nothing_fetched
    # what an unpacking that was killed leaves is thrown away
    mkdir -p home/downloads/toy.unpacking/toy
    touch home/downloads/toy.unpacking/toy/old
    repro fetch toy --mirror "$site/plain"
    [ "$status" -eq 0 ]
    whole
    [ ! -e home/toy/old ]
}

@test "a training without --data finds the fetched copy and says so" {
    mini
    fake_cifar home/data
    mv home/data/cifar-10-batches-bin home/cifar10
    rmdir home/data
    repro share/experiments/mini.exp
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "mini, profile mini, cifar10 data, "* ]]
    [ "${lines[1]}" = "    data: the fetched copy in $PWD/home/cifar10" ]
    fake_cifar given
    REPRO_DATA=$PWD/given repro share/experiments/mini.exp
    [ "$status" -eq 0 ]
    [[ $output != *"the fetched copy"* ]]
    repro share/experiments/mini.exp --data given
    [ "$status" -eq 0 ]
    [[ $output != *"the fetched copy"* ]]
    rm home/cifar10/test_batch.bin
    repro share/experiments/mini.exp
    [ "$status" -eq 1 ]
    error_says "'$PWD/home/cifar10/test_batch.bin' is missing" "\`repro fetch cifar10\` brings them"
    rm -r home
    repro share/experiments/mini.exp
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "mini, profile mini, synthetic data, "* ]]
}
