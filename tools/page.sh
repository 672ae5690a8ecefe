#!/bin/sh
# usage: page.sh FILE...   the files of the server's page as C, on standard output: src/serve/page.h has the types
# index.html is served as /, any other as /page/NAME.
set -eu
echo '#include "serve/page.h"'
for f; do
    printf 'static const char file_%s[] =\n' "$(basename "$f" | tr . _)"
    sed 's/[\\"?]/\\&/g; s/.*/    "&\\n"/' "$f"
    echo '    "";'
done
echo 'const roma_serve_file roma_serve_files[] = {'
for f; do
    case $f in
    *.html) type=text/html ;;
    *.css) type=text/css ;;
    *.js) type=text/javascript ;;
    *) echo "page.sh: $f: no type for this ending" >&2; exit 1 ;;
    esac
    name=$(basename "$f") at=/page/$(basename "$f")
    [ "$name" != index.html ] || at=/
    name=file_$(echo "$name" | tr . _)
    echo "    {\"$at\", \"$type; charset=utf-8\", $name, sizeof $name - 1},"
done
echo '    {0},'
echo '};'
