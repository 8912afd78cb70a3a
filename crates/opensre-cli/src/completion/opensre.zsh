#compdef opensre
# opensre completion for zsh. The program answers; it reads the store, writes nothing and uses no network.
_opensre() {
    local line value
    local -a values shown open open_shown
    for line in "${(@f)$(opensre __complete zsh -- "${(@Q)words[1,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*}
        if [[ $value == *[=/] ]]; then
            open+=("$value") open_shown+=("${line/$'\t'/  -- }")
        else
            values+=("$value") shown+=("${line/$'\t'/  -- }")
        fi
    done
    (( $#open )) && compadd -l -S '' -d open_shown -a open
    (( $#values )) && compadd -l -d shown -a values
    (( $#open + $#values ))
}
if [[ $funcstack[1] == _opensre ]]; then
    _opensre "$@"
else
    compdef _opensre opensre
fi
