#!/usr/bin/env python3
"""Speculation and the continuous batch change the speed and nothing else.

usage: test_spec.py ROMA

220 prompts of the tiny model, greedy and sampled, with and without repeat penalty and stop texts, many with common beginnings and many
that make the model repeat itself: text, ids, stop and the hash of all logits are the same with --spec off and auto, in batches of any
size, with a cache that holds fewer pages than the batch would like, and alone. Needs Python alone.
"""
import json
import os
import tempfile

from shared import TINY, check, finish, output


THINGS = "dog,cat,bird,tree,ball,boat,girl,boy,cake,star,fish".split(",")
FORMS = ["Once upon a time there was a {0}.", "Tell me about a {0}.",
         "The {0} was happy. The {0} was sad. The {0} was happy. The", "One two three {0}. " * 4,
         "Once upon a time there was a little {0}. The {0} liked to play. One day the {0} went to the park. " * 2 + "Once"]


def request(i):
    q = {"prompt": FORMS[i % len(FORMS)].format(THINGS[i // len(FORMS) % len(THINGS)]), "n": 20 + i % 50, "raw": i % 3 != 0, "id": "r%d" % i}
    if i % 4 == 1:
        q.update(temp=0.1 + i % 7 * 0.15, seed=i)
    if i % 8 == 5:
        q.update(top_k=20, top_p=0.95, min_p=0.01)
    if i % 5 == 2:
        q.update(repeat_penalty=1.0 + i % 3 * 0.1)
    if i % 11 == 3:
        q.update(stop=[" the", "!"])
    return q


OPTION = {"n": "-n", "temp": "--temp", "seed": "--seed", "top_k": "--top-k", "top_p": "--top-p", "min_p": "--min-p",
          "repeat_penalty": "--repeat-penalty"}


def alone(image, q, spec):
    args = ["run", image, "-p", q["prompt"], "--json", "--hash", "--spec", spec, "-t", "1"]
    for key, option in OPTION.items():
        if key in q:
            args += [option, str(q[key])]
    if q["raw"]:
        args.append("--raw")
    for s in q.get("stop", []):
        args += ["--stop", s]
    return json.loads(output(*args))


with tempfile.TemporaryDirectory() as tmp:
    image, lines = os.path.join(tmp, "t.roma"), os.path.join(tmp, "b.jsonl")
    output("build", TINY, "-o", image)
    requests = [request(i) for i in range(220)]
    with open(lines, "w") as f:
        f.writelines(json.dumps(q) + "\n" for q in requests)
    plain = output("run", image, "--jsonl", lines, "--hash", "--spec", "off", "-b", "1", "-t", "1")
    results = [json.loads(line) for line in plain.splitlines()]
    check([r["id"] for r in results] == [q["id"] for q in requests], "results are not in input order")
    check(len({r["hash"] for r in results}) > 100, "the prompts are too much alike")
    for how in (["--spec", "auto", "-b", "1"], ["-b", "8", "-t", "2"], ["--spec", "off", "-b", "16"], ["-b", "3", "--rows", "5"],
                ["-b", "8", "--sram-mib", "1", "-t", "1"], ["-b", "200", "-t", "1"]):
        check(output("run", image, "--jsonl", lines, "--hash", *how) == plain, "with %s the answers differ" % " ".join(how))
    drafted = accepted = 0
    for i, (q, r) in enumerate(zip(requests, results)):
        for spec in ("auto",) if i % 8 else ("auto", "off"):
            got = alone(image, q, spec)
            check(all(got[k] == r[k] for k in ("text", "ids", "stop", "hash", "prompt_tokens")), "%s alone with --spec %s differs" % (q["id"], spec))
            check(0 <= got["accepted"] <= got["drafted"] and (spec == "auto" or not got["drafted"]), "%s: drafted and accepted" % q["id"])
            drafted += got["drafted"]
            accepted += got["accepted"]
    check(accepted > 20, "%d of %d drafted tokens were accepted" % (accepted, drafted))

finish("alone %d of %d drafted tokens accepted" % (accepted, drafted))
