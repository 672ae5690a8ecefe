#!/usr/bin/env python3
"""usage: tests/serve/check_chip.py ROMA

/v1/chip of a real server beside `roma sim` of the same model, chip and context: figures, a token's step instance by instance, totals, pages and adapters,
before, during and after requests; an answer whose reader left counts too. And the page's files over HTTP: without a key, with ETag, HEAD, and what is none.
"""
import csv
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

ENDLESS = {"0": -100, "1": -100, "2": -100}  # no token ends an answer
count = 0


def check(condition, words):
    global count
    count += 1
    if not condition: raise SystemExit("check_chip: " + words)


def run(*words):
    return subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True).stdout


class Server:
    def __init__(self, roma, image, *options):
        self.child = subprocess.Popen([roma, "serve", image, "--port", "0", "-t", "1", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.child.stdout:
            if "http://" in line: break
        else:
            raise SystemExit("check_chip: the server does not say where it listens")
        self.port = int(line[line.find("http://"):].split()[0].rpartition(":")[2])

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request(method, path, json.dumps(body) if body else None, headers)
        r = c.getresponse()
        return r, r.read()

    def get(self, path, status=200):
        r, data = self.ask("GET", path)
        check(r.status == status, "%s: %d, %s" % (path, r.status, data[:200]))
        return json.loads(data)

    def chat(self, model, text, tokens, **more):
        body = {"model": model, "messages": [{"role": "user", "content": text}], "temperature": 0, "max_completion_tokens": tokens, **more}
        r, data = self.ask("POST", "/v1/chat/completions", body)
        check(r.status == 200, "a chat: %d, %s" % (r.status, data[:200]))
        return json.loads(data)["usage"]

    def end(self):
        self.child.terminate()
        self.child.wait(20)


def same_as_sim(roma, image, chip, r, words, *more):
    """The figures of /v1/chip are those of `roma sim`, digit for digit as it prints them."""
    at = r["at"]
    options = ["--context", at["context"], "--batch", at["batch"], "--rank", at["rank"], "--prompt", at["prompt"], *more]
    if at["rank"]: options += ["--adapters", at["adapters"], "--stacked", at["stacked"]]
    sim = json.loads(run(roma, "sim", image, "--chip", chip, "--json", "--no-ranges", *options))
    for key in ("cycles", "tok_s", "ttft_ms", "mj_per_token", "power_w"):
        check(at[key] == sim[key], "%s: %s is %s, of roma sim %s" % (words, key, at[key], sim[key]))
    check(r["figures"]["area_mm2"] == sim["area_mm2"] and r["figures"]["capacity_tokens"] == sim["capacity_tokens"], words + ": another chip")
    for u, key in zip(r["units"], ("lunit", "hunit", "vector")):
        want = sim["time.use_" + key]["value"]
        check(abs(u["utilisation"] - want) <= 1e-8 * max(1, want), "%s: %s at work %s, of roma sim %s" % (words, u["name"], u["utilisation"], want))
    return sim


def same_step(roma, image, chip, server, folder, context, rank):
    path = os.path.join(folder, "instances.csv")
    step = server.get("/v1/chip/step?context=%d&rank=%d" % (context, rank))
    run(roma, "sim", image, "--chip", chip, "--no-ranges", "--context", context, "--rank", rank, "--instances", path)
    with open(path) as f:
        rows = [{k.split(" ")[0]: v for k, v in row.items()} for row in csv.DictReader(f)]
    units = ["L", "H", "V", "H adapters"]
    check(len(rows) == len(step["rows"]), "the step has %d instances, roma sim %d" % (len(step["rows"]), len(rows)))
    for mine, theirs in zip(step["rows"], rows):
        name, tensor, layer, part, unit, *cycles = mine
        got = [name, tensor or "", "" if layer is None else str(layer), part, units[unit], *map(str, cycles)]
        want = [theirs[k] for k in ("operation", "tensor", "layer", "part", "unit", "start", "busy", "end")]
        check(got == want, "an instance is %s, of roma sim %s" % (got, want))
    check(step["cycles"] == max(r[7] for r in step["rows"]), "the step ends elsewhere")


def chip(roma, image, lora, folder, name):
    server = Server(roma, image, "--parallel", "2", "--chip", name, "--lora", "hero=" + lora)
    try:
        r = server.get("/v1/chip")
        same_as_sim(roma, image, name, r, "before the first request")
        check(r["totals"] == {"prompt_tokens": 0, "tokens": 0, "uncharged_tokens": 0, "joules": 0, "chip_seconds": 0}, "a server that did nothing has totals")
        check(r["sram"]["pages"]["used"] == 0 and not any(r["sram"]["hunits"]) and not r["sram"]["adapters"][0]["loaded"], "an empty SRAM is not")
        check(sum(row.count("m") for row in r["floorplan"]["tiles"]) == len(r["sram"]["hunits"]), "not every H-Unit has a tile")

        u = server.chat("tiny", "Tell me a story about an owl.", 60)
        r = server.get("/v1/chip")
        same_as_sim(roma, image, name, r, "behind an answer of the base")
        check(r["at"]["running"] == 0 and r["at"]["rank"] == 0, "the base has adapters")
        t = r["totals"]
        check((t["prompt_tokens"], t["uncharged_tokens"]) == (u["prompt_tokens"], 0), "tokens read: %s of %s" % (t, u))
        check(t["tokens"] in (u["completion_tokens"] - 1, u["completion_tokens"]), "tokens written: %s of %s" % (t, u))
        # Steps take from what one takes behind the prompt to what one takes behind all.
        ends = [json.loads(run(roma, "sim", image, "--chip", name, "--json", "--no-ranges", "--context", c, "--rank", 0, "--prompt", u["prompt_tokens"]))
                for c in (u["prompt_tokens"], u["prompt_tokens"] + t["tokens"])]
        least, most = (e["ttft_ms"] / 1e3 + t["tokens"] / e["tok_s"] for e in ends)
        check(least * 0.999 <= t["chip_seconds"] <= most * 1.001, "%.3g s of the chip, not %.3g to %.3g" % (t["chip_seconds"], least, most))
        pages = r["sram"]["pages"]
        check(pages["used"] > 0 and pages["used"] + pages["free"] == pages["all"] and any(r["sram"]["hunits"]), "the cache takes nothing: %s" % pages)
        check(r["host"]["seconds"] > 0, "this machine took no time")
        check(r["at"]["context"] == u["prompt_tokens"] + t["tokens"], "the last context is %d, after %s" % (r["at"]["context"], u))

        server.chat("hero", "Tell me a story about an owl.", 20)
        r = server.get("/v1/chip")
        same_as_sim(roma, image, name, r, "behind an answer of an adapter")
        check(r["at"]["rank"] == 4 and r["sram"]["adapters"][0]["loaded"], "the adapter is not seen: %s" % r["at"])
        check(r["totals"]["joules"] > t["joules"] and r["totals"]["chip_seconds"] > t["chip_seconds"], "the adapter's tokens cost nothing")

        # Two at once: figures of a batch.
        several = [threading.Thread(target=lambda: [server.chat("tiny", "Tell me a story about a dog.", 400, logit_bias=ENDLESS) for _ in range(8)]) for _ in range(2)]
        for s in several: s.start()
        both, began = None, time.monotonic()
        while not both and time.monotonic() - began < 20:
            r = server.get("/v1/chip")
            check(r["at"]["running"] <= 2, "%d run, of 2 that can" % r["at"]["running"])
            if r["at"]["running"] == 2: both = r
        for s in several: s.join()
        check(both, "two requests at once were never seen")
        check(both["at"]["batch"] == 2 and both["at"]["context"] > 10, "two at once are %s" % both["at"])
        same_as_sim(roma, image, name, both, "while two answers come")

        # A reader who leaves: what was computed until then counts.
        before = r["totals"]
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        c.request("POST", "/v1/chat/completions", json.dumps({"model": "tiny", "messages": [{"role": "user", "content": "A story of a cat, please."}], "stream": True}))
        c.getresponse().read(200)
        c.close()
        for _ in range(100):
            r = server.get("/v1/chip")
            if r["at"]["running"] == 0 and r["totals"]["tokens"] > before["tokens"]: break
            time.sleep(0.05)
        check(r["totals"]["tokens"] > before["tokens"] and r["totals"]["joules"] > before["joules"], "an answer whose reader left counts for nothing")

        for context, rank in ((0, 0), (100, 4), (511, 16)): same_step(roma, image, name, server, folder, context, rank)
        for query in ("context=100000", "context=-1", "context=x", "context=1&rank=100000", "context=1&rank=4&stacked=99"):
            r = server.get("/v1/chip/step?" + query, 400)
            check(r["error"]["type"] == "invalid_request_error" and r["error"]["message"], query + " is refused without a word")
    finally:
        server.end()


def formats(roma, image):
    """With another cache: figures of int4 are sim's of int4; H-Units have no f16, so those beside it are int8's and say so, and bytes are the engine's."""
    for kv, figured in (("int4", "int4"), ("f16", "int8")):
        server = Server(roma, image, "--parallel", "1", "--chip", "mini", "--kv", kv)
        try:
            server.chat("tiny", "Tell me a story about an owl.", 40)
            r = server.get("/v1/chip")
            check(r["figures"]["kv"] == figured and r["sram"]["pages"]["kv"] == kv, "kv of %s: %s, %s" % (kv, r["figures"]["kv"], r["sram"]["pages"]["kv"]))
            if kv == figured: same_as_sim(roma, image, "mini", r, "a cache of " + kv, "--kv", kv)
            held = sum(r["sram"]["hunits"])
            check(held == r["sram"]["pages"]["used"] * r["sram"]["pages"]["bytes_each"] > 0, "H-Units hold %s bytes of %s" % (held, r["sram"]["pages"]))
            check(r["totals"]["uncharged_tokens"] == 0 and r["totals"]["joules"] > 0, "tokens were charged")
        finally:
            server.end()


def page(roma, image, folder):
    keys = os.path.join(folder, "keys")
    with open(keys, "w") as f: f.write("geheim-1\n")
    os.chmod(keys, 0o600)
    server = Server(roma, image, "--api-key-file", keys)
    try:
        server.get("/v1/chip", 401)
        for path, kind in (("/", "text/html"), ("/page/page.css", "text/css"), ("/page/chat.js", "text/javascript")):
            r, data = server.ask("GET", path)
            check(r.status == 200 and r.getheader("Content-Type").startswith(kind), "%s: %d %s" % (path, r.status, r.getheader("Content-Type")))
            with open("src/serve/page/" + (path.rpartition("/")[2] or "index.html"), "rb") as f: check(data == f.read(), path + " is another file")
            check("default-src 'none'" in r.getheader("Content-Security-Policy") and r.getheader("X-Content-Type-Options") == "nosniff", path + " has no policy")
            again, nothing = server.ask("GET", path, **{"If-None-Match": r.getheader("ETag")})
            check(again.status == 304 and not nothing and again.getheader("ETag") == r.getheader("ETag"), "%s is sent again" % path)
            head, nothing = server.ask("HEAD", path)
            check(head.status == 200 and not nothing and int(head.getheader("Content-Length")) == len(data), "HEAD of %s" % path)
        for path in ("/page/", "/page/none.js", "/index.html", "/page/../page/chat.js", "/page%2fchat.js"):
            r, _ = server.ask("GET", path)
            check(r.status in (400, 401, 404), "%s: %d" % (path, r.status))
        r, _ = server.ask("POST", "/", {"a": 1})
        check(r.status in (401, 405), "POST of the page: %d" % r.status)
    finally:
        server.end()


def main():
    roma = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        image, lora = os.path.join(folder, "tiny.roma"), os.path.join(folder, "hero.lora.roma")
        run(roma, "build", "models/tiny/tiny-q4.gguf", "-o", image)
        run(roma, "adapter", "build", "models/adapters/tiny-roma", "--base", image, "-o", lora)
        for name in ("roma", "roma-better"): chip(roma, image, lora, folder, name)
        formats(roma, image)
        page(roma, image, folder)
    print("check_chip: %d checks" % count)


main()
