#!/bin/sh
# usage: install.sh folders DESTDIR PREFIX FOLDER...   makes folders below PREFIX, and writes down those that were not there
#        install.sh remove DESTDIR PREFIX FILE...      removes files below PREFIX, then those of the folders that are empty
# For make install and make uninstall: what was there before, or came from elsewhere, stays.
set -eu
do=$1 root=$2 prefix=$3
shift 3
list=$root$prefix/share/roma/folders # paths as PREFIX has them, without DESTDIR
made=

make_folder() {
    [ -d "$root$1" ] && return
    make_folder "$(dirname "$1")"
    mkdir -m 755 "$root$1"
    made="$made$1
"
}

case $do in
folders)
    mkdir -p "$root/"
    for f in share/roma "$@"; do make_folder "$prefix/$f"; done
    printf %s "$made" >>"$list"
    ;;
remove)
    for f; do rm -f "$root$prefix/$f"; done
    [ -f "$list" ] || exit 0
    folders=$(LC_ALL=C sort -r -u "$list")
    rm -f "$list"
    printf '%s\n' "$folders" | while read -r f; do
        [ -z "$f" ] || rmdir "$root$f" 2>/dev/null || :
    done
    ;;
esac
