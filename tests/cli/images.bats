#!/usr/bin/env bats
# Experiments on a folder of image files: every odd kind of them, broken ones, and runs that are cut
# off and go on with another number of decoding threads.
load common

# A class a kind of picture in ./set, 8 of each to train on and 2 to test on, all named .JPEG.
make_set() {
    local writer=${REPRO_PROGRAM%/core/cli/*}/tests/unit/test_picture picture class
    mkdir pictures
    "$writer" pictures >/dev/null || skip "no pictures: $writer was not built"
    [ -n "$(ls pictures)" ] || skip "this build reads no image files"
    for picture in pictures/*.JPEG; do
        class=$(basename "${picture%_*}")
        case $picture in
        *_[0-7].JPEG) mkdir -p "set/train/a $class" && mv "$picture" "set/train/a $class/" ;;
        *) mkdir -p "set/val/a $class" && mv "$picture" "set/val/a $class/" ;;
        esac
    done
    export XDG_CACHE_HOME=$PWD/cache
}

# images EPOCHS [LINE]: the experiment `images` on ./set, 24 updates an epoch; LINE is one more.
images() {
    make_set
    own_share
    cat >share/experiments/images.exp <<EXP
name = "images"; title = "A toy on images"; dataset = "imagenet"; train_n = 192; epochs = $1;
groups = 2;
${2:-}
defaults = { optimizer = "momentum"; lr = 0.02; momentum = 0.9; batch = 8; ghost = 4;
             weight_decay = 5e-4; steps = [ ]; factor = 2.0; action = "decay_lr"; };
default_profile = "mini";
profiles = ( { name = "mini"; words = "a few seconds"; network = "tiny"; divide = 1; epochs = $1;
               test_n = 48; side = 16; micro_ghosts = 1; } );
runs = ( { name = "one"; title = "One"; } );
EXP
}

# train OUT ARGUMENT...: the experiment, into a folder of results.
train() {
    local out=$1
    shift
    repro images --data set --out "$out" "$@"
}

# same OUT OUT: one run in each, of one name, to the same bits.
same() {
    [ "$(ls "$1/runs")" = "$(ls "$2/runs")" ]
    cmp "$1"/runs/*/checkpoint.safetensors "$2"/runs/*/checkpoint.safetensors
    cmp <(cut -f1-12 "$1"/runs/*/log.tsv) <(cut -f1-12 "$2"/runs/*/log.tsv)
}

@test "cut off within an epoch, a run goes on with other decoding threads to the same bits" {
    images 12
    REPRO_DECODERS=1 train whole
    [ "$status" -eq 0 ]
    # a cut that falls behind an epoch's last update does not count: then the next one
    local epoch update=0
    for epoch in 1 2 3 4; do
        REPRO_DECODERS=$((5 - epoch)) cut_when "epoch $epoch/12," TERM images --data set --out cut
        [ "$status" -eq 1 ]
        update=$(sed -n 's/^repro: stopped after update \([0-9]*\) of run.*/\1/p' said)
        [ "$update" -gt 0 ]
        [ $((update % 24)) -eq 0 ] || break
    done
    [ $((update % 24)) -ne 0 ]
    REPRO_DECODERS=3 train cut
    [ "$status" -eq 0 ]
    grep -q "^one, seed 1: going on" <<<"$output"
    [ "$(grep -c '"first_update"' cut/runs/*/manifest.json)" -ge 2 ]
    same whole cut
}

@test "a broken image fails the run and is named; --bad-images skip replaces, says and counts it" {
    images 2
    : >'set/train/a 420/420_3.JPEG'
    head -c 900 'set/val/a progressive/progressive_9.JPEG' >cut
    cp cut 'set/val/a progressive/progressive_9.JPEG'
    echo "It says JPEG, but is text." >'set/train/a gray/gray_0.JPEG'
    local gone="set/train/a 420/420_3.JPEG' is empty"
    local text="set/train/a gray/gray_0.JPEG' is neither a JPEG nor a PNG image"
    train out
    [ "$status" -eq 1 ]
    [[ $output == *"$gone"* ]] || error_says "$text"
    [ "$(grep -c "'set/" <<<"$output")" -eq 1 ]

    for threads in 1 4; do
        REPRO_DECODERS=$threads train "out$threads" --bad-images skip
        [ "$status" -eq 0 ]
        local words
        for words in "$gone" "$text" "progressive_9.JPEG' cannot be decoded: it is cut off"; do
            [ "$(grep -cF "$words; another image takes its place" <<<"$output")" -eq 1 ]
        done
        # two epochs of two broken images, two evaluations of one
        grep -qF '"images": 3,' "out$threads"/runs/*/manifest.json
        grep -qF '"rows_replaced": 6' "out$threads"/runs/*/manifest.json
        grep -qF 'broken skipped' "out$threads"/runs/*/manifest.json
        grep -qF "ImageNet (broken images replaced), profile mini" "out$threads"/*.svg
    done
    same out1 out4

    train out5 --bad-images keep
    [ "$status" -eq 2 ]
    [[ $output == *"bad-images"*"fail"*"skip"* ]]
}

@test "nothing broken: --bad-images fail is the default, and no manifest speaks of it" {
    images 1
    train out
    [ "$status" -eq 0 ]
    [ -z "$(grep '"broken"\|skipped' out/runs/*/manifest.json)" ]
    train out --bad-images fail
    [ "$status" -eq 0 ]
    grep -q "done before" <<<"$output"
}

@test "conventions of images: other runs, named in captions; from the file or the command line" {
    images 1
    train out
    [ "$status" -eq 0 ]
    local convention words
    for convention in antialias=no colour=inception orientation=apply; do
        case $convention in
        antialias=no) words="resized without antialias" ;;
        colour=inception) words="colours varied" ;;
        orientation=apply) words="oriented by EXIF" ;;
        esac
        train "$convention" --convention "$convention"
        [ "$status" -eq 0 ]
        grep -qF "ImageNet ($words), profile mini" "$convention"/*.svg
        [ "$(ls "$convention/runs")" != "$(ls out/runs)" ]
        sed "s/^groups = 2;/& ${convention%=*} = \"${convention#*=}\";/" \
            share/experiments/images.exp >changed
        cp share/experiments/images.exp kept
        cp changed share/experiments/images.exp
        train "$convention"
        [ "$status" -eq 0 ]
        grep -q "done before" <<<"$output"
        cp kept share/experiments/images.exp
    done
    train out --convention antialias=yes,colour=none,orientation=ignore
    [ "$status" -eq 0 ]
    grep -q "done before" <<<"$output"

    sed -i 's/^groups = 2;/& colour = "red";/' share/experiments/images.exp
    train out
    [ "$status" -eq 1 ]
    error_says "images.exp:2: 'colour' is \"red\"; it must be \"none\" or \"inception\""
}

@test "conventions of images are refused where there are no image files" {
    mini
    repro mini --convention antialias=no
    [ "$status" -eq 2 ]
    error_says "the data set 'cifar10' is no folder of image files"
    [ ! -e results/runs ]
}

@test "the plan says how much of its memory are images decoded ahead" {
    images 1
    sed -i 's/side = 16/side = 150/' share/experiments/images.exp
    REPRO_DECODERS=2 repro plan images --profile mini --data set
    [ "$status" -eq 0 ]
    # 3 micros of 4 rows: 150 x 150 x 3 bytes of pixels, 4 of label, 8 of number
    grep -qF "Of it images: 3 micros of 4 rows, 0.8 MiB a run, decoded ahead by 2 threads." \
        <<<"$output"
}
