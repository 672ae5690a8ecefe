#!/bin/sh
# usage: completions.sh ROMA bash|zsh|fish
# Writes the completion of a shell from what the program says of itself: `roma --help` has the verbs, `roma VERB --words` its options and
# `roma --words LIST` the names that an option of that name takes (tools/roma/verbs/words.c).
set -eu
roma=$1 shell=$2
tab=$(printf '\t')
verbs=$("$roma" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z-]*\)  *\(.*\)$/\1/p')
about() { "$roma" --help | sed -n "s/^  $1  *\(.*\)$/\1/p" | head -n 1; }
lists=" $("$roma" --words | tr '\n' ' ')"
list() { echo $("$roma" --words "$1"); }

# kind NAME ARGUMENT sets what the option of that name takes: $words, those that are known, and $files, whether a file can stand there too.
kind() {
    words='' files=
    case $2 in *FILE* | *IMAGE* | *SHAPE* | *DIR* | ADAPTER | MAP) files=1 ;; esac
    case $lists in
    *" $1 "*) words=$(list "$1") ;;
    *) case $2 in *[A-Z.]*) ;; *'|'*) words=$(echo "$2" | tr '|' ' ') ;; esac ;;
    esac
}
# Calls "$1 VERB LETTER NAME ARGUMENT HELP" for each option of a verb, in which an empty field is "-".
each_option() {
    "$roma" "$2" --words | sed "s/^$tab/-$tab/; s/$tab$tab/$tab-$tab/; s/$tab$tab/$tab-$tab/" >"$work/options"
    while IFS=$tab read -r letter name arg help; do "$1" "$2" "$letter" "$name" "$arg" "$help"; done <"$work/options"
}
quoted() { printf %s "$1" | sed "s/'/'\\\\''/g"; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ---- bash: a case for each verb's options, and one for what stands behind an option ----

bash_names() {
    [ "$2" = - ] || printf %s "-$2 "
    [ "$3" = - ] || printf %s "--$3 "
}
bash_value() {
    [ "$4" != - ] || return 0
    kind "$3" "$4"
    for o in "-$2" "--$3"; do
        case $o in -- | ---) ;; *) printf '%s' "$sep\"$1 $o\""; sep=' | ' ;; esac
    done
    printf ') words=%s files=%s ;;\n' "'$words'" "$files"
    sep='    '
}
write_bash() {
    cat <<'EOF'
# bash completion of roma, made by tools/completions.sh
_roma() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} words= files=1
    COMPREPLY=()
    # --option=value is three words where bash breaks words at "="
    [ "$cur" = = ] && cur=
    [ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD-2]}
    if [ "$COMP_CWORD" -eq 1 ]; then
EOF
    echo "        COMPREPLY=(\$(compgen -W '$(echo $verbs) --help --version' -- \"\$cur\"))"
    cat <<'EOF'
        return
    fi
    case "$verb $prev" in
EOF
    sep='    '
    for v in $verbs; do each_option bash_value "$v"; done
    echo "    \"adapter adapter\") words='$(list adapter)' files= ;;"
    echo "    \"chip chip\") words='$(list chip)' files=1 ;;"
    cat <<'EOF'
    *) case $cur in
        -*) files=
            case $verb in
EOF
    for v in $verbs; do echo "            $v) words='$(each_option bash_names "$v")' ;;"; done
    cat <<'EOF'
            esac ;;
        esac ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    case $words in *=*) compopt -o nospace 2>/dev/null ;; esac
    [ -z "$files" ] && return
    # of files alone: a verb is no folder of its name
    [ -z "$words" ] && compopt -o filenames 2>/dev/null
    local IFS=$'\n'
    COMPREPLY+=($(compgen -f -- "$cur"))
}
complete -F _roma roma
EOF
}

# ---- zsh: _arguments of each verb ----

zsh_option() {
    takes=
    tail="[$(printf %s "$5" | sed 's/\[/(/g; s/\]/)/g; s/:/,/g')]"
    if [ "$4" != - ]; then
        kind "$3" "$4"
        takes== # --option=value and --option value
        tail="$tail:$(printf %s "$4" | sed 's/:/ /g; s/\[//g; s/\]//g'):"
        case "$words$files" in
        '') ;;
        1) tail=${tail}_files ;;
        *=) tail="$tail{compadd -S '' -- $words}" ;;
        *1) tail="$tail{compadd -- ${words}; _files}" ;;
        *) tail="$tail($words)" ;;
        esac
    fi
    [ "$2" = - ] || printf "    '%s' \\\\\n" "-$2$(quoted "$tail")"
    [ "$3" = - ] || printf "    '%s' \\\\\n" "--$3$takes$(quoted "$tail")"
}
write_zsh() {
    echo "#compdef roma"
    echo "# made by tools/completions.sh"
    echo "local -a verbs"
    echo "verbs=("
    for v in $verbs; do echo "    '$v:$(quoted "$(about "$v")")'"; done
    echo ")"
    echo "if (( CURRENT == 2 )); then _describe verb verbs; return; fi"
    echo "shift words"
    echo "(( CURRENT-- ))"
    echo "case \$words[1] in"
    for v in $verbs; do
        echo "$v) _arguments \\"
        each_option zsh_option "$v"
        case $v in
        adapter) echo "    '1:what:($(list adapter))' \\" ;;
        chip) echo "    '1:chip:{compadd -- $(list chip); _files}' \\" ;;
        esac
        echo "    '*:file:_files' ;;"
    done
    echo "esac"
}

# ---- fish: a line for each option of each verb ----

fish_option() {
    printf "complete -c roma -n '__roma_verb %s'" "$1"
    [ "$2" = - ] || printf ' -s %s' "$2"
    [ "$3" = - ] || printf ' -l %s' "$3"
    if [ "$4" != - ]; then
        kind "$3" "$4"
        [ -n "$files" ] && printf ' -r -F' || printf ' -x'
        [ -z "$words" ] || printf " -a '%s'" "$words"
    fi
    printf " -d '%s'\n" "$(printf %s "$5" | sed "s/'/\\\\'/g")"
}
write_fish() {
    cat <<'EOF'
# made by tools/completions.sh
function __roma_words; commandline -opc; end
function __roma_verb; set -l w (__roma_words); test (count $w) -gt 1; and test $w[2] = $argv[1]; end
function __roma_first; __roma_verb $argv[1]; and test (count (__roma_words)) -eq 2; end
EOF
    for v in $verbs; do
        echo "complete -c roma -n 'test (count (__roma_words)) -eq 1' -f -a $v -d '$(about "$v" | sed "s/'/\\\\'/g")'"
        each_option fish_option "$v"
    done
    echo "complete -c roma -n '__roma_first adapter' -f -a '$(list adapter)'"
    echo "complete -c roma -n '__roma_first chip' -F -a '$(list chip)'"
}

case $shell in
bash | zsh | fish) "write_$shell" ;;
*) exit 2 ;;
esac
