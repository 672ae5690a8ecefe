#!/usr/bin/env python3
"""usage: tests/serve/page_check.py ROMA [--shots DIR] [--url URL]

The server's page in a headless Chromium (browser.py), beside a real server of the tiny model with its adapter: a conversation by keyboard alone, an adapter
switched, an answer stopped, figures beside /v1/chip and `roma sim`, the die lit, one token step by step, names and contrast of everything on the page in
both schemes, narrow screens, hostile text, errors, an API key. --shots: pictures go to DIR. --url: of a server that runs already, without what needs ours.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import browser  # noqa: E402
from browser import SHIFT, Browser  # noqa: E402

STORY = "Tell me a story about an owl and a key."
count = 0


def check(condition, words):
    global count
    count += 1
    if not condition: raise SystemExit("page_check: " + words)


# ---- servers ----

class Server:
    """A server of the tiny model with its adapter, or with an API key."""

    def __init__(self, roma, folder, key=None):
        self.roma, self.image, lora = roma, os.path.join(folder, "tiny.roma"), os.path.join(folder, "hero.lora.roma")
        if not os.path.exists(self.image):
            self.run("build", "models/tiny/tiny-q4.gguf", "-o", self.image)
            self.run("adapter", "build", "models/adapters/tiny-roma", "--base", self.image, "-o", lora)
        os.makedirs(os.path.join(folder, "more"), exist_ok=True)
        shutil.copy(lora, os.path.join(folder, "more", "other.lora.roma"))
        command = [roma, "serve", self.image, "--port", "0", "-t", "1", "--parallel", "2", "--lora", "hero=" + lora, "--lora-dir", os.path.join(folder, "more")]
        if key:
            with open(os.path.join(folder, "keys"), "w") as f: f.write(key + "\n")
            os.chmod(f.name, 0o600)
            command += ["--api-key-file", f.name]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.child.stdout:
            if "http://" in line: break
        else:
            raise SystemExit("page_check: the server does not say where it listens")
        self.url = line[line.find("http://"):].split()[0]

    def run(self, *words):
        return subprocess.run([self.roma, *words], check=True, capture_output=True, text=True).stdout

    def end(self):
        self.child.terminate()
        self.child.wait(20)


def get(url, path):
    with urllib.request.urlopen(url + path) as answer:
        return json.load(answer)


# ---- what is seen ----

# Least contrast of a text on the page against the ground that lies behind it, and which text.
CONTRAST = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = (c) => { const v = c.slice(0, 3).map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] === 1) return c; } return [255, 255, 255]; };
  let least = [99, ""], n = 0;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t; (t = walk.nextNode()); ) {
    const e = t.parentElement;
    if (!t.data.trim() || !e.checkVisibility() || e.closest(".unseen")) continue;
    const a = lum(parse(getComputedStyle(e).color)), b = lum(ground(e)), r = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    n++;
    if (r < least[0]) least = [r, t.data.trim().slice(0, 40)];
  }
  return [...least, n];
})()"""


def check_contrast(b, scheme):
    for scheme in ("light", "dark"):
        b.prefers(scheme=scheme)
        b.pause(0.3)
        ratio, text, n = b.value(CONTRAST)
        check(n > 20 and ratio >= 4.5, "%s: %r has a contrast of %.2f" % (scheme, text, ratio))
    b.prefers(scheme="light")


def check_names(b):
    """Each control that a screen reader can come to has a name."""
    controls = {"button", "textbox", "combobox", "slider", "spinbutton", "searchbox", "img", "image", "log", "main", "complementary", "disclosuretriangle"}
    seen = 0
    for node in b.call("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value", "").lower()
        if node.get("ignored") or role not in controls: continue
        seen += 1
        check(node.get("name", {}).get("value", "").strip(), "a %s without a name" % role)
    check(seen >= 12, "only %d controls were found" % seen)


def active(b):
    return b.value("document.activeElement.id || document.activeElement.tagName + '.' + document.activeElement.className")


def check_order(b):
    """Tab goes through everything in the order of the page, and what has the focus shows it."""
    b.value("document.activeElement.blur()")
    order = []
    for _ in range(16):
        b.key("Tab")
        order.append(active(b))
        check(b.value("document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle === 'solid'"),
              "%s has the focus and does not show it" % order[-1])
    want = ["A.skip", "log", "model", "fresh", "SUMMARY.", "prompt", "send", "back", "play", "on", "again", "place"]
    at = [order.index(w) if w in order else -1 for w in want]
    check(-1 not in at and at == sorted(at), "the focus goes %s" % order)


# ---- what is done ----

IDLE = "document.getElementById('stop').disabled"
ANSWERS = "[...document.querySelectorAll('.turn.assistant .body')].map((e) => e.textContent)"
FEET = "[...document.querySelectorAll('.turn.assistant .foot span')].map((e) => e.textContent)"


def ask(b, text):
    """By keyboard, from wherever the focus is; until the page says that the answer is over."""
    b.value("document.getElementById('told').textContent = ''; document.getElementById('prompt').focus()")
    b.type(text)
    b.key("Enter")
    b.wait("/complete|No answer/.test(document.getElementById('told').textContent) && " + IDLE)
    b.pause(0.5)


def settle(b, **fields):
    for name, v in fields.items():
        b.value("document.getElementById('%s').value = '%s'" % (name, v))


def converse(b):
    settle(b, temperature=0, limit=40, seed=1)
    b.value("document.getElementById('prompt').focus()")
    b.type(STORY)
    b.key("Enter", SHIFT)
    check(b.value("document.getElementById('prompt').value") == STORY + "\n", "Shift+Enter begins no line")
    b.key("Enter")
    b.wait("document.querySelectorAll('.turn').length === 2")
    b.wait(IDLE)
    b.pause(0.3)
    first = b.value(ANSWERS)
    check(len(first) == 1 and len(first[0]) > 3, "there is no answer: %r" % first)
    foot = b.value(FEET)[0]
    check("tokens" in foot and "on the chip" in foot, "below the answer stands: " + foot)
    here = re.search(r"([0-9.]+) tokens/s here", foot)
    check(not here or float(here[1]) < 50000, "a rate of what came together: " + foot)
    check("complete" in b.value("document.getElementById('told').textContent"), "a screen reader hears nothing of the end")
    check(active(b) == "prompt", "the focus left the message")
    ask(b, "And then?")
    check(len(b.value(ANSWERS)) == 2, "the conversation does not go on")
    return first[0]


def switch(b, base_answer):
    """The same question to an adapter, chosen by keys: another answer, that says whose it is."""
    b.value("document.getElementById('fresh').click()")
    check(b.value(ANSWERS) == [] and active(b) == "prompt", "a new conversation has old answers")
    b.value("document.getElementById('model').focus()")
    b.key("ArrowDown")
    name = b.value("document.getElementById('model').value")
    check(name != b.value("document.getElementById('model').options[0].value"), "no key chooses an adapter")
    ask(b, STORY)
    answer = b.value(ANSWERS)[0]
    check(answer and answer != base_answer, "the adapter answers as the base: %r" % answer)
    check(name in b.value(FEET)[0], "the answer does not say whose it is")
    return name


def fresh(b):
    """A new conversation while an answer comes: the old answer ends, and is no part of the new one."""
    settle(b, limit="")
    slow(b, 4000)
    b.value("document.getElementById('prompt').focus()")
    b.type(STORY)
    b.key("Enter")
    b.wait("document.querySelector('.turn.assistant .body')?.textContent.length > 5")
    b.value("document.getElementById('fresh').focus()")
    b.key("Enter")
    b.wait(IDLE)
    slow(b, -1)
    check(b.value(ANSWERS) == [] and b.value("document.querySelectorAll('.turn').length") == 0, "a new conversation has something of the old one")
    settle(b, limit=8)
    n = len(b.posted)
    ask(b, "Who are you?")
    sent = json.loads(b.posted[n])
    check([m["content"] for m in sent["messages"]] == ["Who are you?"], "a new conversation sends %s" % sent["messages"])
    check(sent["max_completion_tokens"] == 8 and sent["temperature"] == 0 and sent["seed"] == 1 and "top_p" not in sent, "settings are sent as %s" % sent)


def slow(b, bytes_s):
    """The tiny model answers within a blink: a slow network makes it last. -1: as fast as it goes."""
    b.call("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=bytes_s, uploadThroughput=-1)


def adapters(b, server):
    """Loaded and unloaded by keys: the lists of the page and of the server agree, and what cannot be is said."""
    def agree(names, words):
        b.wait("/%s/.test(document.getElementById('adapter-said').textContent)" % words)
        b.pause(0.3)
        check([a["id"] for a in get(server.url, "/v1/adapters")["data"]] == names, "the server has not %s" % names)
        check(b.value("[...document.querySelectorAll('#loaded span')].map((e) => e.textContent.split(':')[0])") == names, "the page has not %s" % names)
        check(b.value("[...document.getElementById('model').options].map((o) => o.value)")[1:] == names, "%s cannot be chosen" % names)

    b.value("document.getElementById('adapters').open = true; document.getElementById('adapter').focus()")
    b.type("other")
    b.key("Enter")
    agree(["hero", "other"], "other is loaded")
    check(b.value("document.querySelectorAll('.turn').length") == 0, "Enter in the adapter's field sends a message")
    b.key("Enter")
    agree(["hero", "other"], "is there")
    b.value("document.getElementById('model').value = 'other'; document.querySelector('[aria-label=\"Unload other\"]').focus()")
    b.key("Enter")
    agree(["hero"], "other is unloaded")
    check(active(b) == "adapter" and b.value("document.getElementById('model').selectedIndex") == 0, "the focus, or the choice, is nowhere")
    settle(b, adapter="../x")
    b.value("document.getElementById('load').click()")
    agree(["hero"], "id must be")
    settle(b, adapter="nobody")
    b.value("document.getElementById('load').click()")
    agree(["hero"], "no regular file")
    check_contrast(b, "light")
    check_names(b)
    check(len(b.said) == 3 and all("status of 4" in s for s in b.said), "three refusals are reported, not %s" % b.said)
    b.said.clear()
    b.value("document.getElementById('adapters').open = false; document.getElementById('told').textContent = ''")


def stop(b):
    settle(b, limit="")
    slow(b, 4000)
    b.value("document.getElementById('prompt').focus()")
    b.type(STORY)
    b.key("Enter")
    b.wait("(document.querySelectorAll('.turn.assistant .body')[1]?.textContent.length ?? 0) > 5")
    b.key("Escape")
    b.wait(IDLE, 5)
    check("stopped" in b.value(FEET)[-1], "Escape stops no answer")
    slow(b, -1)
    settle(b, limit=40)


def figures(b, server):
    """What stands on the page is what /v1/chip says, and this is what `roma sim` says of the same context."""
    for _ in range(10): # until both are of the same moment: an answer that was stopped ends with the step that runs
        b.value("document.dispatchEvent(new Event('visibilitychange'))")
        b.pause(0.4)
        r = get(server.url, "/v1/chip")
        at, said, rate = r["at"], b.value("document.getElementById('at').textContent"), b.value("document.getElementById('rate').textContent")
        if "{:,} tokens".format(at["context"]) in said: break
    check("{:,} tokens".format(at["context"]) in said, "/v1/chip has a context of %d, the page says: %s" % (at["context"], said))
    check(rate == "{:,.0f}".format(at["tok_s"]), "/v1/chip has %.1f tokens/s, the page %s" % (at["tok_s"], rate))
    for i, css in enumerate("lhv"):
        lit = float(b.value("document.querySelector('#die .%s').getAttribute('fill-opacity')" % css))
        check(abs(lit - 0.08 - 0.92 * r["units"][i]["utilisation"]) < 1e-6, "%s are lit %.3f" % (r["units"][i]["name"], lit))
    check(r["units"][0]["utilisation"] > 0.05, "the die is dark")
    check(len(r["sram"]["hunits"]) == sum(row.count("m") for row in r["floorplan"]["tiles"]), "not every H-Unit has a tile")
    if isinstance(server, Server):
        words = ["sim", server.image, "--json", "--no-ranges", "--context", at["context"], "--batch", at["batch"], "--rank", at["rank"]]
        if at["rank"]: words += ["--adapters", at["adapters"], "--stacked", at["stacked"]]
        sim = json.loads(server.run(*map(str, words)))
        for key in ("tok_s", "ttft_ms", "mj_per_token", "power_w", "cycles"):
            check(sim[key] == at[key], "%s: roma sim says %s, /v1/chip %s" % (key, sim[key], at[key]))
        check(sim["area_mm2"] == r["figures"]["area_mm2"] and sim["capacity_tokens"] == r["figures"]["capacity_tokens"], "the chip is another")
    return r


def steps(b, server, r):
    a = r["at"]
    b.value("document.getElementById('again').focus()")
    b.key("Enter")
    b.wait("document.getElementById('op').textContent.includes('%s tokens cached')" % "{:,}".format(a["context"]))
    b.value("document.getElementById('place').focus()")
    b.key("Home")
    step = get(server.url, "/v1/chip/step?context=%d&rank=%d&stacked=%d" % (a["context"], a["rank"], a["stacked"]))
    check(int(b.value("document.getElementById('place').max")) == len(step["rows"]) - 1, "the slider has another number of operations")
    seen = set()
    for i in range(1, 8):
        b.key("ArrowRight")
        text = b.value("document.getElementById('op').textContent")
        name, _, _, _, unit, start, busy, end = step["rows"][i]
        check(text.startswith("%d of %d: %s" % (i + 1, len(step["rows"]), name)), "step %d says: %s" % (i, text))
        check("Cycles {:,} to {:,}, result at {:,}".format(start, busy, end) in text, "step %d says: %s" % (i, text))
        check(float(b.value("document.querySelector('#die .%s').getAttribute('fill-opacity')" % "lhvh"[unit])) == 1, "the unit at work is not lit")
        check(name in b.value("document.getElementById('place').getAttribute('aria-valuetext')"), "the slider does not say the operation")
        seen.add(unit)
    check(len(seen) > 1, "one kind of unit does all")
    b.key("End")
    text = b.value("document.getElementById('op').textContent")
    check("{:,} of {:,}".format(step["rows"][-1][7], step["cycles"]) in text, "the last step says: " + text)
    b.value("document.getElementById('play').focus()")
    b.key("Home")
    b.value("document.getElementById('place').focus()")
    b.key("Home")
    b.value("document.getElementById('play').focus()")
    b.key(" ")
    b.pause(1)
    check(b.value("document.getElementById('play').getAttribute('aria-pressed')") == "true", "a blank does not play")
    check(int(b.value("document.getElementById('place').value")) >= 2, "nothing plays")
    b.key(" ")


def narrow(b):
    b.size(360, 640)
    b.pause(0.3)
    for view in ("chat", "chip"):
        b.value("document.getElementById('view-%s').focus()" % view)
        b.key("Enter")
        b.pause(0.2)
        check(b.value("document.documentElement.scrollWidth <= innerWidth"), "%s is wider than 360 pixels" % view)
        wide = b.value("[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility() && !e.closest('svg, pre, .unseen, .skip') && "
                       "e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.id || e.tagName)")
        check(not wide, "%s: beyond 360 pixels stand %s" % (view, wide))
        low = b.value("[...document.querySelectorAll('button, select, input, summary')].filter((e) => e.checkVisibility() && "
                      "e.getBoundingClientRect().height < (e.type === 'range' ? 16 : 24)).map((e) => e.id)")
        check(not low, "too low for a finger: %s" % low)
        check(b.value("document.getElementById('%s').checkVisibility()" % view) and b.value("document.querySelectorAll('nav [aria-pressed=true]').length") == 1,
              "the view %s does not show" % view)


# Text that tries to be markup or code, through the function that shows answers.
HOSTILE = """(async () => {
  const { blocks } = await import("/page/text.js");
  const texts = ["<img src=x onerror=window.hit=1>", "<script>window.hit=1</script>", "[x](javascript:window.hit=1)", "```\\n</code></pre><script>hit=1</script>\\n```",
    "# <b onclick=hit=1>x</b>", "- <svg onload=hit=1>", "`<i>`**<b>**", "&lt;b&gt; \\u0000 \\u202e", "*".repeat(3000) + "a", "`".repeat(3001)];
  const box = document.createElement("div"), began = performance.now();
  document.body.append(box);
  for (const t of texts) box.append(...blocks(t));
  const tags = [...new Set([...box.querySelectorAll("*")].map((e) => e.tagName + [...e.attributes].map((a) => " " + a.name).join("")))].sort();
  const text = box.textContent, ms = performance.now() - began;
  await new Promise((r) => setTimeout(r, 200));
  box.remove();
  return { tags, ms, hit: window.hit ?? 0, kept: texts.slice(0, 3).every((t) => text.includes(t)) };
})()"""


def hostile(b):
    r = b.value(HOSTILE)
    check(set(r["tags"]) <= {"P", "PRE tabindex", "CODE", "STRONG", "EM", "H3", "UL", "LI", "BR", "OL"}, "hostile text became %s" % r["tags"])
    check(r["hit"] == 0 and r["kept"], "hostile text ran, or is not shown as it is")
    check(r["ms"] < 2000, "hostile text took %d ms" % r["ms"])
    before = len(b.said)
    b.value("(() => { const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s); })()")
    b.pause(0.3)
    check(b.value("window.hit ?? 0") == 0 and any("Content Security Policy" in s for s in b.said[before:]), "the policy does not hold a script up")
    del b.said[before:]


def errors(b, server):
    """A server that is gone: said in words, and the message is the writer's again."""
    server.end()
    b.value("document.getElementById('fresh').click()")
    before = len(b.said)
    ask(b, "Are you there?")
    said = b.value("[...document.querySelectorAll('[role=alert]')].map((e) => e.textContent)")
    check(any("does not answer" in s for s in said), "a server that is gone is not told: %s" % said)
    check(b.value("document.getElementById('prompt').value") == "Are you there?", "the message is lost")
    del b.said[before:]


def key(b, roma, folder):
    server = Server(roma, folder, "geheim-1")
    try:
        b.goto(server.url)
        b.wait("document.querySelectorAll('[role=alert]').length > 0")
        check("API key" in b.value("document.querySelector('[role=alert]').textContent"), "the page does not ask for the key")
        b.wait("document.activeElement.id === 'key'")
        b.type("geheim-1")
        b.key("Tab")
        b.wait("document.querySelectorAll('#model option').length > 1")
        settle(b, temperature=0, limit=8)
        ask(b, "Who are you?")
        check(len(b.value(ANSWERS)) == 1, "no answer with the key")
        check("geheim" not in b.value("document.documentElement.outerHTML"), "the key stands in the page")
    finally:
        server.end()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("roma")
    p.add_argument("--shots")
    p.add_argument("--url")
    o = p.parse_args()
    if not browser.find(): raise SystemExit("page_check: no Chromium; Debian's chromium-headless-shell has one (make page-check installs it)")
    shot = (lambda name: b.screenshot(os.path.join(o.shots, name + ".png"))) if o.shots else (lambda name: None)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        server = argparse.Namespace(url=o.url, end=lambda: None) if o.url else Server(o.roma, folder)
        b = Browser()
        try:
            b.goto(server.url)
            b.wait("document.querySelectorAll('#model option').length > 1")
            b.pause(0.5)
            used = get(server.url, "/v1/chip")["sram"]["pages"]["used"]
            check_order(b)
            check_names(b)
            if not o.url: adapters(b, server)
            first = converse(b)
            b.pause(1)
            r = figures(b, server)
            check(r["sram"]["pages"]["used"] > used, "the conversation takes no page")
            shot("light")
            check_contrast(b, "light")
            fresh(b)
            switch(b, first)
            stop(b)
            r = figures(b, server)
            steps(b, server, r)
            b.prefers(scheme="dark")
            b.pause(0.4)
            shot("dark")
            check_contrast(b, "dark")
            b.prefers(reduced_motion="reduce")
            check(b.value("getComputedStyle(document.querySelector('#die path')).transitionDuration") == "0s", "the die moves all the same")
            hostile(b)
            narrow(b)
            shot("narrow")
            b.size(1280, 900)
            foreign = {u for u in b.asked if not u.startswith(server.url) and not u.startswith("data:")}
            check(not foreign, "the page asked %s" % foreign)
            check(not b.said, "the page said %s" % b.said)
            if not o.url:
                errors(b, server)
                key(b, o.roma, folder)
        finally:
            b.close()
            server.end()
    print("page_check: %d checks in %.0f s" % (count, time.monotonic() - began))


main()
