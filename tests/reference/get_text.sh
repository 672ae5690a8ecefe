#!/bin/sh
# usage: get_text.sh OUT.txt
# The evaluation text: the English Debian Policy Manual, without its table of
# contents, from the package debian-policy of Debian 12.  Needs apt-get, dpkg-deb.
set -eu
out=${1:?usage: get_text.sh OUT.txt}
version=4.6.2.0
sum=f8c00c3f120fbee372f56a1d60f59e14dd3ce9ea5bc8ca87c2d6716f8343f754
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
( cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "debian-policy=$version" )
dpkg-deb -x "$tmp"/debian-policy_*.deb "$tmp/x"
gzip -dc "$tmp/x/usr/share/doc/debian-policy/policy.txt.gz" |
    sed -n '/^1\. About this manual$/,$p' > "$tmp/text"
echo "$sum  $tmp/text" | sha256sum -c --quiet - || {
    echo "get_text.sh: not the text the recorded results were made with" >&2; exit 1; }
mv "$tmp/text" "$out"
