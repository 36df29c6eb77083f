# Completion of repro for fish.  Every name comes from `repro complete`.
function __repro_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':folders*'
                __fish_complete_directories (commandline -ct) ''
            case ':files*'
                __fish_complete_path (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c repro -f -a '(__repro_complete)'
