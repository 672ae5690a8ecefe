#!/usr/bin/env python3
"""usage: test_terminal.py ROMA

What a person at a terminal of 80 columns sees: pages and tables fit, or go on below by rule, with no word lost; `run` ends with one line; limits
are told with what works; names that are nearly right are proposed, and only what exists. Needs Python alone.
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios

from shared import ROMA, TINY, TOP, check, finish, own_folder

VERBS = re.findall(r"^  ([a-z-]+)  ", subprocess.run([ROMA, "--help"], stdout=subprocess.PIPE, text=True).stdout, re.M)
PAGES = [["help"], *(["help", v] for v in VERBS), ["inspect", "i.roma"], ["inspect", "a.lora"], ["inspect", "m.gguf"], ["plan", "i.roma"],
         ["plan", "i.roma", "--place"], ["plan", "--shape", "llama-3.2-3b", "--threads", "2"], ["plan", "--shape", "llama-3.2-3b", "--place"],
         ["verify", "i.roma"], ["eval", "i.roma", "-f", "text", "--ctx", "16", "--against", "fp32"], ["fit", "--shape", "llama-3.2-3b"],
         ["sim", "--shape", "llama-3.2-3b"], ["sim", "--shape", "llama-3.2-3b", "--chip", "roma-contract", "--chips", "2"], ["chip"], ["chip", "--list"],
         ["sim", "--shape", "llama-3.2-1b", "--mc", "50"], ["compare", "roma", "mini", "--shape", "llama-3.2-1b", "--mc", "50"], ["chip", "mini", "--all"], ["paper"], ["explore", "--shape", "llama-3.2-1b", "-n", "40"], ["adapter", "diff", "a.lora", "a.lora"]]
TABLES = [["paper"], ["bench", "i.roma", "-n", "4", "-p", "4", "-b", "1,2", "-t", "1,2"]]  # the same 80 columns for a pipe


def seen(args, columns=80):
    """What a terminal of so many columns gets."""
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execv(ROMA, [ROMA, *args])
    out = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:
            break
        if not more:
            break
        out += more
    os.close(fd)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, re.sub(r".*\r\x1b\[K", "", out.decode().replace("\r\n", "\n"))


def words(text):
    return [w for w in text.split() if set(w) != {"-"}]


def test_width():
    for args in PAGES:
        what = "roma " + " ".join(args)
        for columns in (40, 80, 100):
            code, page = seen(args, columns)
            wide = [line for line in page.splitlines() if len(line) > columns and " " in line.strip()]
            check(code == 0 and not wide, "%s on %d columns: exit code %d, %d wide lines, such as %r" % (what, columns, code, len(wide), wide[:1]))
        piped = subprocess.run([ROMA, *args], capture_output=True, text=True).stdout
        check(words(seen(args)[1]) == words(piped), what + ": a narrow terminal loses words")
    for args in TABLES:
        wide = [line for line in subprocess.run([ROMA, *args], stdout=subprocess.PIPE, text=True).stdout.splitlines() if re.match("  [^ ]+  ", line) and len(line) > 80]
        check(args == ["paper"] or not wide, "roma %s: %r" % (" ".join(args), wide[:1]))
    code, page = seen(["sim", "--shape", "llama-3.2-3b", "--json"])
    check(json.loads(page)["tok_s"] > 0 and page.count("\n") == 1, "JSON on a terminal is broken into lines")


def test_bench():
    """One bandwidth and one share, which agree with the best read that is named below."""
    page = subprocess.run([ROMA, "bench", "i.roma", "-n", "16", "-p", "16", "-t", "1"], stdout=subprocess.PIPE, text=True).stdout
    head, rows = page.splitlines()[0].split(), [line.split() for line in page.splitlines()[3:5]]
    best = float(re.search(r"of ([0-9.]+) GB/s", page)[1])
    for row in rows:
        r = dict(zip(head, row))
        check(abs(float(r["of_read"]) - 100 * float(r["gb_s"]) / best) < 0.05 * 100 * float(r["gb_s"]) / best + 0.6, "bench: %s GB/s of %s are not %s %%" % (r["gb_s"], best, r["of_read"]))
    for name in head[2:]:
        check(re.search(r"^  .*\b%s\b" % re.escape(name), page.split("\n\n")[-1], re.M) or name in ("test", "tokens"), "bench does not explain " + name)


def run(*args):
    r = subprocess.run([ROMA, "run", "i.roma", "-p", "Tell me a story about a dog.", "-t", "1", *args], capture_output=True, text=True)
    return r.returncode, r.stdout, r.stderr


def test_run():
    for args, end in (((), "(eos)"), (("-n", "5"), "(cut by -n 5)"), (("--ctx", "30"), "(context of 30 full)"), (("--temp", "1", "--seed", "4294967295"), "; seed 4294967295")):  # the longest seed that `run` draws itself
        code, _, err = run(*args)
        check(code == 0 and err.count("\n") == 1 and end in err and len(err) <= 81, "run %s ends with: %s" % (args, err))
    for args in (("-n", "5"), ("--ctx", "30")):
        code, out, err = run(*args, "-q")
        check(code == 0 and not err, "run -q %s: %s" % (args, err))
        check(json.loads(run(*args, "--json")[1])["stop"] == ("length" if "-n" in args else "context"), "JSON's stop")
    for args in (("--chip", "roma"), ("--verbose",), ("-v",)):
        err = run("-n", "5", *args)[2]
        check("the chip roma: " in err and "it would do it at" in err, "run %s: %s" % (args, err))
    check("chip" not in run("-n", "5")[2], "the chip is told unasked")


def test_requests():
    """A terminal that sees many answers sees one line of figures behind them, and none with -q."""
    with open("l.jsonl", "w") as f:
        f.write('{"prompt":"One","raw":true,"n":2}\n{"prompt":"Two","raw":true,"n":3}\n')
    for quiet in ([], ["-q"]):
        code, said = seen(["run", "i.roma", "--jsonl", "l.jsonl", *quiet])
        lines = said.splitlines()
        figures = [l for l in lines if re.fullmatch(r"2 requests, 5 tokens, [\d.]+ tok/s; prompts 3 tokens", l)]
        check(code == 0 and len(lines) == 3 - len(quiet) and len(figures) == 1 - len(quiet), "run --jsonl %s on a terminal: %s" % (quiet, said))


def test_sram():
    """--sram-mib says what it leaves; too little is refused with the least that works, and that works."""
    err = run("-n", "3", "--sram-mib", "2")[2]
    check(re.match(r"SRAM of 2 MiB leaves \d+ tokens of context\n", err), "--sram-mib: " + err)
    subprocess.run([ROMA, "build", "--shape", "layers=4,hidden=512,heads=8,kv=8,head=64,ffn=1024,vocab=512", "--random", "1", "-o", "big.roma"], stdout=subprocess.DEVNULL, check=True)
    tries = lambda mib: subprocess.run([ROMA, "eval", "big.roma", "--ids", "ids", "--ctx", "32", "--sram-mib", str(mib)], capture_output=True, text=True)
    said = tries(1)
    least = re.search(r"(\d+) MiB is the least, for 32 tokens", said.stderr)
    check(said.returncode == 2 and least is not None, "too little SRAM: " + said.stderr)
    if least:
        check(tries(int(least[1])).returncode == 0 and tries(int(least[1]) - 1).returncode == 2, "%s MiB is not the least" % least[1])


def test_near():
    for args, want in ((["inspct", "x"], "'inspect'"), (["adapter", "insepct", "a.lora"], "inspect"), (["adapter", "mrege"], "merge"),
                       (["run", "i.roma", "-p", "x", "--isa", "avx51"], "avx512"), (["plan", "--shape", "llama-3.2-2b"], "llama-3.2-"), (["chip", "rom"], "roma"),
                       (["run", "i.roma", "-p", "x", "--template", "chatm"], "chatml"), (["build", "m.gguf", "-o", "o", "--quant", "q9"], "q8")):
        r = subprocess.run([ROMA, *args], capture_output=True, text=True)
        check(r.returncode == 2 and r.stderr.count("\n") == 1 and want in r.stderr, "roma %s: %s" % (" ".join(args), r.stderr))
    r = subprocess.run([ROMA, "run", "i.roma", "Hello there"], capture_output=True, text=True)
    check(r.returncode == 2 and r.stderr.count("\n") == 1 and "behind -p" in r.stderr, "a prompt without -p: " + r.stderr)
    for args in (["zzzzzz"], ["adapter", "zzzzzz"], ["run", "i.roma", "--zzzzzz"]):
        r = subprocess.run([ROMA, *args], capture_output=True, text=True)
        check(r.returncode == 2 and "did you mean" not in r.stderr, "roma %s: %s" % (" ".join(args), r.stderr))


def names_of(page, *groups):
    """First words of the indented lines of a page's part behind a heading, up to a blank line."""
    found = []
    for g in groups:
        part = re.search(r"(?:^|\n)%s\n((?:  .*\n)+)" % re.escape(g), page)
        found += [line.split()[0] for line in part[1].splitlines() if line[2] != " "] if part else []
    return found


def test_names():
    """Each name of a row or a column is explained below, and nothing else is."""
    for args in (["sim", "--shape", "llama-3.2-3b"], ["chip"], ["chip", "mini"]):
        page = subprocess.run([ROMA, *args], capture_output=True, text=True).stdout
        rows = names_of(page, "time", "energy", "power", "area", "fit", "cost")
        check(len(rows) > 10 and rows == names_of(page, "names"), "roma %s explains %s" % (" ".join(args), names_of(page, "names")))
    page = subprocess.run([ROMA, "fit", "--shape", "llama-3.2-3b"], capture_output=True, text=True).stdout
    head = [line.split() for line in page.splitlines() if "tokens_paper" in line][0]
    told = names_of("\nbelow\n" + page.split("\n\n")[-1], "below")
    check(told and set(told) == set(head) - {"adapters", "rank"}, "roma fit explains %s of %s" % (told, head))
    page = subprocess.run([ROMA, "paper"], capture_output=True, text=True).stdout
    kinds = {row["kind"] for row in json.loads(subprocess.run([ROMA, "paper", "--json"], stdout=subprocess.PIPE).stdout)["rows"]}
    told = page.split("\nremarks\n")[0].split("\n\n")[-1]
    for name in {"id", "diff", "kind", "holds"} | kinds:
        check(re.search(r"^ +%s  " % name, told, re.M), "roma paper does not explain " + name)
    page = subprocess.run([ROMA, "explore", "--shape", "llama-3.2-1b", "-n", "40"], capture_output=True, text=True).stdout
    for name in ("tok_s", "area_mm2", "mj_per_token", "usd", "knee"):
        check(re.search(r"^  %s  +[a-z]" % name, page.split("knob")[0].split("\n\n", 4)[-1], re.M), "roma explore does not explain " + name)


def test_units():
    """Sizes have powers of 1024, KiB to GiB; rates, GB/s, powers of ten. `paper` has the papers' own, and says so."""
    more = [["build", "m.gguf", "-o", "again.roma"], ["adapter", "build", "--random", "2", "--rank", "4", "--base", "i.roma", "-o", "b.lora"], ["run", "i.roma", "-p", "x", "-n", "2", "-v"],
            ["run", "i.roma", "-p", "x", "-n", "2", "--sram-mib", "2"], ["fit", "i.roma"], ["sim", "i.roma"], ["chat", "--help"], ["cosim", "--help"], ["rtl", "--help"],
            ["run", "i.roma", "-p", "x", "--sram-mib", "1", "--ctx", "512"], ["eval", "i.roma", "-f", "text", "--ctx", "16", "--sram-mib", "1"]]
    binary = 0
    for args in PAGES + TABLES + more:
        if args[0] == "paper":
            continue
        r = subprocess.run([ROMA, *args], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        wrong = re.findall(r".*\b[kKMGT]B\b(?!/).*", r.stdout + r.stderr)
        check(not wrong, "roma %s: %r" % (" ".join(args), wrong[:1]))
        binary += len(re.findall(r"\b[KMG]iB\b", r.stdout + r.stderr))
    check(binary > 20, "%d sizes in KiB, MiB or GiB" % binary)
    sim = json.loads(subprocess.run([ROMA, "sim", "--shape", "llama-3.2-3b", "--json"], stdout=subprocess.PIPE).stdout)
    page = subprocess.run([ROMA, "sim", "--shape", "llama-3.2-3b"], stdout=subprocess.PIPE, text=True).stdout
    check(re.search(r"sram_bytes +288 MiB", page) and sim["fit.sram_bytes"]["value"] == 288 << 20, "288 MiB of SRAM")


def test_amiss():
    """A value, or an end of its range, that no chip can have is said in words in its row."""
    def row(name, *args):
        page = subprocess.run([ROMA, "sim", "--shape", "llama-3.2-3b", *args], capture_output=True, text=True).stdout
        return re.search(r"^  %s .*" % name, page, re.M)[0]
    check("the upper end cannot work: too hot to last" in row("junction_c"), row("junction_c"))
    check("cannot" not in row("junction_c", "--set", "power.thermal_resistance=0.1"), "a cool chip: " + row("junction_c", "--set", "power.thermal_resistance=0.1"))
    check("this cannot work: too hot" in row("junction_c", "--set", "clock.frequency=3e9"), row("junction_c", "--set", "clock.frequency=3e9"))
    check("this cannot work: larger than scanners print" in row("area_mm2", "--set", "hunit.sram=9437184"), row("area_mm2", "--set", "hunit.sram=9437184"))
    check("this cannot work: does not fit" in row("fits_rom", "--bits", "8"), row("fits_rom", "--bits", "8"))
    check("this cannot work: does not fit" in row("fits_sram", "--context", "100000"), row("fits_sram", "--context", "100000"))
    check("cannot" not in row("area_mm2") + row("fits_rom") + row("tokens"), "a chip that is right")
    for args in (["chip"], ["explore", "--shape", "llama-3.2-3b", "-n", "40"]):
        page = subprocess.run([ROMA, *args], capture_output=True, text=True).stdout
        check("cannot work" in page, "roma %s says nothing of an end that is too hot" % " ".join(args))
    sim = json.loads(subprocess.run([ROMA, "sim", "--shape", "llama-3.2-3b", "--json"], stdout=subprocess.PIPE).stdout)
    check([k for k in sim if isinstance(sim[k], dict) and "amiss" in sim[k]] == ["power.junction_c"], "what JSON calls amiss")


def test_nothing_done():
    r = subprocess.run([ROMA, "build", "m.gguf", "--quant", "q8", "-o", "q.roma"], capture_output=True, text=True)
    check(r.returncode == 0 and "no matrix in floating point" in r.stderr, "--quant with nothing to do: " + r.stderr)
    plain = subprocess.run([ROMA, "build", "m.gguf", "-o", "p.roma"], capture_output=True, text=True)
    check("floating point" not in plain.stderr, "without --quant: " + plain.stderr)


def main():
    with own_folder():
        os.symlink(TINY, "m.gguf")
        subprocess.run([ROMA, "build", TINY, "-o", "i.roma"], stdout=subprocess.DEVNULL, check=True)
        subprocess.run([ROMA, "adapter", "build", "--random", "1", "--rank", "4", "--base", "i.roma", "-o", "a.lora"], stdout=subprocess.DEVNULL, check=True)
        with open("text", "w") as f:
            f.write("Once upon a time there was a dog. " * 9)
        with open("ids", "wb") as f:
            f.write(struct.pack("<1200i", *(i % 500 for i in range(1200))))
        for test in (test_width, test_bench, test_run, test_requests, test_sram, test_names, test_units, test_amiss, test_near, test_nothing_done):
            test()
    finish()


main()
