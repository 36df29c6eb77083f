# Completion of repro for bash.  Every name comes from `repro complete`.
_repro() {
    local word what current=${COMP_WORDS[COMP_CWORD]}
    [ "$current" != = ] || current=
    COMPREPLY=()
    while IFS=$'\t' read -r word what; do
        case $word in
        :folders) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
            < <(compgen -d -- "$current") ;;
        :files) compopt -o filenames; mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
            < <(compgen -f -- "$current") ;;
        *) COMPREPLY+=("$word") ;;
        esac
    done < <("${COMP_WORDS[0]/#\~/$HOME}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _repro repro
