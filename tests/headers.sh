#!/bin/sh
# Every public header compiles alone, as C11 and as C++, with gcc and clang, without warnings; roma.h includes libc's headers only.
set -eu
cd "$(dirname "$0")/.."
status=0
for header in include/roma/*.h; do
    for how in "gcc -x c -std=c11" "clang -x c -std=c11" "g++ -x c++ -std=c++17" "clang++ -x c++ -std=c++17"; do
        command -v "${how%% *}" >/dev/null || { echo "headers: no ${how%% *} here" >>"${ROMA_SKIPPED:-/dev/null}"; continue; }
        # shellcheck disable=SC2086
        printf '#include "roma/%s"\n' "$(basename "$header")" | $how -fsyntax-only -Wall -Wextra -Wpedantic -Werror -Iinclude - || {
            echo "headers: $header fails with $how" >&2
            status=1
        }
    done
done
if grep -n '#include "' include/roma/roma.h; then
    echo "headers: include/roma/roma.h, which stands alone, includes another of ours" >&2
    status=1
fi
exit $status
