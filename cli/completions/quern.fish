# Completion of quern for fish. The command knows what it takes.
function __quern_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] --complete $words[2..-1] 2>/dev/null
end
complete -c quern -a '(__quern_complete)'
