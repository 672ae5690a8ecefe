#!/bin/sh
# usage: tools/server-clients.sh DIR   the clients that the server is tried with: Python's in DIR/venv, npm's in DIR/node where there is node.
# A second run finds everything and needs no network. Returns 1, having said why, where they cannot be had.
cd "$(dirname "$0")/.." || exit 1
. tools/need.sh

dir=$1
need python3 python3-venv ca-certificates || exit 1
mkdir -p "$dir" || exit 1

wanted="openai==3.57.0 ollama==0.6.3"
if [ "$(cat "$dir/venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    say "installing $wanted"
    # shellcheck disable=SC2086
    python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" --quiet --disable-pip-version-check --retries 1 --timeout 60 install $wanted &&
        echo "$wanted" >"$dir/venv/wanted" || { say "could not install $wanted"; exit 1; }
fi
command -v npm >/dev/null || exit 0
package=openai@6.49.0
if [ "$(cat "$dir/node/wanted" 2>/dev/null)" != $package ]; then
    say "installing $package"
    mkdir -p "$dir/node" && npm install --prefix "$dir/node" --silent --no-audit --no-fund --no-package-lock --ignore-scripts $package >/dev/null && echo $package >"$dir/node/wanted" ||
        { say "could not install $package"; exit 1; }
fi
