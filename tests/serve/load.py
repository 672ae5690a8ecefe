#!/usr/bin/env python3
"""The server under load, figure by figure, each with its n: streams that equal their offline runs, control routes, overload, slow
readers, those who leave, adapters that come and go, bodies with bytes changed, memory over time, ends. Standard library only.
usage: load.py ROMA [--seconds 60] [--streams 64] [--adapters 16] [--soak MINUTES]"""
import argparse
import concurrent.futures
import http.client
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
parser = argparse.ArgumentParser()
parser.add_argument("roma")
for name, usual in (("seconds", 60), ("streams", 64), ("adapters", 16), ("soak", 0), ("aborts", 200), ("swaps", 500), ("bodies", 10000), ("slow", 100)):
    parser.add_argument("--" + name, type=int, default=usual)
o = parser.parse_args()
ROMA = os.path.abspath(o.roma)
bad = 0


def say(figure, ok, text):
    global bad
    bad += not ok
    print(f"{figure:4} {'ok  ' if ok else 'FAIL'} {text}", flush=True)


def run(*args):
    return subprocess.run([ROMA, *map(str, args)], check=True, capture_output=True, text=True).stdout


class Server:
    def __init__(self, *args):
        self.p = subprocess.Popen([ROMA, "serve", "tiny.roma", *map(str, args), "--port", "0"], stdout=subprocess.PIPE, text=True)
        line = ""
        while "listening" not in line:
            line = self.p.stdout.readline()
            assert line, "the server did not start"
        self.port = int(re.search(r":(\d+)( |,|$)", line).group(1))

    def ask(self, method, path, body=None, timeout=60, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request(method, path, body if isinstance(body, (bytes, type(None))) else json.dumps(body), headers)
            r = c.getresponse()
            return r.status, r.read()
        finally:
            c.close()

    def metric(self, name):
        return float(re.search(rf"^roma_{name} (\S+)$", self.ask("GET", "/metrics")[1].decode(), re.M).group(1))

    def idle(self):
        for _ in range(400):
            if self.metric("slots_used") == 0:
                return True
            time.sleep(0.05)
        return False

    def stream(self, body):
        """Text, ids, and whether the stream came to its end."""
        status, text = self.ask("POST", "/v1/chat/completions", body | {"stream": True, "return_token_ids": True})
        if status != 200:
            return status, text, False
        data = [e[6:] for e in text.decode().split("\n\n") if e.startswith("data: ")]
        parts = [json.loads(d)["choices"][0] for d in data[:-1]]
        return "".join(p["delta"].get("content", "") for p in parts), sum((p["token_ids"] for p in parts), []), data[-1] == "[DONE]"

    def rss(self):
        return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{self.p.pid}/status").read()).group(1))

    def fds(self):
        return len(os.listdir(f"/proc/{self.p.pid}/fd"))

    def slow(self, body):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(60)
        s.connect(("127.0.0.1", self.port))
        data = json.dumps(body | {"stream": True}).encode()
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        return s


LONG = {"messages": [{"role": "user", "content": "Go on."}], "max_tokens": 480, "logit_bias": {"0": -100, "1": -100, "2": -100}, "logprobs": True, "top_logprobs": 20}


def make_kinds(names):
    """Requests over all adapters and settings, and what each answers offline."""
    kinds = [dict(model=m, q=f"Tell me about number {i}.", temp=t, n=8 + 7 * i) for m in names for i in range(4) for t in (0, 0.9)]
    with open("kinds.jsonl", "w") as f:
        for k in kinds:
            lora = [] if k["model"] == "tiny" else [k["model"] + ".lora.roma"]
            f.write(json.dumps({"messages": [{"role": "user", "content": k["q"]}], "n": k["n"], "temp": k["temp"], "seed": 5, "lora": lora}) + "\n")
    for k, line in zip(kinds, run("run", "tiny.roma", "--jsonl", "kinds.jsonl").splitlines()):
        a = json.loads(line)
        k["want"] = (a["text"], a["ids"], True)
        k["body"] = {"model": k["model"], "messages": [{"role": "user", "content": k["q"]}], "max_tokens": k["n"], "temperature": k["temp"], "seed": 5}
    return kinds


def worker(port, kinds, seconds, seed, out):
    """One process of clients: counts streams, wrong ones, and refusals."""
    s = object.__new__(Server)
    s.port = port
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    streams = wrong = refused = 0
    while time.monotonic() < end:
        k = rng.choice(kinds)
        got = s.stream(k["body"])
        if got[0] in (429, 503):
            refused += 1
            time.sleep(0.05)
            continue
        streams += 1
        wrong += got != k["want"]
    out.put((streams, wrong, refused))


def clients(s, kinds, seconds, n):
    """n clients at once for so long, in processes so that they do not wait for each other."""
    out = multiprocessing.Queue()
    all_ = [multiprocessing.Process(target=worker, args=(s.port, kinds, seconds, i, out)) for i in range(n)]
    for p in all_:
        p.start()
    return out, all_


def gather(out, all_):
    got = [out.get() for _ in all_]
    for p in all_:
        p.join()
    return [sum(x) for x in zip(*got)]


def probe(port, seconds, out):
    s = object.__new__(Server)
    s.port = port
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        status, text = s.ask("GET", "/health")
        took.append(time.perf_counter() - began)
        assert status == 200 and "decode" in json.loads(text)
        time.sleep(0.01)
    out.put(sorted(took))


def f19_f20(s, kinds):
    health = multiprocessing.Queue()
    p = multiprocessing.Process(target=probe, args=(s.port, o.seconds, health))
    p.start()
    streams, wrong, refused = gather(*clients(s, kinds, o.seconds, o.streams))
    took = health.get()
    p.join()
    say("F19", streams > o.streams and not wrong, f"{o.streams} clients, {o.adapters} adapters, {o.seconds} s: {streams} streams, {wrong} differ from their offline run ({refused} times 429)")
    say("F20", took[int(len(took) * 0.99)] <= 0.05, f"/health meanwhile: p50 {1e3 * took[len(took) // 2]:.1f} ms, p99 {1e3 * took[int(len(took) * 0.99)]:.1f} ms, n {len(took)}")


def f21(s, kinds):
    """Connections beyond those that are taken, beside streams that go on."""
    out, all_ = clients(s, kinds, 6, 4)
    time.sleep(0.5)
    held = []
    took = []
    refused = 0
    for _ in range(1200):
        c = socket.socket()
        c.settimeout(5)
        began = time.perf_counter()
        try:
            c.connect(("127.0.0.1", s.port))
            held.append(c)
        except OSError:
            break
    for c in held:
        began = time.perf_counter()
        try:
            c.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            text = c.recv(4096)
        except OSError:
            text = b""
        took.append(time.perf_counter() - began)
        refused += text.startswith(b"HTTP/1.1 503") and b"Retry-After" in text or text == b""
    for c in held:
        c.close()
    streams, wrong, _ = gather(out, all_)
    took.sort()
    say("F21", refused > 0 and streams > 0 and not wrong and took[-1] <= 1, f"{len(held)} connections, {refused} of them refused, answers within {1e3 * took[-1]:.0f} ms; {streams} streams beside, {wrong} wrong")


def f22(s, kinds):
    """Those who never read."""
    def rate():
        before = s.metric("answer_tokens_total")
        began = time.monotonic()
        gather(*clients(s, kinds, 5, 4))
        return (s.metric("answer_tokens_total") - before) / (time.monotonic() - began)
    rate()
    free, rss = rate(), s.rss()
    socks = [s.slow(LONG | {"seed": i, "temperature": 1.0}) for i in range(o.slow)]
    for _ in range(500):
        if s.metric("held") >= o.slow:
            break
        time.sleep(0.05)
    held = s.metric("held")
    each = (s.rss() - rss) / o.slow
    beside = rate()
    began = time.monotonic()
    while s.metric("held") and time.monotonic() - began < 45:
        time.sleep(0.5)
    waited = time.monotonic() - began
    closed = s.metric("http_timeouts_total")
    for c in socks:
        c.close()
    say("F22", held == o.slow and each <= 48 and beside >= 0.75 * free and s.idle(), f"{o.slow} that never read: {held:.0f} held, {each:.1f} KiB each; others {100 * beside / free:.0f} % of {free:.0f} tokens/s (two cores, clients on the same); {closed:.0f} closed, the last after {waited + 5:.0f} s")


def f23(s):
    rng = random.Random(3)
    for _ in range(o.aborts):
        c = s.slow(LONG | {"n": rng.choice((1, 1, 3)), "model": rng.choice(("tiny", "a0", "a1"))})
        time.sleep(rng.random() * 0.05)
        if rng.random() < 0.5:
            c.recv(1000)
        c.close()
    began = time.monotonic()
    idle = s.idle()
    say("F23", idle, f"{o.aborts} clients that left at any moment: all places free after {time.monotonic() - began:.2f} s, running {s.metric('running'):.0f}, held {s.metric('held'):.0f}")


def f24_f30(s, kinds):
    """An adapter that comes and goes beside 16 streams; and a damaged one, that changes nothing."""
    broken = open("folder/swap.lora.roma", "rb").read()
    n = swaps = refused = 0
    stop = threading.Event()

    def swap():
        nonlocal swaps, refused
        while not stop.is_set() and swaps < o.swaps:
            status, _ = s.ask("POST", "/v1/adapters", {"id": "swap"})
            got = s.stream({"model": "swap", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4})
            gone, _ = s.ask("DELETE", "/v1/adapters/swap")
            refused += status != 200 or gone != 200 or got[1] != want
            swaps += 1
    with open("one.jsonl", "w") as f:
        f.write(json.dumps({"messages": [{"role": "user", "content": "Hello"}], "n": 4, "lora": ["folder/swap.lora.roma"]}) + "\n")
    want = json.loads(run("run", "tiny.roma", "--jsonl", "one.jsonl"))["ids"]
    began = time.monotonic()
    t = threading.Thread(target=swap)
    t.start()
    streams = wrong = 0
    while t.is_alive() and time.monotonic() - began < 300:
        got = gather(*clients(s, kinds, 5, 16))
        streams, wrong = streams + got[0], wrong + got[1]
    stop.set()
    t.join()
    say("F24", swaps >= o.swaps and not wrong and not refused, f"{swaps} swaps under 16 clients in {time.monotonic() - began:.0f} s: {refused} of them failed or answered wrong; {streams} streams, {wrong} wrong")
    rng = random.Random(4)
    for i in range(50):
        at = rng.randrange(len(broken))
        with open("folder/bad.lora.roma", "wb") as f:
            f.write(broken[:at] + bytes([broken[at] ^ 1 << rng.randrange(8)]) + broken[at + 1:] if i % 5 else broken[:at])
        status, text = s.ask("POST", "/v1/adapters", {"id": "bad"})
        n += status != 400
    k = kinds[0]
    say("F30", not n and s.stream(k["body"]) == k["want"], f"50 damaged adapters: {n} were taken; the next answer is as before")


def f31(s):
    """Bodies with bytes changed."""
    good = [("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "stop": ["x"], "n": 2, "stream": True}),
            ("/v1/completions", {"prompt": ["a", [5, 6]], "max_tokens": 2, "logprobs": 2}), ("/v1/embeddings", {"input": ["a", "b"]}),
            ("/v1/responses", {"input": [{"role": "user", "content": "a"}], "max_output_tokens": 2}),
            ("/api/chat", {"model": "tiny", "messages": [{"role": "user", "content": "a"}], "options": {"num_predict": 2}}), ("/v1/adapters", {"id": "none"})]
    statuses = {}

    def some(seed):
        rng = random.Random(seed)
        c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
        got = {}
        for _ in range(o.bodies // 8):
            path, body = rng.choice(good)
            text = bytearray(json.dumps(body).encode())
            for _ in range(rng.randrange(4)):
                at = rng.randrange(len(text))
                text[at:at + rng.randrange(3)] = bytes([rng.choice(b'"{}[]:,0-9e.\\u\x00\xff') if rng.random() < 0.7 else rng.randrange(256)]) * rng.randrange(3)
            c.request("POST", path, bytes(text))
            r = c.getresponse()
            r.read()
            got[r.status] = got.get(r.status, 0) + 1
        c.close()
        return got
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for got in pool.map(some, range(8)):
            for k, v in got.items():
                statuses[k] = statuses.get(k, 0) + v
    say("F31", all(k == 200 or 400 <= k < 500 for k in statuses) and s.ask("GET", "/health")[0] == 200, f"{sum(statuses.values())} changed bodies: {dict(sorted(statuses.items()))}")


def f32(s):
    places = set()
    for table in ("tcp", "tcp6"):
        for line in open(f"/proc/net/{table}").read().splitlines()[1:]:
            f = line.split()
            if f[3] == "0A" and int(f[1].split(":")[1], 16) == s.port:
                places.add(f[1].split(":")[0])
    foreign = [s.ask("GET", "/v1/models", **h)[0] for h in ({"Host": "evil.example"}, {"Host": f"evil.example:{s.port}"}, {"Origin": "https://evil.example"}, {"Origin": "null"})]
    names = ["../a0", "..%2fa0", "/etc/passwd", "a/../b", ".", "..", "%2e%2e", "a\\b", "C:x", "~", "$HOME", "a0.lora.roma/..", "link", "x" * 300, "", " ", "a b", "\n", "é"]
    taken = [n for n in names if s.ask("POST", "/v1/adapters", {"id": n})[0] != 400]
    taken += [n for n in ("/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/models/../../etc/passwd", "/v1/adapters/..%2f..%2fetc%2fpasswd", "/..%00/", "/v1/models/%00") if s.ask("GET", n)[0] not in (400, 404, 405)]
    say("F32", places == {"0100007F", "00000000000000000000000001000000"} and set(foreign) == {403} and not taken, f"bound to {len(places)} loopback addresses; foreign Host or Origin {set(foreign)}; {len(names) + 6} traversals, taken {taken}")


def f28(s, kinds, seconds):
    gather(*clients(s, kinds, 10, 8))
    s.idle()
    first, fds, requests = s.rss(), s.fds(), s.metric("requests_total")
    streams, wrong, _ = gather(*clients(s, kinds, seconds, 8))
    s.idle()
    time.sleep(1)
    say("F28", s.rss() - first <= 64 and s.fds() == fds and not wrong, f"{seconds} s, {s.metric('requests_total') - requests:.0f} requests after warm-up: RSS {first} -> {s.rss()} KiB, descriptors {fds} -> {s.fds()}, {wrong} of {streams} streams wrong")


def f29():
    took = []
    rng = random.Random(5)
    for i in range(10):
        s = Server("--threads", 2)
        socks = [s.slow(LONG | {"n": 2}) for _ in range(4)]
        time.sleep(rng.random() * 0.3)
        began = time.monotonic()
        s.p.send_signal(signal.SIGTERM if i % 2 else signal.SIGINT)
        ends = []
        for c in socks:
            text = b""
            try:
                while more := c.recv(65536):
                    text += more
            except OSError:
                pass
            ends.append(text.endswith(b"0\r\n\r\n") or b"503" in text[:20] or not text)
        code = s.p.wait(10)
        took.append(time.monotonic() - began if code == 0 and all(ends) else 99)
    say("F29", max(took) <= 2, f"10 signals at any moment: ended within {max(took):.2f} s, each stream by a last event, exit code 0")


def main():
    run("build", TOP + "/models/tiny/tiny-q4.gguf", "-o", "tiny.roma")
    os.mkdir("folder")
    names = [f"a{i}" for i in range(o.adapters)]
    for i, name in enumerate([*names, "folder/swap"]):
        run("adapter", "build", "--random", i + 1, "--rank", 8, "--base", "tiny.roma", "-o", name + ".lora.roma")
    os.symlink(os.path.abspath("a0.lora.roma"), "folder/link.lora.roma")
    kinds = make_kinds(["tiny", *names])
    s = Server(*sum((["--lora", f"{n}={n}.lora.roma"] for n in names), []), "--lora-dir", "folder", "--parallel", o.streams, "--queue", 256, "--adapters", o.adapters + 1)
    f19_f20(s, kinds)
    f21(s, kinds)
    f22(s, kinds)
    f23(s)
    f24_f30(s, kinds)
    f31(s)
    f32(s)
    if o.soak:
        f28(s, kinds, 60 * o.soak)
    outside = s.metric("heap_outside_total")
    say("F26", outside == 0, f"{outside:.0f} calls to the system's allocator since the start, over {s.metric('requests_total'):.0f} requests; at most {s.metric('heap_most_bytes') / 1048576:.1f} MiB of the heap")
    s.p.terminate()
    say("F29", s.p.wait(10) == 0, "ends with 0")
    f29()


work = tempfile.mkdtemp(prefix="roma-load-")
os.chdir(work)
try:
    main()
finally:
    os.chdir("/")
    shutil.rmtree(work)
raise SystemExit(bad > 0)
