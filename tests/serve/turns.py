#!/usr/bin/env python3
"""usage: turns.py ROMA IMAGE [CONVERSATIONS] [TURNS] [TOKENS] [in-turn]     standard library

How much of a conversation its next turn finds in the cache. Conversations with random questions run beside each other through `roma serve`
at temperature 0.9, each turn with the texts of the answers before, which the client's next request spells in tokens anew. The ids that a
turn left (its prompt's and its answer's) and those of the next prompt (`roma tokenize --messages`) have a beginning in common; that much,
and no less, must be `cached_tokens`. Printed: how often an answer's tokens were cut otherwise, and how many tokens that cost. in-turn: never two
at once, a turn of each conversation after the other, by a server of 8 sequences."""
import http.client
import json
import random
import re
import subprocess
import sys
import tempfile
import threading

ROMA, IMAGE = sys.argv[1:3]
COUNT, TURNS, TOKENS = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((3, 40), (4, 4), (5, 60)))
IN_TURN = sys.argv[6:] == ["in-turn"]
ASK = ["Tell me about {}.", "Why is {} so?", "List three facts on {}.", "What would a child ask about {}?", "Write code that counts {}.", "Compare {} with {}.", "Say it shorter.", "And in numbers?"]
OF = "volcanoes,tea,Zürich,prime numbers,dogs,the moon,sorting,rain,chess,bridges,old maps,coffee 2.0,naïve café owners,the year 1789".split(",")


def post(port, body):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    c.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    r = c.getresponse()
    text = r.read()
    assert r.status == 200, text
    return json.loads(text)


def ids_of(messages):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump(messages, f)
        f.flush()
        return json.loads(subprocess.run([ROMA, "tokenize", IMAGE, "--messages", f.name, "--json"], stdout=subprocess.PIPE, check=True).stdout)["ids"]


def common(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def talk(port, number, turns):
    for _ in turn_by_turn(port, number, turns):
        pass


def turn_by_turn(port, number, turns):
    r = random.Random(number)
    messages, left = [{"role": "system", "content": f"You are assistant number {number}."}], []
    for k in range(TURNS):
        ask = r.choice(ASK[:-2] if not k else ASK)
        messages.append({"role": "user", "content": ask.format(*r.sample(OF, ask.count("{}")))})
        ids = ids_of(messages)
        got = post(port, {"messages": messages, "temperature": 0.9, "seed": number * 100 + k, "max_tokens": TOKENS, "return_token_ids": True})
        choice, usage = got["choices"][0], got["usage"]
        assert usage["prompt_tokens"] == len(ids)
        if k:
            turns.append({"left": len(left), "want": min(common(left, ids), len(ids) - 1), "cached": usage["prompt_tokens_details"]["cached_tokens"], "prompt": len(ids), "before": before})
        before = len(ids)
        left = ids + choice["token_ids"]
        messages.append({"role": "assistant", "content": choice["message"]["content"]})
        yield


def main():
    server = subprocess.Popen([ROMA, "serve", IMAGE, "--port", "0", "--parallel", "8" if IN_TURN else "4", "--ctx", "2048", "-t", "1"], stdout=subprocess.PIPE, text=True)
    while "listening" not in (line := server.stdout.readline()):
        assert line
    port, turns = int(re.search(r":(\d+)( |$)", line).group(1)), []
    try:
        all_talks = [turn_by_turn(port, i, turns) for i in range(COUNT)] if IN_TURN else []
        for _ in range(TURNS):
            for t in all_talks:
                next(t, None)
        for first in range(0, 0 if IN_TURN else COUNT, 4):
            crowd = [threading.Thread(target=talk, args=(port, i, turns)) for i in range(first, min(first + 4, COUNT))]
            for t in crowd:
                t.start()
            for t in crowd:
                t.join()
    finally:
        server.terminate()
        server.wait()
    # The last token of an answer that its limit cut was drawn and not computed.
    short = [t for t in turns if t["cached"] < t["want"] - 1]
    cut = [t for t in turns if t["want"] < t["left"] - 1]
    new = sum(t["prompt"] - t["cached"] for t in turns)
    print(f"{len(turns)} turns after the first; {len(cut)} ({100 * len(cut) / len(turns):.0f} %) spelled their answer in other tokens, of which {sum(t['left'] - t['want'] for t in cut)} of "
          f"{sum(t['left'] - t['before'] for t in cut)} were computed again; prefilled {new} of {sum(t['prompt'] for t in turns)} tokens ({100 * new / sum(t['prompt'] for t in turns):.0f} %)")
    print(f"{len(short)} turns found less than the common beginning", *short[:5])
    assert len(turns) == COUNT * (TURNS - 1) and not short


main()
