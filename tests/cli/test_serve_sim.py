#!/usr/bin/env python3
"""roma serve-sim against a second simulation, written from docs/serve-sim.md, whose times are roma sim's: every column of every load, to eight digits; files of requests, what is
refused, what is written. Standard library only. usage: test_serve_sim.py ROMA"""
import csv
import io
import json
import math
import random
import xml.dom.minidom

from shared import check, finish, own_folder, run

CHIP = ["--shape", "llama-3.2-1b", "--chip", "roma-contract"]


def serve(*args):
    return json.loads(run("serve-sim", *args, "--json"))


class Times:
    """What roma sim says of prompts and steps, asked once each."""

    def __init__(self, chip, rank):
        self.chip, self.rank, self.known = chip, rank, {}

    def sim(self, *args, adapters=1):
        args += ("--adapters", max(1, adapters)) if self.rank else ()
        if args not in self.known:
            self.known[args] = json.loads(run("sim", *self.chip, "--rank", self.rank, "--no-ranges", *args, "--json"))
        return self.known[args]

    def clock(self):
        return self.sim()["chip_parameters"]["clock.frequency"]

    def prompt(self, n):
        return round(self.sim("--prompt", n)["time.ttft_s"]["value"] * self.clock()) / self.clock() if n else 0

    def step(self, batch, adapters, context):
        def at(page):
            return self.sim("--prompt", 0, "--batch", batch, "--context", 32 * page, adapters=adapters)["cycles"] / self.clock()
        page = int(context // 32)
        return at(page) + (at(page + 1) - at(page)) * (context / 32 - page)


def second(requests, t, batch, places, pages, load_s, capacity):
    """The rules of the page; requests: (seconds, prompt, output, adapter)."""
    chunk = t.sim()["chip_parameters"]["schedule.chunk_rows"]
    need = [math.ceil((p + o - 1) / 32) for _, p, o, _ in requests]
    n, first = len(requests), len(requests) // 10
    begin, end = requests[first][0], requests[-1][0]
    room, start, told, done = ([None] * n for _ in range(4))
    held = [{"who": None, "users": 0, "since": 0, "there": 0} for _ in range(places)]
    running, free, now, link, ahead, after_chunk = [], pages, 0.0, 0.0, 0, False
    busy = tokens = ended = steps = rows = most = loads = 0

    def within(x):
        return begin < x <= end

    def spend(dt):
        nonlocal now, busy
        busy += max(0, min(now + dt, end) - max(now, begin))
        now += dt

    def give(i):
        nonlocal tokens, ended, free
        tokens += within(now)
        given[i] += 1
        if told[i] is None:
            told[i] = now
        if given[i] == requests[i][2]:
            done[i] = now
            ended += within(now)
            free += need[i]
            running.remove(i)
            if places:
                place[i]["users"] -= 1
                place[i]["since"] = now

    read, given, place = [0] * n, [0] * n, [None] * n
    while running or ahead < n:
        while ahead < n and len(running) < batch and requests[ahead][0] <= now and need[ahead] <= free:
            p = None
            if places:
                who = requests[ahead][3]
                p = next((h for h in held if h["who"] == who), None) or min((h for h in held if not h["users"]), key=lambda h: h["since"], default=None)
                if p is None:
                    break
                if p["who"] != who:
                    link = p["there"] = max(now, link) + load_s
                    p["who"] = who
                    loads += 1
                p["users"] += 1
            place[ahead], room[ahead] = p, now
            free -= need[ahead]
            running.append(ahead)
            most = max(most, len(running))
            ahead += 1
        decoding = [i for i in running if read[i] == requests[i][1]]
        reading = [i for i in running if read[i] < requests[i][1]]
        there = [i for i in reading if not places or place[i]["there"] <= now]
        if there and not (decoding and after_chunk):
            i = there[0]
            to = min(requests[i][1], read[i] + chunk)
            if not read[i]:
                start[i] = now
            spend(t.prompt(to) - t.prompt(read[i]))
            read[i], after_chunk = to, True
            if to == requests[i][1]:
                give(i)
        elif decoding:
            after_chunk = False
            context = sum(read[i] + given[i] - 1 for i in decoding) / len(decoding)
            spend(t.step(len(decoding), len({requests[i][3] for i in decoding}) if places else 0, context))
            steps, rows = steps + 1, rows + len(decoding)
            for i in decoding:
                give(i)
        else:
            after_chunk = False
            waits = [place[i]["there"] for i in reading] + ([requests[ahead][0]] if ahead < n and requests[ahead][0] > now else [])
            now = min(waits)

    def rank(values, p):
        values = sorted(values)
        return values[max(0, math.ceil(p * len(values)) - 1)] if values else 0
    ttft = [1e3 * (told[i] - requests[i][0]) for i in range(first, n)]
    tpot = [1e3 * (done[i] - told[i]) / (requests[i][2] - 1) for i in range(first, n) if requests[i][2] > 1]
    window = end - begin
    load = (n - 1 - first) / window
    return {"load": load, "offered": load / capacity, "tok_s": tokens / window, "req_s": ended / window, "ttft_p50_ms": rank(ttft, .5), "ttft_p99_ms": rank(ttft, .99),
            "tpot_p50_ms": rank(tpot, .5), "tpot_p99_ms": rank(tpot, .99), "wait_mean_ms": 1e3 * sum(start[i] - requests[i][0] for i in range(first, n)) / (n - first),
            "utilisation": busy / window, "batch_mean": rows / steps if steps else 0, "running_max": most, "adapter_loads": loads, "arrived": n,
            "finished": sum(d <= end for d in done), "running": sum(r <= end < d for r, d in zip(room, done)), "waiting": sum(r > end for r in room)}


def test_second():
    rng = random.Random(3)
    for rank, adapters, places, batch, sram, gap in ((16, 4, 2, 3, 300000, 0.004), (0, 1, 0, 4, 65536, 0.002), (16, 3, 3, 2, 1179648, 0.01)):
        chip = CHIP + ["--set", f"hunit.sram={sram}", "--set", "memory.sram_depth=1024", "--set", "host.bandwidth=5e9"]
        requests, at = [], 0.0
        with own_folder():
            with open("r.txt", "w") as f:
                f.write("; seconds prompt output adapter\n\n")
                for _ in range(60):
                    at = round(at + rng.expovariate(1 / gap), 6)
                    r = (at, rng.choice((40, 300, 600)), rng.choice((1, 2, 30, 70)), rng.randrange(adapters))
                    requests.append(r)
                    f.write("%r %d %d%s\n" % (r[0], r[1], r[2], " %d ; x" % r[3] if r[3] else ""))
            more = ["--adapters", adapters, "--resident", places] if rank else []
            d = serve(*chip, "--arrivals", "r.txt", "--rank", rank, *more, "--batch", batch)
        t = Times(chip, rank)
        sim = t.sim("--batch", 1, adapters=places)
        check(d["refused"] == 0 and d["requests"] == 60 and d["resident"] == places, "what is simulated")
        check(abs(d["tokens"] - sim["fit.tokens_held"]["value"]) <= 64, f"cache {d['tokens']}, sim says {sim['fit.tokens_held']}")
        load_s = sim["time.adapter_load_s"]["value"] if rank else 0
        check(abs(d["adapter_load_ms"] - 1e3 * load_s) <= 1e-8, "time of an adapter")
        want = second(requests, t, batch, places, d["tokens"] // 32, d["adapter_load_ms"] / 1e3, d["capacity_req_s"])
        check(len(d["rows"]) == 1 and set(d["rows"][0]) == set(want), f"columns: {d['rows']}")
        for k, v in want.items():
            check(abs(d["rows"][0][k] - v) <= 5e-9 * abs(v) + 1e-9, f"rank {rank}, batch {batch}: {k} is {d['rows'][0][k]}, not {v}")
        check(want["running_max"] == batch and (want["adapter_loads"] >= adapters if rank else want["batch_mean"] < 2), f"a case in which nothing happens: {want}, cache {d['tokens']}")


def test_options():
    d = serve(*CHIP, "--requests", 300, "--load", "50%,7.5", "--rank", 0, "--prompt", "10..20", "--output", 4)
    check(abs(d["rows"][0]["offered"] - 0.5) < 1e-9 and d["rows"][1]["load"] == 7.5 and len(d["rows"]) == 2, f"{d['rows']}")
    check({k for r in d["rows"] for k in r} <= {k.split(".")[1] for k in d["units"] if k.startswith("rows.")}, "units of the columns")
    with own_folder():
        text = run("serve-sim", *CHIP, "-n", 200, "--csv", "r.csv", "--svg", "r.svg")
        with open("r.csv") as f:
            rows = list(csv.reader(f))
        check(len(rows) == 7 and rows[0][0] == "load [requests/s]", "CSV")
        xml.dom.minidom.parse("r.svg")
        check(all(f"  {k.split(' ')[0]} " in text for k in rows[0]), "a column without a sentence")
        for line, say in (("1 2", "2 of three numbers"), ("1 2 3 4 5", "more than four numbers"), ("1 x 3", "x is not a number"), ("1 2 3\n0.5 2 3", "line 2: seconds must be 1 to"), ("-1 2 3", "seconds must be 0 to"),
                          ("1 0 3", "1 to 1048576 tokens"), ("1 2.5 3", "whole numbers"), ("1 2 3 1", "less than --adapters"), ("; nothing", "no request"), ("1 999999 3", "no request fits")):
            with open("bad.txt", "w") as f:
                f.write(line)
            run("serve-sim", *CHIP, "--arrivals", "bad.txt", code=2, say=say)
        with open("some.txt", "w") as f:
            f.write("0 10 5\n1 999999 3\n2 10 5\n")
        d = serve(*CHIP, "--arrivals", "some.txt")
        check(d["refused"] == 1 and d["requests"] == 3 and d["rows"][0]["arrived"] == 2, "a request that does not fit")
        run("serve-sim", *CHIP, "--arrivals", "some.txt", "--load", 5, code=2, say="--load belongs to drawn requests")
    for bad, say in ((["--load", "0"], "'0'"), (["--load", "5,"], "'5,'"), (["--load", "%"], "'%'"), (["--prompt", "9..3"], "'9..3'"), (["--output", "0"], "'0'"), (["--rank", 0, "--adapters", 2], "--adapters asks for adapters"),
                     (["--resident", 2], "resident must be 0 to 1"), (["--json", "--csv", "-"], "both want"), (["--load", ",".join(["1"] * 65)], "64 loads")):
        run("serve-sim", *CHIP, *bad, code=2, say=say)
    run("serve-sim", code=2, say="give an image or --shape")


for test in (test_second, test_options):
    test()
finish()
