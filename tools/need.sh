# Sourced by ./demo and ./test: installs what is missing, and nothing else. A second run finds everything and needs no network.

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need PACKAGE...: returns 1 when something is missing and cannot be had.
need() {
    missing=
    command -v dpkg-query >/dev/null || { say "this is no Debian: please see to $*"; return 0; }
    for package; do installed "$package" || missing="$missing $package"; done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        say "missing:$missing; become root and run: apt-get install$missing"
        return 1
    fi
    say "installing$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086
    if { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 3 "$log" >&2
    rm -f "$log"
    say "could not install$missing; is there a network?"
    return 1
}

jobs_here() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
