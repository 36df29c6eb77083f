# Shared by the tests of ranks.

need_mpi() {
    [ -e "$REPRO_RANKS_PATH/mpi.so" ] && command -v mpirun >/dev/null ||
        skip "the module of ranks was not built (Debian: libopenmpi-dev openmpi-bin)"
    # more ranks than cores, one thread each, on this machine alone
    export OMP_NUM_THREADS=1
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
    export OMPI_MCA_btl=self,vader OMPI_MCA_pml=ob1
}

# ranks N ARGUMENT...: the program as N processes.
ranks() {
    local count=$1
    shift
    run mpirun -n "$count" "$REPRO_PROGRAM" "$@" </dev/null
}

# Fails where a run of one folder of results lacks its twin in the other, or has other bits.
same_runs() {
    [ "$(ls "$1/runs")" = "$(ls "$2/runs")" ]
    local folder
    for folder in "$1"/runs/*/; do
        cmp "$folder/checkpoint.safetensors" "$2/runs/$(basename "$folder")/checkpoint.safetensors"
        cmp <(cut -f1-12 "$folder/log.tsv") <(cut -f1-12 "$2/runs/$(basename "$folder")/log.tsv")
    done
}

# An error sentence of rank 0, with every text given, before what mpirun has to add.
one_error_says() {
    [ "$(grep -c '^repro: ' <<< "$output")" -eq 1 ] || { echo "$output"; return 1; }
    local text
    for text in "$@"; do
        grep -qF -e "$text" <<< "$(grep '^repro: ' <<< "$output")" || {
            echo "'$text' is not in: $output"
            return 1
        }
    done
}

# rank_of OUT R: the process of rank R that writes to OUT.
rank_of() {
    local id
    for id in $(pgrep -f -- "^$REPRO_PROGRAM .*--out $1( |\$)"); do
        ! tr '\0' '\n' < "/proc/$id/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$2" || echo "$id"
    done
}

# begin_ranks N PATTERN OUT ARGUMENT...: starts N ranks and returns when PATTERN stands in what they
# say; $job is mpirun.
begin_ranks() {
    local count=$1 pattern=$2 out=$3
    shift 3
    mpirun -n "$count" "$REPRO_PROGRAM" "$@" --out "$out" </dev/null >said 2>&1 &
    job=$!
    until grep -q "$pattern" said; do
        kill -0 "$job" 2>/dev/null || { echo "over before '$pattern'"; cat said; return 1; }
        sleep 0.01
    done
}

end_ranks() {
    status=0
    wait "$job" || status=$?
    output=$(cat said)
}
