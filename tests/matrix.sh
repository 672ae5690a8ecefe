#!/bin/sh
# usage: matrix.sh --quick BUILD...             the tiny model, as ./test runs it
#        matrix.sh --model MODEL.gguf BUILD...  100 prompts, 64 tokens each: make matrix
#
# One hash over all logits per prompt, and the ids, must be the same for every build (compiler), instruction set with its variants, number of threads,
# size of prefill chunk and size of batch, in each format of the cache; --quick takes the formats but int8 with one number of threads for each instruction set.
# Then random models of every form of weights that has a kernel of its own (where the first BUILD has tests/exec/make_random), over the same. Prints one line a
# configuration. SCALAR_PROMPTS=N lets the slow scalar reference do only the first N prompts (said in its lines); THREADS overrides "1 2 3 8", PROMPTS their number.
set -eu
cd "$(dirname "$0")/.."
threads=${THREADS:-1 2 3 8} formats=${FORMATS:-int8 f16 fp8 int4} quick=
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $1 in
--quick)
    model=models/tiny/tiny-q4.gguf tokens=64 prompts=${PROMPTS:-10} quick=yes
    shift
    ;;
--model)
    model=$2 tokens=64 prompts=${PROMPTS:-100}
    shift 2
    ;;
*) sed -n '2,3p' "$0" >&2; exit 2 ;;
esac
[ -f "$model" ] || { echo "matrix: $model is missing; ./demo fetches the default model" >&2; exit 2; }

# Prompts: short questions, every tenth after a passage that takes the context past 600 tokens (tiny model: near its 512). Two of three run with
# adapters: one, or two of different rank and type.
python3 - $prompts $tokens "$model" "$work" >"$work/prompts" <<'P'
import json, sys
n, tokens, tiny, work = int(sys.argv[1]), int(sys.argv[2]), "tiny" in sys.argv[3], sys.argv[4]
things = "a dog,the sea,bread,a clock,the moon,rain,a bicycle,gold,a garden,winter,music,a map,the eye".split(",")
forms = ["Tell me about {}.", "Write a short story about {}.", "Why do people like {}?", "What is {} made of?", "{} and"]
sentence = "Once upon a time there was {}, and everybody in the village wanted to see it. "
for i in range(n):
    t = things[i % len(things)]
    q = {"prompt": forms[i % len(forms)].format(t), "n": tokens, "raw": i % 5 == 4}
    if i % 10 == 3:
        q["prompt"] = "".join(sentence.format(things[(i + k) % len(things)]) for k in range(16 if tiny else 36)) + q["prompt"]
    if i % 4 == 1:
        q.update(temp=0.9, top_p=0.95, seed=i)
    if i % 3:
        q["lora"] = [f"{work}/a.lora.roma"] if i % 3 == 1 else [f"{work}/b.lora.roma:0.3", f"{work}/a.lora.roma:-0.5"]
    print(json.dumps(q))
P

first= status=0 configuration=0

# Whether the build's program runs with an instruction set; a failure of another kind is told.
has() { # BUILD ISA
    code=0
    "$1/roma" run "$work/image.roma" --raw -p a -n 1 --isa "$2" -q >"$work/out" 2>&1 || code=$?
    case $code in
    0) return 0 ;;
    2) echo "same-bits: this CPU has no $2 (tests/kern emulates it)" >>"${ROMA_SKIPPED:-/dev/null}" ;;
    *)
        echo "matrix: $1 $2 fails with exit code $code: $(cat "$work/out")" >&2
        status=1
        ;;
    esac
    return 1
}

# One configuration: prompts $6 through $5, whose first result is the one that all others must have. Chunk and batch go through all values as they come.
try() { # BUILD ISA KV THREADS IMAGE PROMPTS NAME
    configuration=$((configuration + 1))
    rows=$(echo "128 1 7 32 512 100" | cut -d ' ' -f $((configuration % 6 + 1)))
    batch=$(echo "1 8 3 16 2" | cut -d ' ' -f $((configuration % 5 + 1)))
    start=$(date +%s)
    "$1/roma" run "$5" --jsonl "$6" --hash --isa "$2" -t "$4" --rows "$rows" -b "$batch" --kv "$3" >"$work/out" || true
    n=$(wc -l <"$work/out")
    [ -f "$work/first.$7.$3" ] || cp "$work/out" "$work/first.$7.$3"
    if head -n "$n" "$work/first.$7.$3" | cmp -s - "$work/out" && [ "$n" -gt 0 ] && [ "$n" -eq "$(wc -l <"$6")" ]; then
        verdict=$(sha256sum <"$work/out" | cut -c 1-16)
    else
        verdict=DIFFERS status=1
    fi
    printf '%-12s %-9s %-10s %-4s  threads %d  chunk %3d  batch %2d  prompts %3d  %4d s  %s\n' "$(basename "$1")" "$2" "$7" "$3" "$4" "$rows" "$batch" "$n" \
        $(($(date +%s) - start)) "$verdict"
}

# The slow scalar last; NAME-l2 is what NAME gives.
sets_of() { "$1/roma" --version | sed 's/.*instruction sets: //' | tr ' ' '\n' | grep -v -e '-l2$' | sort; }

for build; do
    [ -n "$first" ] || "$build/roma" build "$model" -o "$work/image.roma" >/dev/null
    "$build/roma" build "$model" -o "$work/again.roma" >/dev/null
    [ -n "$first" ] || "$build/roma" adapter build --random 1 --rank 16 --base "$work/image.roma" -o "$work/a.lora.roma" >/dev/null
    [ -n "$first" ] || "$build/roma" adapter build --random 2 --rank 5 --lora-type fp8 --base "$work/image.roma" -o "$work/b.lora.roma" >/dev/null
    cmp "$work/image.roma" "$work/again.roma" || { echo "matrix: $build makes another image" >&2; status=1; }
    first=${first:-$build}
    for isa in $(sets_of "$build"); do
        has "$build" "$isa" || continue
        # forms of weights, with --quick: all sets of the first build (ONE_SET: one), one of each other
        if [ -z "$quick" ] || { [ "$build" = "$first" ] && [ -z "${ONE_SET:-}" ]; } || ! grep -q "^$build " "$work/sets" 2>/dev/null; then
            echo "$build $isa" >>"$work/sets"
        fi
        cp "$work/prompts" "$work/these"
        [ "$isa" != scalar ] || [ -z "${SCALAR_PROMPTS:-}" ] || head -n "$SCALAR_PROMPTS" "$work/prompts" >"$work/these"
        for kv in $formats; do
            for t in $([ "$kv" = int8 ] || [ -z "$quick" ] && echo "$threads" || echo $((configuration % 3 + 1))); do
                try "$build" "$isa" "$kv" "$t" "$work/image.roma" "$work/these" "$(basename "$model" .gguf | cut -c 1-10)"
            done
        done
    done
done

# Forms of weights: each once in every cache, or with --quick in one of them.
make_random=$first/tests/exec/make_random
if [ -x "$make_random" ]; then
    "$first/roma" build models/tiny/tiny-q4.gguf -o "$work/tiny.roma" >/dev/null
    for i in 0 1 2; do echo "{\"prompt\":\"Once upon a time $i there was a dog, and everybody in the village wanted to see it.\",\"n\":8,\"raw\":true}"; done >"$work/few"
    number=0
    for form in $("$make_random" forms); do
        number=$((number + 1))
        "$make_random" "$work/form.roma" "$work/tiny.roma" "$(echo "llama qwen2 qwen3" | cut -d ' ' -f $((number % 3 + 1)))" "$form" "$number"
        these=$formats
        [ -z "$quick" ] || these=$(echo "$formats" | cut -d ' ' -f $((number % $(echo "$formats" | wc -w) + 1)))
        while read -r build isa; do
            for kv in $these; do try "$build" "$isa" "$kv" $((configuration % 3 + 1)) "$work/form.roma" "$work/few" "$form"; done
        done <"$work/sets"
    done
else
    echo "matrix: there is no $make_random (make helpers): forms of weights are not tried" >&2
fi
if [ $status -eq 0 ]; then echo "matrix: $configuration configurations, the same bits"; else echo "matrix: bits DIFFER" >&2; fi
exit $status
