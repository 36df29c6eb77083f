#!/bin/sh
# usage: tests/layers.sh [TREE]
# Which room may include which: core's rooms stand on one another in one direction only, so that
# finished results are read, judged and drawn without a data set, a network, a backend or a device.
# TAP, a line a rule; every #include that breaks one is named.  TREE is another source tree.
# shellcheck disable=SC2016 # what stands in single quotes is awk's
set -u
LC_ALL=C
export LC_ALL
tree=${1:-${srcdir:-$(dirname "$0")/..}}
cd "$tree" || exit 99

# A room of core, and what of core it may include besides itself: rooms, or single headers of a
# room whose rest it must not know.  A row names only rooms above it.
core_rooms='
base        :
backend     : base
schedule    : base backend
data        : base backend
net         : base backend
train       : base backend schedule data net
experiment  : base backend/backend.h backend/names.h schedule
fetch       : base experiment/settings.h
results     : base backend/backend.h backend/names.h schedule experiment
judge       : base backend/backend.h backend/names.h schedule experiment results
draw        : base backend/backend.h backend/names.h schedule experiment results judge
report      : base backend/backend.h backend/names.h schedule experiment results judge draw
export      : base backend schedule data/source.h net train/checkpoint.h experiment results
lab         : base backend schedule data net train experiment results judge draw
doctor      : base backend schedule data net train experiment fetch lab
cli         : base backend schedule data net train experiment fetch results judge draw report
cli         : export lab doctor
'

# Of core a backend includes the contract alone.  What backends share may stand in these folders of
# backends/; the second may include the first.  A backend never includes another one.
contract=backend/backend.h
shared='common cpu'

# Share of core's lines that one room may hold: one in
share=5

# ---- what is there -------------------------------------------------------------------------------

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT

# "file line included", for every include of a file of ours: all in quotes, and those in angle
# brackets that name a file of core or backends.
find core backends -type f \( -name '*.[ch]' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh' \) |
    sort > "$work/files"
[ -s "$work/files" ] || { echo "Bail out! no sources under $tree"; exit 99; }
xargs grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]' < "$work/files" |
    sed -E 's/^([^:]*):([0-9]*):[^"<]*(["<])([^">]*)[">].*/\1 \2 \3 \4/' > "$work/all"
awk '
    FNR == NR { known[$1] = 1; next }
    $3 == "\"" || ("core/" $4) in known || ("backends/" $4) in known { print $1, $2, $4 }
' "$work/files" "$work/all" > "$work/includes"

# The rules, as awk sees them: may[room, room or header].
rules() {
    awk -v rows="$core_rooms" -v shared="$shared" -v contract="$contract" '
        BEGIN {
            lines = split(rows, line, "\n")
            for (i = 1; i <= lines; i++) {
                words = split(line[i], word, /[ :]+/)
                if (words == 0 || word[1] == "")
                    continue
                room[word[1]] = 1
                may[word[1], word[1]] = 1
                for (j = 2; j <= words; j++)
                    if (word[j] != "")
                        may[word[1], word[j]] = 1
            }
            many = split(shared, common, " ")
            for (i = 1; i <= many; i++)
                order[common[i]] = i
        }
        FNR == NR { known[$1] = 1; next }
        { split($1, at, "/"); split($3, to, "/") }
        '"$1" "$work/files" "$work/includes"
}

number=0
failed=0
# result NAME: ok when $complaints is empty.
complaints=$work/complaints
result() {
    number=$((number + 1))
    if [ -s "$complaints" ]; then
        failed=1
        echo "not ok $number - $1"
        sed 's/^/# /' "$complaints"
    else
        echo "ok $number - $1"
    fi
}

# Every circle among "from to" pairs, a line each.
circles() {
    tsort 2>&1 >/dev/null | awk '
        /input contains a loop/ { if (text != "") print text; text = "a circle:"; next }
        { sub(/^tsort: /, ""); text = text " " $0 }
        END { if (text != "") print text }'
}

# ---- the rules -----------------------------------------------------------------------------------

echo "1..9"

rules 'at[1] == "core" && $3 == "commit.h" { next } # made by the build
       at[1] == "core" && !(("core/" $3) in known) {
           print $1 ":" $2 ": \"" $3 "\" is no file of core; write \"ROOM/FILE.h\""
       }' > "$complaints"
result "core includes its own files, by room and name"

rules 'at[1] == "core" && (at[2] in room) && (to[1] in room) &&
           !((at[2], to[1]) in may) && !((at[2], $3) in may) {
           print $1 ":" $2 ": " at[2] " must not include " $3
       }
       END {
           for (file in known) {
               split(file, at, "/")
               if (at[1] == "core" && !(at[2] in room))
                   print file ": core/" at[2] " is no room of the table in tests/layers.sh"
           }
       }' > "$complaints"
result "rooms of core include one another in one direction"

# The table itself: a row may name only rooms above it.
echo "$core_rooms" | awk -F'[ :]+' '
    $1 != "" {
        for (i = 2; i <= NF; i++) {
            split($i, part, "/")
            if ($i != "" && !(part[1] in above))
                print "the table: " $1 " names " $i ", which is not above it"
        }
        above[$1] = 1
    }' > "$complaints"
result "the table has a direction"

# Headers only: nobody includes a .c file, so a circle of files is one of headers.
{
    awk '$3 ~ /\.c$/ { print $1 ":" $2 ": includes the source file " $3 }
         $1 == "core/" $3 { print $1 ":" $2 ": includes itself" }' "$work/includes"
    awk '$1 ~ /^core\/.*\.h$/ && $1 != "core/" $3 { print $1, "core/" $3 }' "$work/includes" |
        circles
} > "$complaints"
result "no circle among the headers of core"

rules 'at[1] == "backends" && (("core/" $3) in known) && $3 != contract {
           print $1 ":" $2 ": a backend includes " contract " of core, not " $3
       }' > "$complaints"
result "backends include the contract only"

rules 'at[1] == "backends" && !(("core/" $3) in known) {
           from = at[2]
           if (("backends/" from "/" $3) in known)
               next # a file beside it
           if (!(("backends/" $3) in known))
               print $1 ":" $2 ": \"" $3 "\" is neither beside it nor in a shared folder"
           else if (to[1] != from && !(to[1] in order))
               print $1 ":" $2 ": backend " from " must not include " $3 " of another one"
           else if ((from in order) && order[to[1]] > order[from])
               print $1 ":" $2 ": backends/" from " must not include " $3
       }' > "$complaints"
result "backends do not include one another"

grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' ranks/*.[ch] 2>/dev/null |
    grep -v '"train/ranks_link.h"' > "$complaints"
result "the module of ranks includes its link to core only"

grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' fetch/*.[ch] 2>/dev/null |
    grep -vE '"(fetch/link.h|module.h)"' > "$complaints"
result "the module of fetch includes its link to core and itself only"

grep '^core/.*\.[ch]$' "$work/files" | xargs awk -v share="$share" '
    { split(FILENAME, part, "/"); lines[part[2]]++; total++ }
    END {
        for (room in lines)
            if (lines[room] * share > total)
                printf "core/%s has %d of %d lines, more than a fifth; split it by noun\n",
                    room, lines[room], total
    }' > "$complaints"
result "no room holds more than a fifth of core"

exit $failed
