#!/bin/sh
# usage: test_cli.sh ROMA [ROMA-MPI]
# The program from outside, on the tiny model: exit codes, one-line errors, JSON, help, batches, hostile files, interrupts.
set -u
cd "$(dirname "$0")/../.."
roma=$(realpath "${1:-build/roma}")
mpi=${2:+$(realpath "$2")} # build/roma-mpi: eval over two and three ranks too
mpirun=$PWD/tests/mpirun.sh
model=$(realpath models/tiny/tiny-q4.gguf)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 failures=0

bad() { failures=$((failures + 1)); echo "test_cli: $*"; }

# gives CODE COMMAND...: exit code, and of a failure one line on stderr that names the verb; output in out and err
gives() {
    want=$1
    shift
    checks=$((checks + 1))
    "$@" >out 2>err </dev/null
    got=$?
    [ $got -eq "$want" ] || { bad "exit code $got, expected $want: $*"; cat err; return; }
    case $want in
    0 | 130) ;;
    *)
        [ "$(wc -l <err)" -eq 1 ] || bad "not one line on stderr: $*: $(cat err)"
        grep -q '^roma' err || bad "the error does not begin with roma: $(cat err)"
        ;;
    esac
}
says() { checks=$((checks + 1)); grep -q -e "$1" err || bad "stderr lacks '$1': $(cat err)"; }
prints() { checks=$((checks + 1)); grep -q -e "$1" out || bad "stdout lacks '$1': $(head -c 300 out)"; }
# json KEY...: out is one JSON object with these keys, and stderr is empty
json() {
    checks=$((checks + 1))
    python3 - "$@" <out.py_args 2>&1 <<'P' || bad "JSON of the last command: see above"
import json, sys
o = json.load(open("out"))
missing = [k for k in sys.argv[1:] if k not in o]
if missing or not isinstance(o, dict): sys.exit("lacks " + " ".join(missing))
P
    [ -s err ] && bad "stderr is not empty: $(cat err)"
}
py() { checks=$((checks + 1)); python3 -c "import json; o = json.load(open('out')); assert $1, o" || bad "$1"; }
same() { checks=$((checks + 1)); cmp -s "$1" "$2" || bad "$3"; }
: >out.py_args

# ---- help, version, usage
gives 0 "$roma" --help; prints 'verbs:'
gives 0 "$roma" --version; prints 'instruction sets: scalar'
verbs=$("$roma" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p')
for v in $verbs; do
    gives 0 "$roma" "$v" --help; prints "^usage: roma $v"; prints '^example:'; prints "^  roma $v"
    gives 0 "$roma" help "$v"; prints "^usage: roma $v"
    gives 2 "$roma" "$v" --no-such-option; says 'unknown option --no-such-option'
done
gives 2 "$roma"; says 'a verb is missing'
gives 2 "$roma" rnu; says "did you mean 'run'"
gives 2 "$roma" frobnicate; says "no verb 'frobnicate'"
gives 2 "$roma" --json run
gives 2 "$roma" run m.roma -p x --tmep 1; says 'did you mean --temp'
gives 2 "$roma" run m.roma -p x --top-k; says 'needs a value'
gives 2 "$roma" run m.roma -p x --raw=1; says 'takes no value'
for o in '--temp -1' '--temp nan' '--temp 1x' '--top-p -0.1' '--top-p 1.5' '--min-p 1.1' '--repeat-penalty 0' '-n 0' '-n -3' '-t 0' '-t 65' \
    '--seed -2' '--seed 99999999999999999999999' '--ctx 0' '--top-k 1.5' '--sram-mib 0' '-b 0'; do
    # shellcheck disable=SC2086
    gives 2 "$roma" run m.roma -p x $o; says 'takes a'
done
gives 2 "$roma" run m.roma; says 'give one of'
gives 2 "$roma" run m.roma -p x -f y
gives 2 "$roma" run m.roma extra -p x; says 'behind -p'
gives 2 "$roma" run m.roma extra more -p x; says 'too many'
gives 2 "$roma" run; says 'usage is'
gives 2 "$roma" run m.roma -p x --stop ''; says 'stop text'
gives 2 "$roma" build; gives 2 "$roma" build "$model" --quant q7
gives 2 "$roma" tokenize m.roma; gives 2 "$roma" tokenize m.roma a -f b
gives 2 "$roma" eval m.roma; gives 2 "$roma" eval m.roma -f /dev/null; gives 2 "$roma" eval m.roma -f /dev/null --all; gives 2 "$roma" eval m.roma -f a --ids b; gives 2 "$roma" eval m.roma --ids a --all --ctx 5
gives 2 "$roma" bench m.roma -p 1,,2; gives 2 "$roma" bench m.roma -p ''; gives 2 "$roma" bench m.roma -b x

# ---- build
gives 0 "$roma" build "$model"; prints 'tiny-q4.roma'
[ -s tiny-q4.roma ] || bad "the default name is the model's with .roma, here"
gives 0 "$roma" build "$model" -o t.roma --json; json image sha256 arch params bits_per_weight bytes seconds method; py 'o["method"] == "none"'
same t.roma tiny-q4.roma "building twice gives the same bytes"
gives 2 "$roma" build .; says 'no config.json'
gives 2 "$roma" build t.roma -o x.roma
cp "$model" copy.gguf
gives 2 "$roma" build copy.gguf -o copy.gguf; says 'never overwritten'
same copy.gguf "$model" "the model is as it was"
[ -n "$(find . -name '*copy*' ! -name copy.gguf)" ] && bad "a temporary file is left"
mkdir folder
gives 2 "$roma" build copy.gguf -o folder
gives 3 "$roma" build copy.gguf -o no/such/folder/x.roma
head -c 300000 copy.gguf >cut.gguf
gives 2 "$roma" build cut.gguf; says cut.gguf
[ -e cut.roma ] && bad "a refused model leaves no image"
head -c 4096 /dev/zero >zero.gguf; gives 2 "$roma" build zero.gguf
: >empty.gguf; gives 2 "$roma" build empty.gguf
printf GGUF >four.gguf; gives 2 "$roma" build four.gguf

# ---- a model that contradicts itself: the image is the same, and each verb that reads the model says so, terminal or not
python3 - "$model" <<'P'
import struct, sys
data, key = bytearray(open(sys.argv[1], "rb").read()), b"llama.vocab_size"
at = data.index(key) + len(key)
assert struct.unpack_from("<II", data, at) == (4, 1024)
struct.pack_into("<I", data, at + 4, 3)
open("three.gguf", "wb").write(data)
P
python3 -c 'import struct; open("i12.bin", "wb").write(struct.pack("<12i", *range(5, 17)))'
warned() { says "^roma $1: warning: three.gguf: key 'llama.vocab_size' is 3, but there are 1024 tokens"; [ "$(wc -l <err)" -eq 1 ] || bad "one warning: $(cat err)"; }
gives 0 "$roma" build three.gguf -o three.roma; warned build
gives 0 "$roma" eval three.roma --ids i12.bin --all --hash --json; cp out a; gives 0 "$roma" eval t.roma --ids i12.bin --all --hash --json
py 'o["hash"] == json.load(open("a"))["hash"]'
gives 0 "$roma" build three.gguf -o three.roma --json; warned build; py 'len(o["warnings"]) == 1 and "is 3," in o["warnings"][0] and "1024 tokens" in o["warnings"][0]'
gives 0 "$roma" verify three.gguf; warned verify; prints "well formed"
gives 0 "$roma" verify three.gguf --json; warned verify; py 'o["ok"] and len(o["warnings"]) == 1'
gives 0 "$roma" inspect three.gguf; prints "^warning: key 'llama.vocab_size' is 3, but there are 1024 tokens"
gives 0 "$roma" inspect three.gguf --json; py 'len(o["warnings"]) == 1 and "is 3," in o["warnings"][0]'
gives 0 "$roma" inspect "$model" --json; py 'o["warnings"] == []'
gives 0 "$roma" build "$model" -o three.roma --json; json warnings; py 'o["warnings"] == []'
rm -f three.gguf three.roma

# ---- build --shape: the same seed gives the same file; no tokenizer, but eval --ids and bench run on it
shape="--shape smollm2-135m --random"
gives 0 "$roma" build $shape 7 -o r.roma --json; json image sha256 arch params bits_per_weight bytes seconds
checks=$((checks + 1))
python3 -c 'import json; o = json.load(open("out")); assert o["params"] == 134515008 and 4.2 < o["bits_per_weight"] < 4.3, o' || bad "the shape's size"
gives 0 "$roma" build $shape 7; same r.roma smollm2-135m.roma "the same seed gives the same image, named after the shape"
gives 0 "$roma" build $shape 8 -o r8.roma; cmp -s r.roma r8.roma && bad "another seed gives another image"
gives 0 "$roma" verify r.roma; gives 0 "$roma" inspect r.roma; prints 'smollm2-135m'
gives 0 "$roma" build $shape 7 --bits 2 --group 64 --head-bits 6 -o r8.roma; gives 0 "$roma" inspect r8.roma; prints '6 bit, group 64'; prints '2 bit, group 64'
python3 -c 'import struct; open("i40.bin", "wb").write(struct.pack("<40i", *[(7919 * i) % 49152 for i in range(40)]))'
gives 0 "$roma" eval r.roma --ids i40.bin --ctx 20 --json
python3 -c 'import json; o = json.load(open("out")); assert o["tokens"] == 18 and 1e3 < o["perplexity"] < 1e9, o' || bad "eval of a random image: $(cat out)"
gives 0 "$roma" bench r8.roma -p 8 -n 4 --json; json rows read_gb_s int8_gmac_s
gives 2 "$roma" run r.roma -p x; says 'no tokenizer'
rm -f smollm2-135m.roma r8.roma
gives 2 "$roma" build --shape smollm2-135m; says '--random SEED'
gives 2 "$roma" build --shape smollm3 --random 1; says 'known are'
checks=$((checks + 1))
python3 -B - "$OLDPWD/bench" <<'P' || bad "bench/compare-llama has other shapes than roma"
import sys
sys.path.insert(0, sys.argv[1])
import shape_gguf
known = open("err").read().split("known are ")[1].strip().split(", ")
assert sorted(known) == sorted(set(shape_gguf.SHAPES) - {"tiny"}) and set(shape_gguf.ALIASES.values()) <= set(known), known
P
gives 2 "$roma" build $shape 1 --group 48; says 'group'; gives 2 "$roma" build $shape 1 --bits 7; gives 2 "$roma" build $shape 1 --bits 1; says 'no image has codes of 1 bit'
gives 2 "$roma" build $shape 1 --quant q8; says '--quant'
gives 2 "$roma" build "$model" --shape smollm2-135m --random 1; says 'one of them'
gives 2 "$roma" build "$model" --random 1; says 'belongs to --shape'; gives 2 "$roma" build "$model" --bits 4; says 'belong to --shape'
gives 2 "$roma" build "$model" --method rtn; says 'no matrix of a layer is in floating point'; gives 2 "$roma" build $shape 1 --method nf4; says 'of a model'
gives 2 "$roma" build $shape 1 -o copy.gguf; says 'never overwritten'

# ---- inspect, verify, plan, chip
gives 0 "$roma" inspect t.roma; prints 'base identity'
gives 0 "$roma" inspect t.roma --json; json image arch params bits_per_weight sha256 base layers tensors tokenizer
gives 0 "$roma" inspect "$model"; prints general.architecture
gives 0 "$roma" inspect "$model" --json; json
gives 0 "$roma" verify t.roma; prints intact
gives 0 "$roma" verify t.roma --json; json ok
gives 0 "$roma" verify "$model"
gives 0 "$roma" plan t.roma; prints attend
gives 0 "$roma" plan t.roma --json; json chip ops
gives 0 "$roma" plan t.roma -t 2 -c 128; prints "of the whole step"; gives 0 "$roma" plan --shape llama-3.2-1b -t 64 -c 8192 --json; json threads context steps
gives 2 "$roma" plan t.roma -t 65; gives 2 "$roma" plan; gives 2 "$roma" plan t.roma -t 2 -c 64; says "less than the step"
gives 0 "$roma" chip; prints '256 matrix units'; prints 'one L-Unit by storage style'
gives 0 "$roma" chip --all; prints per_matrix_unit
gives 0 "$roma" chip --list; prints '^roma-contract '
gives 0 "$roma" chip --write; cp out whole.chip; gives 0 "$roma" chip whole.chip --write; same whole.chip out "a written chip reads back to itself"
gives 2 "$roma" chip --set lunit.lane=3; says 'lunit.lanes'
gives 2 "$roma" chip --set grid.rows=5; says 'grid'
gives 0 "$roma" chip --json; json lunit.words
"$roma" chip >a; gives 0 "$roma" chip "$OLDPWD/chips/roma.chip"
same a out "the built-in chip is chips/roma.chip"
echo 'lunit.words = 64' >bad.chip
gives 2 "$roma" chip bad.chip; gives 2 "$roma" plan t.roma --chip bad.chip; gives 2 "$roma" run t.roma -p x --chip bad.chip

# ---- sim
gives 0 "$roma" sim t.roma; prints 'tok_s'; prints 'mostly from'
gives 0 "$roma" sim --shape llama-3.2-3b --json --no-ranges
json tok_s ttft_ms mj_per_token area_mm2 power_w cycles time.tok_s energy.mj_rom area.area_mm2 fit.tokens cost.usd
gives 0 "$roma" sim --shape llama-3.2-3b --trace t.json.gz --instances i.csv --floorplan f.svg --roofline r.svg --energy e.svg --curve c.svg --csv f.csv --path --mix 64:32,128:16
prints 'critical path'; prints 'p99'
checks=$((checks + 1))
python3 - <<'P' || bad "the files of sim: see above"
import csv, gzip, json, xml.dom.minidom as x
for f in ("f.svg", "r.svg", "c.svg", "e.svg"): x.parse(f)
events = json.load(gzip.open("t.json.gz"))["traceEvents"]
names = {e["args"]["name"] for e in events if e["name"] == "thread_name"}
assert names == {"L-Units", "H-Units", "vector units"}, names
steps = [e for e in events if e["ph"] == "X" and e["name"].endswith("head")]
assert len(steps) == 2, len(steps)   # the prefill's and the decode step's
rows = {r["name"]: r for r in csv.DictReader(open("f.csv"))}
assert float(rows["area_mm2"]["value"]) > 100, rows["area_mm2"]
# Every instance of the decode step: each kind of unit does one after the other, and the last end is the step's.
step, free = list(csv.DictReader(open("i.csv"))), {}
assert [int(i["number"]) for i in step] == list(range(len(step))) and {i["part"] for i in step} == {"base", "down", "up"}
for i in step:
    start, busy, end = (int(i[k + " [cycle]"]) for k in ("start", "busy", "end"))
    assert free.get(i["unit"], 0) <= start <= busy <= end, i
    assert i["operation"] == "linear" or i["part"] == "base" and i["place"] == "", i
    free[i["unit"]] = busy
assert [i["tensor"] for i in step if i["layer"] == "0" and i["part"] == "down"] == "q k v o gate up down".split()
assert max(int(i["end [cycle]"]) for i in step) == float(rows["decode_cyc"]["value"])
P
gives 0 "$roma" sim t.roma --chip mini --toggles --json --no-ranges; json energy.mj_rom; cp out toggles
gives 0 "$roma" sim t.roma --chip mini --json --no-ranges; cmp -s out toggles && bad "--toggles changed nothing"
printf '0 0 40\n3 5 2\n' >map; gives 0 "$roma" sim --shape llama-3.2-3b --defects map --set rom.patch_words=8 --no-ranges; prints decode_cyc
echo '8 0 1' >map; gives 2 "$roma" sim --shape llama-3.2-3b --defects map; says 'map'
gives 0 "$roma" sim --shape llama-3-8b --no-ranges; prints 'does not fit'
gives 0 "$roma" sim --shape llama-3-8b --chips 2 --max-w 20 --no-ranges; prints '2 dies'
gives 2 "$roma" sim; says 'image or --shape'
gives 2 "$roma" sim t.roma --shape llama-3.2-3b; says 'image or --shape'
gives 2 "$roma" sim t.roma --bits 4; says 'belong to --shape'
gives 2 "$roma" sim --shape llama-3.2-3; says 'known are'
# What --shape takes, and what is said of what it does not take, is the same for every verb.
for verb in sim fit serve-sim price plan explore chip "compare roma mini"; do
    gives 0 "$roma" $verb --shape t.roma
    gives 2 "$roma" $verb --shape llama-3.2-3c; says 'there is no shape llama-3.2-3c, did you mean llama-3.2-3b?; known are bitnet-2b, '
    gives 2 "$roma" $verb --shape ./none.roma; says './none.roma: there is no such file'
    gives 2 "$roma" $verb --shape map; says 'map: .*not a ROM image'
done
gives 2 "$roma" sim --shape t.roma --bits 4; says 'an image has its own'
gives 0 "$roma" sim --shape t.roma --chip mini --toggles --no-ranges
gives 2 "$roma" build --shape llama-3.2-3c --random 1; says 'did you mean llama-3.2-3b?'
gives 2 "$roma" sim --shape llama-3.2-3b --group 48; says 'group'
gives 2 "$roma" sim --shape llama-3.2-3b --chip no-such; says 'no-such'
gives 2 "$roma" sim --shape llama-3.2-3b --set lunit.lanes=lots; says 'lunit.lanes'
gives 2 "$roma" sim --shape llama-3.2-3b --mix 5; says 'PROMPT:OUTPUT'
gives 2 "$roma" sim --shape llama-3.2-3b --floorplan f.svg --floorplan-by taste; says 'utilisation'
gives 2 "$roma" sim --shape llama-3.2-3b --toggles; says 'image'

# ---- rtl: ROM contents, written and read again (docs/rom-emission.md; tests/rtl has the words)
for style in array case brom fused; do
    gives 0 "$roma" rtl --rom 0.down --style $style --image t.roma -o rom; prints "style $style"
    gives 0 "$roma" rtl --verify rom --image t.roma; prints "style $style"
    gives 0 "$roma" rtl --verify rom --image t.roma --json; json words devices width ok files
    file=rom/rom.v; [ $style != array ] || file=rom/rom.hex
    awk -v style=$style 'style == "array" ? NR == 6 : style == "case" ? /h005:/ : /h001:/ { n = length($0); c = substr($0, n - 2, 1)
        $0 = substr($0, 1, n - 3) (c == "3" ? "4" : "3") substr($0, n - 1) } { print }' $file >changed
    cmp -s changed $file && bad "$style: nothing was changed"
    cat changed >$file
    gives 1 "$roma" rtl --verify rom --image t.roma; says 'address 0x[4-7] holds'
    gives 1 "$roma" rtl --verify rom --image t.roma --json; prints '"ok":false'; prints '"address":[4-7]'
done
gives 0 "$roma" rtl --rom blk.0.ffn_down.weight:8-15 --chip roma-brom --image t.roma -o rom --json; json words devices width ok files; prints '"style":"brom"'
# --calib: what roma eval finds by other ways, of two windows and of one
float=${model%-q4.gguf}-f32.gguf
for n in 9 160; do
    python3 -c "print('Once upon a time there was a dog. ' * $n, end='')" >calib; ctx='--ctx 512'; [ $n -gt 9 ] || ctx=--all
    gives 0 "$roma" build "$float" --method rtn --bits 3 --calib calib -o c.roma --json; json perplexity_before perplexity_after; cp out made
    for against in "$float" fp32; do
        gives 0 "$roma" eval c.roma -f calib $ctx --against "$against" --json; cp out against.${against##*/}
    done
    cp made out; py "abs(o['perplexity_before'] / json.load(open('against.tiny-f32.gguf'))['perplexity_against'] - 1) < 1e-8"
    py "abs(o['perplexity_after'] / json.load(open('against.fp32'))['perplexity_against'] - 1) < 1e-8 and o['perplexity_before'] != o['perplexity_after']"
done
gives 2 "$roma" build "$float" --quant q8 --calib none.txt -o none.roma; says 'none.txt'
gives 2 "$roma" build "$float" --quant q8 --fit-chip mini -o none.roma; says 'lunit.words is too small'; gives 2 "$roma" build "$float" --quant q8 --fit-chip nine -o none.roma; says 'nine'
[ ! -e none.roma ] || bad "a refused build left an image"
gives 0 "$roma" build "$float" --quant q4 --fit-chip mini -o c.roma; gives 2 "$roma" fit t.roma --isa avx2; says 'the same for each instruction set'
gives 0 "$roma" rtl --chip mini --image t.roma -o whole --json; json words devices width ok files
py "o['files'] == sorted(__import__('os').listdir('whole')) and o['words'] == 32 * json.load(open('whole/manifest.json'))['words']"
rm -r whole
gives 0 "$roma" rtl --rom head:0-7 --image t.roma -o rom; prints 'style case'; gives 0 "$roma" rtl --verify rom --image t.roma
gives 0 "$roma" rtl --rom 1.q@3.1 --style array --image t.roma -o rom; gives 0 "$roma" rtl --verify rom --image t.roma
rm -r rom
gives 2 "$roma" rtl --rom 0.dwn --style array --image t.roma -o rom; says "no tensor '0.dwn', did you mean '0.down'?"
gives 2 "$roma" rtl --rom 0.attn_norm --style array --image t.roma -o rom; says 'is a vector'
gives 2 "$roma" rtl --rom 0.down:5-128 --style array --image t.roma -o rom; says 'has rows 0 to 127'
gives 2 "$roma" rtl --rom 0.down:5 --style array --image t.roma -o rom; says 'TENSOR:FIRST-LAST'
gives 2 "$roma" rtl --rom 0.down@8.0 --image t.roma -o rom; says 'matrix units 0 to 7'
gives 2 "$roma" rtl --rom 0.down --style brum --image t.roma -o rom; says "did you mean 'brom'"
gives 2 "$roma" rtl --rom 0.down --chip rcw-cim --image t.roma -o rom; says 'rom.style = dram'
gives 2 "$roma" rtl --rom 0.down --style array -o rom; says '\-\-image'
gives 2 "$roma" rtl --rom 0.down --style array --image t.roma; says 'DIR is missing'
gives 2 "$roma" rtl --image t.roma -o rom; says 'TENSOR or --verify DIR'
gives 2 "$roma" rtl --rom 0.down --style array --image none.roma -o rom; says 'none.roma'
gives 2 "$roma" rtl --verify rom --image t.roma; says 'rom/manifest.json: there is no such file'
[ ! -e rom ] || bad "rtl left a folder behind a refusal"

# ---- damage: verify says 1, every other verb 2
size=$(wc -c <t.roma)
damage() { cp t.roma d.roma; printf '\377\376\375' | dd of=d.roma bs=1 seek="$1" conv=notrunc 2>/dev/null; }
for at in 70 5000 30000 $((size / 2)) $((size - 20)); do
    damage "$at"
    cmp -s t.roma d.roma && continue
    "$roma" verify d.roma >out 2>err
    code=$?
    checks=$((checks + 1))
    [ $code -eq 1 ] || bad "verify of an image damaged at $at: exit code $code, expected 1: $(cat err)"
done
damage $((size / 2))
"$roma" verify d.roma --json >out 2>err; checks=$((checks + 1))
python3 -c 'import json; assert json.load(open("out"))["ok"] is False' || bad "verify --json of a damaged image"
gives 2 "$roma" run d.roma -p x; gives 2 "$roma" chat d.roma; gives 2 "$roma" inspect d.roma; gives 2 "$roma" plan d.roma
gives 2 "$roma" tokenize d.roma x; gives 2 "$roma" eval d.roma -f "$model"; gives 2 "$roma" bench d.roma
gives 0 "$roma" inspect d.roma --no-verify
for n in 0 1 7 63 64 100 4095 4096 20000 $((size - 1)); do
    head -c "$n" t.roma >d.roma
    gives 2 "$roma" run d.roma -p x --no-verify
done
cat t.roma t.roma >d.roma; gives 2 "$roma" inspect d.roma
gives 2 "$roma" run "$model" -p x; says 'roma build'
gives 2 "$roma" verify zero.gguf
gives 2 "$roma" run /no/such/file -p x; says "there is no such file"

# ---- run
run="$roma run t.roma --raw -t 2"
gives 0 $run -p "Once upon a time" -n 12; prints '[a-z]'; says 'tok/s'
gives 0 $run -p "Once upon a time" -n 12 -q; [ -s err ] && bad "--quiet is not quiet"
gives 0 $run -p "Once upon a time" -n 12 --json --hash
json text ids prompt_tokens prefill_tok_s decode_tok_s ttft_ms image_bytes arena_bytes stop hash
py 'o["stop"] == "length" and len(o["ids"]) == 12'
gives 0 $run -p "Once upon a time" -n 400 --json --ctx 32; py 'o["stop"] in ("context", "eos") and len(o["ids"]) + o["prompt_tokens"] <= 32'
gives 2 $run -f "$roma" --ctx 32; says 'context'
gives 2 $run -p "" ; says 'empty'
printf 'Once upon a time\n' >p.txt
gives 0 $run -f p.txt -n 12 -q; cp out a; gives 0 $run -p "Once upon a time" -n 12 -q
same a out "a prompt from a file is the prompt"
$run -p - -n 12 -q <p.txt >out 2>err; same a out "and from standard input"
gives 0 "$roma" run t.roma -p "What does a cow say?" -n 20; gives 0 "$roma" run t.roma -p "Hi" --system "Be kind." -n 4
gives 2 "$roma" run t.roma -p x --template nope; says 'chatml'
gives 0 "$roma" run t.roma -p x --template llama2 -n 2
gives 2 "$roma" run t.roma -p x --system y --raw
gives 2 "$roma" run t.roma -p x --isa mmx; gives 2 "$roma" run t.roma -p x --ctx 100000
gives 2 "$roma" run t.roma -p x --ctx 512 --sram-mib 1 --jsonl no.jsonl
# a stop text, also one that spans tokens, cuts the text before it
gives 0 $run -p "Once upon a time" -n 60 --json; text=$(python3 -c 'import json; print(json.load(open("out"))["text"])')
stop=$(printf %s "$text" | cut -c 15-19)
gives 0 $run -p "Once upon a time" -n 60 --json --stop "$stop"; py "o['stop'] == 'stop' and '''$stop''' not in o['text'] and len(o['text']) <= 14"
gives 0 $run -p "Once upon a time" -n 60 -q --stop "$stop"; grep -q -F -e "$stop" out && bad "the stop text was streamed"
# sampling: the same seed, the same text; another seed, another text
gives 0 $run -p "One day" -n 30 -q --temp 1 --seed 1; cp out a
gives 0 $run -p "One day" -n 30 -q --temp 1 --seed 1 -t 1; same a out "the same seed gives the same text"
gives 0 $run -p "One day" -n 30 -q --temp 1 --seed 2; cmp -s a out && bad "another seed gives another text"
gives 0 $run -p "One day" -n 8 -q --temp 0.7 --top-k 5 --top-p 0.9 --min-p 0.05 --repeat-penalty 1.1

# ---- batches: what a request answers does not depend on its neighbours
cat >b.jsonl <<'J'
{"prompt":"Once upon a time","raw":true,"n":20}
{"prompt":"Tell me about a dog.","n":30,"temp":0.8,"seed":7,"id":"x"}

{"prompt":"One day a cat","raw":true,"n":40,"stop":[" the"],"id":3}
{"prompt":"Caf\u00e9 \ud83d\ude00","raw":true,"n":10,"temp":1.0,"top_k":5,"repeat_penalty":1.2,"seed":3}
{"prompt":"There once was","raw":true,"n":33,"temp":1,"top_p":0.9,"min_p":0.01,"seed":9}
J
gives 0 "$roma" run t.roma --jsonl b.jsonl --hash; cp out all
for how in '-b 1' '-b 2 -t 1' '-b 3 --rows 3' '-b 5 --rows 7 -t 3' '--isa scalar'; do
    # shellcheck disable=SC2086
    gives 0 "$roma" run t.roma --jsonl b.jsonl --hash $how; same all out "a batch with $how answers otherwise"
done
gives 0 $run -p "Once upon a time" -n 20 --json --hash
checks=$((checks + 1))
python3 -c 'import json; a = json.loads(open("all").readline()); b = json.load(open("out")); assert all(a[k] == b[k] for k in a)' ||
    bad "a request alone answers as in the batch"
bad_line() { printf '%s\n' '{"prompt":"x"}' "$1" >l.jsonl; gives 2 "$roma" run t.roma --jsonl l.jsonl; says '1 of 2 requests failed'; [ "$(wc -l <out)" -eq 2 ] || bad "a bad line is one of two answers"; prints '"error":"l.jsonl: line 2'; }
bad_line '{"prompt":1}'; bad_line '{"promt":"x"}'; prints 'did you mean prompt'; bad_line '{}'; bad_line '{"prompt":"x"'; bad_line '[1]'
bad_line '{"prompt":"\ud800"}'; bad_line '{"prompt":"x","n":0}'; bad_line '{"prompt":"x","n":1.5}'; bad_line '{"prompt":"x","temp":-1}'
bad_line '{"prompt":"x","stop":""}'; bad_line '{"prompt":"x"} y'; bad_line '{"prompt":"x","raw":"yes"}'; bad_line '{"prompt":"x'
: >l.jsonl; gives 2 "$roma" run t.roma --jsonl l.jsonl
python3 -c 'print("{\"prompt\":\"" + "word " * 2000 + "\"}\n{\"prompt\":\"One\",\"raw\":true,\"n\":3}")' >l.jsonl
"$roma" run t.roma --jsonl l.jsonl >out 2>err; [ $? -eq 2 ] || bad "a prompt that does not fit makes the exit code 2"
[ "$(grep -c '"error"' out)" -eq 1 ] && [ "$(wc -l <out)" -eq 2 ] || bad "the others are answered: $(cat out)"

# ---- chat without a terminal
printf 'Tell me a story.\n/stats\nAnd then?\n/stats\n/rest\n/reset\n/system Be brief.\nHi\n/help\n/quit\nnever\n' >c.txt
checks=$((checks + 1))
"$roma" chat t.roma -n 20 <c.txt >out 2>err || bad "chat: $(cat err)"
prints '(0 of them kept)'; prints '([1-9][0-9]* of them kept)'; prints '/system TEXT'; says 'did you mean /reset'
python3 -c 'print("word " * 3000)' | "$roma" chat t.roma >out 2>err; [ $? -eq 2 ] || bad "a question that does not fit"
says 'context'

# ---- tokenize
gives 0 "$roma" tokenize t.roma "Once upon a time"; [ "$(wc -l <out)" -eq 1 ] || bad "ids stand on one line"
cp out a; gives 0 "$roma" tokenize t.roma "Once upon a time" --json; json ids
printf 'Once upon a time' | "$roma" tokenize t.roma - >out; same a out "ids of standard input"
printf 'Once upon a time' >p.txt; gives 0 "$roma" tokenize t.roma -f p.txt; same a out "ids of a file"
printf '\377\376\200abc\300' >p.txt; gives 0 "$roma" tokenize t.roma -f p.txt
: >p.txt; gives 0 "$roma" tokenize t.roma -f p.txt

# ---- eval
python3 -c 'print("Once upon a time there was a dog. The dog was happy. " * 60)' >e.txt
gives 0 "$roma" eval t.roma -f e.txt --ctx 64 --windows 3 --json --hash; json tokens perplexity kl_mean top1 hash
py 'o["tokens"] == 3 * 31 and o["kl_mean"] is None'; cp out a
gives 0 "$roma" eval t.roma -f e.txt --ctx 64 --windows 3 --json --hash -t 1 --rows 5
python3 -c 'import json; a, b = json.load(open("a")), json.load(open("out")); assert a["hash"] == b["hash"] and a["perplexity"] == b["perplexity"]' ||
    bad "eval depends on threads or chunks"
gives 0 "$roma" eval t.roma -f e.txt --ctx 64 --windows 2 --against t.roma --json; py 'abs(o["kl_mean"]) < 1e-9 and o["top1"] == 1'
gives 0 "$roma" eval t.roma -f e.txt --ctx 64 --windows 2 --dump-logits l.bin
[ "$(wc -c <l.bin)" -eq $((2 * 31 * 1024 * 4)) ] || bad "dump-logits has $(wc -c <l.bin) bytes"
printf '\001\000\000\000\002\000\000\000\003\000\000\000' >i.bin
gives 0 "$roma" eval t.roma --ids i.bin --dump-logits l.bin; [ "$(wc -c <l.bin)" -eq $((3 * 1024 * 4)) ] || bad "--ids dumps all positions"
printf '\377\377\000\000' >i.bin; gives 2 "$roma" eval t.roma --ids i.bin; printf abc >i.bin; gives 2 "$roma" eval t.roma --ids i.bin
echo short >s.txt; gives 2 "$roma" eval t.roma -f s.txt; says 'window'
gives 3 "$roma" eval t.roma -f e.txt --ctx 64 --windows 1 --dump-logits no/such/folder

# against FP32: tests/cli/test_tiny.py holds it to PyTorch; here: what is printed, and that nothing depends on threads, chunks or ranks
same_figures() { # FILE: as out, but for the seconds
    checks=$((checks + 1))
    python3 - "$1" <<'P' || bad "$2"
import json, sys
a, b = json.load(open(sys.argv[1])), json.load(open("out"))
a.pop("seconds"), b.pop("seconds")
assert a == b, (a, b)
P
}
fp32="--ctx 40 --windows 5 --against fp32 --json"
gives 0 "$roma" eval t.roma -f e.txt $fp32; json tokens perplexity kl_mean kl_error top1 perplexity_against; cp out a
py 'o["tokens"] == 5 * 19 and 0 < o["kl_mean"] < 1e-3 and o["top1"] > 0.9 and abs(o["perplexity"] / o["perplexity_against"] - 1) < 0.02'
gives 0 "$roma" eval t.roma -f e.txt $fp32 -t 1 --rows 7; same_figures a "--against fp32 depends on threads or chunks"
gives 0 "$roma" eval t.roma -f e.txt --ctx 40 --windows 5 --against fp32; prints 'against fp32: perplexity there'
gives 0 "$roma" eval t.roma -f e.txt --ctx 40 --windows 2 --against fp32 --dump-against l.bin
[ "$(wc -c <l.bin)" -eq $((2 * 19 * 1024 * 4)) ] || bad "dump-against has $(wc -c <l.bin) bytes"
gives 0 "$roma" eval r.roma --ids i40.bin --ctx 20 --windows 1 --against fp32 --json; py '0 < o["kl_mean"] < 0.05 and o["tokens"] == 9'
gives 0 "$roma" eval r.roma --ids i40.bin --ctx 20 --against r.roma --json; py 'abs(o["kl_mean"]) < 1e-9 and o["perplexity"] == o["perplexity_against"]'
gives 2 "$roma" eval t.roma -f e.txt --ctx 40 --against r.roma; says 'vocabulary'
gives 2 "$roma" eval t.roma -f e.txt --ctx 40 --against fp23; says fp23
gives 2 "$roma" eval t.roma -f e.txt --dump-against l.bin; says '--against'
if [ -n "$mpi" ]; then
    ranks() { "$mpirun" -n "$@"; }
    for n in 2 3; do # one rank alone speaks, and mpirun keeps silent
        gives 0 ranks $n "$mpi" eval t.roma -f e.txt $fp32; same_figures a "$n ranks give other figures than one process"
        checks=$((checks + 1)); [ -s err ] && bad "$n ranks: $(cat err)"
    done
    gives 0 ranks 2 "$mpi" eval t.roma -f e.txt --ctx 40 --windows 1 --json; py 'o["tokens"] == 19'
    ranks 2 "$mpi" eval t.roma -f e.txt --hash >out 2>err; [ $? -eq 2 ] || bad "a hash over ranks is refused"
    ranks 2 "$mpi" eval no.roma -f e.txt >out 2>err; [ $? -eq 2 ] || bad "an image that is missing, over ranks"
fi

# ---- bench
gives 2 "$roma" bench t.roma -d -1; gives 2 "$roma" bench t.roma -d 1,x; says '--depth'
gives 2 "$roma" bench t.roma --json --csv -; says 'standard output'
gives 2 "$roma" bench t.roma --seconds 5; says '--stability'; gives 2 "$roma" bench t.roma --stability -b 1,2; says 'one decode'
gives 2 "$roma" bench t.roma --stability --why; says '--why'; gives 2 "$roma" bench t.roma --stability --seconds 0; gives 2 "$roma" bench t.roma --stability -n 0; says 'one decode'
gives 0 "$roma" bench t.roma --stability --seconds 1 -b 2 -n 8 -d 3 --json --csv s.csv; json rows read_gb_s int8_gmac_s stability
checks=$((checks + 1))
python3 - "$roma" <<'P' || bad "bench --stability: see above"
import csv, json, signal, subprocess, sys, time
s = json.load(open("out"))["stability"]
w, rows = s["windows"], list(csv.DictReader(open("s.csv")))
assert not s["interrupted"] and s["batch"] == 2 and s["depth"] == 3 and 1 <= s["seconds"] and 1 <= len(w) <= 12, s
assert sum(x["tokens"] for x in w) == s["tokens"] and s["tokens"] % 2 == 0 and abs(sum(x["seconds"] for x in w) / s["seconds"] - 1) < 0.01, s
assert all(a["start_s"] < b["start_s"] for a, b in zip(w, w[1:])) and [float(r["tokens"]) for r in rows] == [x["tokens"] for x in w]
assert s["slowest_tok_s"] == min(x["tok_s"] for x in w) and s["fastest_tok_s"] == max(x["tok_s"] for x in w)
# a percentile of all lies between those of the parts, and the slowest hundredth is no faster than the mean by more than a bin
assert min(x["p1_tok_s"] for x in w) <= s["p1_tok_s"] <= max(x["p1_tok_s"] for x in w) and 0 < s["p1_tok_s"] <= 1.011 * s["tok_s"], s
assert all(x["steal"] is None or 0 <= x["steal"] <= 1 and 0 <= x["others"] <= 1.01 for x in w), w
def interrupted(*args):
    """Its object; on a busy machine there is nothing to show yet, and it has longer."""
    for seconds in 2, 4, 10, 30, 60:
        p = subprocess.Popen([sys.argv[1], "bench", "t.roma", "--json", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(seconds)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        assert p.returncode == 130, (p.returncode, out, err)
        if out:
            return json.loads(out)
    assert False, err
o = interrupted("--stability")
s = o["stability"]
assert o["interrupted"] and s["interrupted"] and s["wanted_seconds"] == 600 and s["window_seconds"] == 10 and s["tokens"] > 0 and len(s["windows"]) >= 1, s
o = interrupted("-t", "1", "-p", "1", "-n", "1", "-b", ",".join(["512"] * 16), "-d", ",".join(["500"] * 16))   # the first test is over at once, the others take minutes
assert o["interrupted"] and o["rows"], o
P
gives 0 sh -c 'ulimit -v 900000; exec "$0" bench t.roma -p 4 -n 1' "$roma"; checks=$((checks + 1)); grep -q 'there was no memory for the GiB' out || bad "bench without a roof does not say so"
gives 0 "$roma" bench t.roma --stability --seconds 1; checks=$((checks + 1)); grep -q 'decode, batch 1.*1st percentile' out && grep -q ' ####' out || bad "bench --stability shows no plot"
gives 2 "$roma" bench t.roma --why --csv -; says '--why'; gives 2 "$roma" bench t.roma --why -t 1,2; says '--why'
gives 0 "$roma" bench t.roma --why -t 2; checks=$((checks + 1)); grep -q '^kernels  ' out && grep -q '^why      the best' out || bad "bench --why does not say why"
gives 0 "$roma" bench t.roma --why --json --isa scalar; json rows read_gb_s int8_gmac_s cpu isa kernels variant why measured
py 'o["kernels"] == o["isa"] == "scalar" and o["variant"] is None and o["why"] == "only" and all(m["gb_s"] > 0 for m in o["measured"]) and [m["kernels"] for m in o["measured"] if m["chosen"]] == ["scalar"]'
for name in avx2-l1 avx2-l2 avx512-l1 avx512-l2; do # only where this CPU has it
    isa=${name%-*} variant=${name#*-}
    "$roma" bench t.roma --why --json --isa $name >out 2>err || continue
    py "o['isa'] == '$isa' and o['variant'] == '$variant' and o['why'] == 'asked' and sum(m['chosen'] for m in o['measured']) == 1"
done
gives 0 "$roma" bench t.roma -p 8 -n 4 -b 1,2 -d 0,40 -t 1,2 --json --csv b.csv --svg b.svg; json rows read_gb_s int8_gmac_s cpu isa
py 'len(o["rows"]) == 10 and all({"test","tokens","batch","depth","threads","tok_s","gb_s","gmac_s","read_share","int8_share","bytes_per_token"} <= set(r) for r in o["rows"])'
checks=$((checks + 1))
python3 - <<'P' || bad "figures and files of bench: see above"
import csv, json, xml.dom.minidom as x
o = json.load(open("out"))
rows = list(csv.DictReader(open("b.csv")))
assert len(rows) == 10 and [r["test"] for r in rows] == [r["test"] for r in o["rows"]]
assert all(float(r["read_gb_s"]) > 0 for r in rows)
points = [g for g in x.parse("b.svg").getElementsByTagName("g") if g.getAttribute("class") == "point"]
assert len(points) == 10, len(points)
# the tiny model: weights once a step, the head once a prompt, 4 layers x 2 KV heads x (32 codes + a scale) for keys and values
w, c = o["weight_bytes"], o["cache_bytes_per_position"]
by = {(r["test"], r["batch"], r["depth"]): r for r in o["rows"]}
close = lambda a, b: abs(a / b - 1) < 1e-6
assert close(by["decode", 1, 0]["bytes_per_token"], w + c * 2.5), (by, w, c)
assert close(by["decode", 2, 40]["bytes_per_token"], w / 2 + c * 42.5), (by, w, c)
assert close(by["prefill", 1, 0]["bytes_per_token"], (w + c * 8) / 8), (by, w, c)
for r in o["rows"]:
    assert close(r["gb_s"], r["bytes_per_token"] * r["tok_s"] / 1e9)
    # a decode's share compares its best step with the reads beside it
    assert r["read_share"] > 0 if r["test"] == "decode" else close(r["read_share"], r["gb_s"] / o["read_gb_s"]), r
r = by["decode", 1, 0]
assert close(r["gmac_s"], r["tok_s"] * o["weight_mac"] / 1e9) and by["prefill", 1, 0]["gmac_s"] < by["prefill", 1, 0]["tok_s"] * o["weight_mac"] / 1e9
P
gives 0 "$roma" bench t.roma -p 8 -n 0 --csv -; prints '^test,tokens,batch'; gives 0 "$roma" bench t.roma -p 8 -n 2; prints 'of_int8: of'
gives 3 "$roma" bench t.roma -p 8 -n 0 --svg no/such/b.svg
# 0 leaves a part out, as with llama-bench; what is asked of a part that is left out is refused.
gives 0 "$roma" bench t.roma -p 0 -n 2 --json --svg b.svg; json rows; py '[r["test"] for r in o["rows"]] == ["decode"]'
gives 0 "$roma" bench t.roma -p 0,8 -n 0 --json; json rows; py '[r["test"] for r in o["rows"]] == ["prefill"]'
gives 2 "$roma" bench t.roma -p 0 -n 0; says 'nothing is left'; gives 2 "$roma" bench t.roma -p 8 -n 0 -b 2; says '-n 0'; gives 2 "$roma" bench t.roma -n 0 -d 8; says '-n 0'
gives 2 "$roma" bench t.roma --stability -p 8; says 'one decode'; for o in -p -b -d; do gives 2 "$roma" bench t.roma --why $o 8; says '--why'; done
# Where memory is too scarce to measure how fast it is read, there is no share of that: an empty field, null, and never nan.
scarce() { sh -c 'ulimit -v 700000; exec "$@"' sh "$@"; }
gives 0 scarce "$roma" bench t.roma -p 8 -n 4 -t 1 --csv -; prints ',,'; prints '[0-9],0,[0-9]'; grep -q nan out && bad "bench --csv writes nan"
gives 0 scarce "$roma" bench t.roma -p 8 -n 4 -t 1 --json; prints '"read_share":null'

# ---- interrupts and a full disk
python3 - "$roma" <<'P' || bad "SIGINT"
import signal, subprocess, sys, time
# with this seed the answer ends with the context, half a second later; drawn ones end after 40 to 200 tokens
p = subprocess.Popen([sys.argv[1], "run", "t.roma", "--raw", "-p", "One", "-n", "500", "--isa", "scalar", "-t", "1", "--temp", "2", "--seed", "1", "-q"],
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
first = p.stdout.read(1)
p.send_signal(signal.SIGINT)
out, err = p.communicate(timeout=60)
assert p.returncode == 130, (p.returncode, err)
assert first and not err, err
P
checks=$((checks + 1))
if [ -w /dev/full ]; then
    "$roma" inspect t.roma >/dev/full 2>err; [ $? -eq 3 ] || bad "a full disk is exit code 3"
    "$roma" run t.roma -p x --raw -n 3 --json >/dev/full 2>err; [ $? -eq 3 ] || bad "a full disk is exit code 3 in run"
fi

echo "test_cli: $checks checks, $failures failed"
[ $failures -eq 0 ]
