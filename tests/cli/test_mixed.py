#!/usr/bin/env python3
"""roma serve built with a sanitizer, under everything at once: streams of several adapters and forms, adapters that come and go, clients that
leave, those who watch, requests that are refused; then SIGTERM into it all. Every request that is asked again must have the same
answer; the server must end with 0 and say nothing, which a sanitizer that found something would. usage: test_mixed.py ROMA [SECONDS]"""
import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time

from shared import TINY, check, finish, own_folder, run
from test_serve import LONG, Server, metric

SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5
DOG = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 99}}, "required": ["name"], "additionalProperties": False}
FORMS = ({}, {"response_format": {"type": "json_schema", "json_schema": {"name": "dog", "schema": DOG}}}, {"grammar": 'root ::= [a-z ]{1,30} "."'}, {"logprobs": True, "top_logprobs": 3, "n": 2},
         {"stop": ["dog", "."]})
BROKEN = (b"GET / HTTP/1.0\r\n\r\n", b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"\x16\x03\x01\x02\0", b"GET /" + b"a" * 5000,
          b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


class Load:
    def __init__(self, server):
        self.s, self.over, self.lock = server, False, threading.Lock()
        self.answers, self.counts, self.wrong = {}, {}, []

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def streams(self, rng):
        """A stream, whose text is that of the first of its kind."""
        k = rng.randrange(60)
        ask = {"model": ("tiny", "a", "b")[k % 3], "messages": [{"role": "user", "content": f"Tell me about {('a dog', 'the sea', 'rain', 'a cat')[k // 3 % 4]}."}], "max_tokens": 16, "temperature": k % 2, "seed": k}
        r, text = self.s.ask("POST", "/v1/chat/completions", ask | FORMS[k // 12] | {"stream": True})
        events = [e[6:] for e in text.decode().split("\n\n") if e]
        if self.over:  # whatever came of it
            return
        texts = ["", ""]
        for choice in (c for e in events[:-1] for c in json.loads(e).get("choices", [])):
            texts[choice["index"]] += choice["delta"].get("content", "")
        with self.lock:
            same = r.status == 200 and events[-1] == "[DONE]" and self.answers.setdefault(k, texts) == texts
            self.wrong += [] if same else [(k, text[-300:])]

    def adapters(self, rng):
        """One that is loaded, asked and, as soon as nobody uses it, unloaded."""
        self.s.ask("POST", "/v1/adapters", {"id": "c"})
        r, text = self.s.ask("POST", "/v1/completions", {"model": "c", "prompt": "Once", "max_tokens": 1 + rng.randrange(8)})
        self.wrong += [text] if r.status not in (200, 404) and not self.over else []
        while not self.over and self.s.ask("DELETE", "/v1/adapters/c")[0].status == 409:
            time.sleep(0.01)

    def leavers(self, rng):
        with socket.create_connection(("127.0.0.1", self.s.port)) as c:
            body = json.dumps(LONG | {"stream": True, "model": ("tiny", "a", "c")[rng.randrange(3)]}).encode()
            c.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            time.sleep(rng.random() / 20)
            if rng.randrange(2):
                c.recv(1000)

    def watchers(self, rng):
        path = ("/metrics", "/v1/chip", "/health", "/v1/models", "/v1/adapters", "/v1/chip/step?n=20", "/api/tags", "/")[rng.randrange(8)]
        r, text = self.s.ask("GET", path)
        self.wrong += [(path, r.status)] if r.status >= 400 and not self.over else []
        time.sleep(0.005)

    def others(self, rng):
        self.s.ask("POST", "/v1/embeddings", {"input": ["Once upon", "a time"][: 1 + rng.randrange(2)]})
        self.s.ask("POST", "/v1/responses", {"input": "Who are you?", "max_output_tokens": 8})
        self.s.ask("POST", "/v1/chat/completions", b'{"messages": [' * rng.randrange(1, 50))
        with socket.create_connection(("127.0.0.1", self.s.port)) as c:
            c.sendall(BROKEN[rng.randrange(len(BROKEN))])
            c.settimeout(10)
            while c.recv(4096):
                pass

    def repeat(self, act, seed):
        rng = random.Random(seed)
        while not self.over:
            try:
                act(rng)
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as e:
                if not self.over:
                    self.wrong.append((act.__name__, repr(e)))
                return
            self.count(act.__name__)


def main():
    run("build", TINY, "-o", "tiny.roma")
    os.mkdir("folder")
    for name, seed in (("a", 1), ("b", 2), ("folder/c", 3)):
        run("adapter", "build", "--random", seed, "--base", "tiny.roma", "-o", name + ".lora.roma")
    with Server("tiny.roma", "--lora", "a=a.lora.roma", "--lora", "b=b.lora.roma", "--lora-dir", "folder", "-t", 2) as s:
        load = Load(s)
        acts = [load.streams] * 3 + [load.adapters, load.leavers, load.watchers, load.others]
        threads = [threading.Thread(target=load.repeat, args=(act, i)) for i, act in enumerate(acts)]
        for t in threads:
            t.start()
        time.sleep(SECONDS)
        check(metric(s, "heap_outside_total") == 0, "no call to the system's allocator")
        load.over = True  # from now on connections may break
        s.p.send_signal(signal.SIGTERM)
        code = s.p.wait(30)
        for t in threads:
            t.join()
        said = s.p.stderr.read()
        check(code == 0 and not said, f"the server ends with {code} and says: {said[:8000]}")
    check(not load.wrong, f"{len(load.wrong)} answers are wrong: {load.wrong[:5]}")
    check(all(load.counts.get(a.__name__, 0) >= 2 for a in acts), f"everything was done: {load.counts}")
    print("test_mixed: " + ", ".join(f"{n} {what}" for what, n in sorted(load.counts.items())))


if __name__ == "__main__":
    with own_folder():
        main()
    finish()
