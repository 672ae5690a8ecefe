#!/bin/sh
# usage: completions.sh ROMA bash|zsh|fish
# Writes the completion of a shell from the program's own help, so that it cannot lag behind.
set -eu
roma=$1
verbs=$("$roma" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z]*\)  *\(.*\)$/\1/p')
about() { "$roma" --help | sed -n "s/^  $1  *\(.*\)$/\1/p" | head -n 1; }
# letter name argument help, tab-separated; "-" where there is none
options() {
    "$roma" "$1" --help | sed -n '/^options:/,/^$/p' | awk '
        /^  -[a-zA-Z], --/ || /^      --/ || /^  -[a-z] / {
            letter = name = "-"; arg = "-"
            left = substr($0, 1, 28); help = substr($0, 31)
            n = split(left, w, " ")
            for (i = 1; i <= n; i++) {
                if (w[i] ~ /^--/) name = w[i]
                else if (w[i] ~ /^-/) { letter = w[i]; sub(/,/, "", letter) }
                else arg = w[i]
            }
            print letter "\t" name "\t" arg "\t" help
        }'
}
names() { options "$1" | awk -F'\t' '{ if ($1 != "-") printf "%s ", $1; if ($2 != "-") printf "%s ", $2 }'; }

case $2 in
bash)
    echo "# bash completion of roma, made from its help"
    echo "_roma() {"
    echo "    local cur=\${COMP_WORDS[COMP_CWORD]} verb=\${COMP_WORDS[1]} words="
    echo "    if [ \"\$COMP_CWORD\" -eq 1 ]; then"
    echo "        COMPREPLY=(\$(compgen -W \"$(echo $verbs) --help --version\" -- \"\$cur\"))"
    echo "        return"
    echo "    fi"
    echo "    case \$verb in"
    for v in $verbs; do echo "    $v) words=\"$(names "$v")\" ;;"; done
    echo "    esac"
    echo "    case \$cur in"
    echo "    -*) COMPREPLY=(\$(compgen -W \"\$words\" -- \"\$cur\")) ;;"
    echo "    *) COMPREPLY=(\$(compgen -f -- \"\$cur\")) ;;"
    echo "    esac"
    echo "}"
    echo "complete -o filenames -F _roma roma"
    ;;
zsh)
    echo "#compdef roma"
    echo "# made from the help of roma"
    echo "local -a verbs"
    echo "verbs=("
    for v in $verbs; do echo "    '$v:$(about "$v" | sed "s/'/'\\\\''/g")'"; done
    echo ")"
    echo "if (( CURRENT == 2 )); then _describe verb verbs; return; fi"
    echo "case \$words[2] in"
    for v in $verbs; do
        echo "$v) _arguments \\"
        options "$v" | sed "s/'/'\\\\''/g; s/\[/(/g; s/\]/)/g" | awk -F'\t' '{
            gsub(/:/, ",", $4)
            tail = "[" $4 "]" ($3 == "-" ? "" : ":" $3 ":" ($3 ~ /FILE|IMAGE|TEXT/ ? "_files" : ""))
            if ($1 != "-") printf "    \047%s%s\047 \\\n", $1, tail
            if ($2 != "-") printf "    \047%s%s\047 \\\n", $2, tail }'
        echo "    '*:file:_files' ;;"
    done
    echo "esac"
    ;;
fish)
    echo "# made from the help of roma"
    for v in $verbs; do
        echo "complete -c roma -n __fish_use_subcommand -a $v -d '$(about "$v" | sed "s/'/\\\\'/g")'"
        options "$v" | sed "s/'/\\\\'/g" | awk -F'\t' -v v="$v" '{
            printf "complete -c roma -n \047__fish_seen_subcommand_from %s\047", v
            if ($1 != "-") printf " -s %s", substr($1, 2)
            if ($2 != "-") printf " -l %s", substr($2, 3)
            if ($3 != "-") printf " -r"
            printf " -d \047%s\047\n", $4 }'
    done
    ;;
*) exit 2 ;;
esac
