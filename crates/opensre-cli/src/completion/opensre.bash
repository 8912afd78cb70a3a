# opensre completion for bash. The program answers; it reads the store, writes nothing and uses no network.
# Bash cuts words at "=" and ":", so the program gets the whole line, and bash's idea of the last word.
_opensre() {
    local IFS=$'\n'
    COMPREPLY=($(opensre __complete bash "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null))
}
complete -o nospace -o nosort -F _opensre opensre 2>/dev/null || complete -o nospace -F _opensre opensre
