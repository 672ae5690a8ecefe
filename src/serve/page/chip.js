// The chip beside the conversation: asks /v1/chip again and again, draws the SRAM, the die, and one token's step.
import { element } from "./text.js";

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes) {
  const e = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const percent = (x) => `${(100 * x).toFixed(0)} %`;
// 1234567 B as 1.18 MiB, 0.0021 s as 2.1 ms.
function scaled(v, unit, steps) {
  for (const [size, prefix] of steps) if (v >= size) return `${digits.format(v / size)} ${prefix}${unit}`;
  return `${digits.format(v / steps.at(-1)[0])} ${steps.at(-1)[1]}${unit}`;
}
const bytes = (v) => (v ? scaled(v, "B", [[2 ** 30, "Gi"], [2 ** 20, "Mi"], [2 ** 10, "Ki"], [1, ""]]) : "0 B");
const small = (v, unit) => (v ? scaled(v, unit, [[1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]]) : `0 ${unit}`);
const bits = (v) => scaled(v, "bit", [[1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]]);

// A list of what colours mean: class, fill-opacity, words.
function legend(list, rows) {
  list.replaceChildren(...rows.map(([css, opacity, words]) => {
    const key = shape("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
    key.append(shape("rect", { width: 1, height: 1, class: "tile" }), shape("rect", { width: 1, height: 1, class: css, "fill-opacity": opacity }));
    return element("li", {}, key, words);
  }));
}

// ---- figures ----

// here: tokens/s of the last answer, which count while nothing runs; 0: there was none.
function speeds(r, here) {
  const a = r.at, f = r.figures, host = r.host.tok_s || here;
  $("host").textContent = host ? digits.format(host) : "–";
  $("host-unit").textContent = r.host.tok_s || !here ? "tokens/s" : "tokens/s, last answer";
  $("rate").textContent = whole.format(a.tok_s);
  const times = host ? `, ${digits.format(a.tok_s / host)} times this machine` : "";
  const who = a.batch > 1 ? `${a.batch} conversations` : "one conversation";
  $("at").textContent = `${r.chip}, ${who} at ${whole.format(a.context)} tokens${times}: ${small(a.mj_per_token * 1e-3, "J")} a token, ` +
    `${digits.format(a.power_w)} W, first token of a prompt of ${a.prompt} after ${small(a.ttft_ms * 1e-3, "s")}.`;
  const t = r.totals;
  $("totals").textContent = t.tokens + t.prompt_tokens
    ? `Since start ${whole.format(t.prompt_tokens)} tokens read and ${whole.format(t.tokens)} written: ` +
      `${small(t.joules, "J")} and ${small(t.chip_seconds, "s")} of the chip, ${small(r.host.seconds, "s")} of this machine.`
    : "";
  $("figures").textContent = `${digits.format(f.area_mm2)} mm² in ${f.node_nm} nm at ${digits.format(f.clock_hz / 1e9)} GHz` +
    `${f.dies > 1 ? `, ${f.dies} dies` : ""}: ROM of ${bits(f.rom_bits)}, of which the model takes ${bits(f.rom_bits_used)}; ` +
    `SRAM of ${bits(f.sram_bits)}; ${whole.format(f.capacity_tokens)} tokens of each conversation.`;
  const notes = [f.note && `The model does not fit this chip: ${f.note}.`, !a.fits_sram && "This context does not fit the chip's SRAM."];
  $("trouble").className = "bad";
  $("trouble").textContent = notes.filter(Boolean).join(" ");
}

// ---- SRAM ----

function parts(s) {
  const each = s.pages.bytes_each, own = s.pages.used - s.pages.shared;
  const list = s.adapters.filter((a) => a.loaded).map((a, i) => ["a", i % 2 ? 0.6 : 1, a.bytes, `${a.name}, rank ${a.rank}`]);
  list.push(["h", 1, own * each, `cache, ${own} pages`]);
  if (s.pages.shared) list.push(["h", 0.55, s.pages.shared * each, `shared cache, ${s.pages.shared} pages`]);
  if (s.activations_beside_cache) list.push(["ink", 0.6, s.activations_beside_cache, "activations"]);
  return list;
}

function sram(s) {
  const list = parts(s), used = list.reduce((n, p) => n + p[2], 0), all = Math.max(s.bytes, used);
  let x = 0;
  $("bar").replaceChildren(shape("rect", { width: 1000, height: 28, class: "rest" }));
  for (const [css, opacity, size] of list) {
    const w = (1000 * size) / all;
    $("bar").append(shape("rect", { x, width: Math.max(0, w - 1), height: 28, class: css, "fill-opacity": opacity }));
    x += w;
  }
  $("sram-said").textContent = `${bytes(used)} of ${bytes(s.bytes)} in use, ${percent(used / s.bytes)}` +
    (used > s.bytes ? ": more than this chip has." : `; ${s.pages.free} of the server's ${s.pages.all} pages are free.`);
  legend($("parts"), list.map(([css, opacity, size, words]) => [css, opacity, `${words}: ${bytes(size)}`]));
}

// ---- the die ----

// One path for many rectangles.
const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;

// Calls fn(letter, x, y, number among those of its letter) for each tile.
function tiles(plan, fn) {
  const n = {};
  plan.tiles.forEach((row, y) => [...row].forEach((letter, x) => fn(letter, x, y, (n[letter] = (n[letter] ?? -1) + 1))));
}

function outline(svg, plan) {
  svg.setAttribute("viewBox", `-0.1 -0.1 ${plan.tiles[0].length + 0.2} ${plan.tiles.length + 0.2}`);
}

let drawn = ""; // the tiles that the die shows
function die(r) {
  const plan = r.floorplan, svg = $("die"), d = { tile: "", l: "", h: "", v: "" };
  if (!plan || drawn === plan.tiles.join()) return;
  drawn = plan.tiles.join();
  const share = plan.kinds.m ? Math.min(0.6, Math.max(0.2, plan.kinds.m.hunit_share)) * 0.9 : 0;
  tiles(plan, (letter, x, y) => {
    if (letter !== ".") d.tile += box(x + 0.05, y + 0.05, 0.9, 0.9);
    if (letter === "m") d.l += box(x + 0.05, y + 0.05, 0.9, 0.9 - share);
    if (letter === "m") d.h += box(x + 0.05, y + 0.95 - share, 0.9, share);
    if (letter === "v") d.v += box(x + 0.05, y + 0.05, 0.9, 0.9);
  });
  outline(svg, plan);
  svg.replaceChildren(...Object.entries(d).map(([css, path]) => shape("path", { d: path, class: css })));
}

// How bright each kind of unit is: [L, H, V] from 0 to 1.
function light(levels) {
  ["l", "h", "v"].forEach((css, i) => {
    const path = $("die").querySelector("." + css);
    if (path) path.setAttribute("fill-opacity", levels[i]);
  });
}

function utilisation(r) {
  const use = r.units.map((u) => u.utilisation);
  die(r);
  if (token.shown) return;
  light(use.map((u) => 0.08 + 0.92 * u));
  legend($("die-legend"), r.units.map((u, i) => ["lhv"[i], 0.08 + 0.92 * use[i], `${u.name}: ${percent(use[i])}`]));
  $("die-said").textContent = `At work in a token's step: ${r.units.map((u) => `${whole.format(u.count)} ${u.name} ${percent(u.utilisation)} of the time`).join(", ")}.`;
}

function map(r) {
  const plan = r.floorplan, s = r.sram, svg = $("map"), d = { tile: "", a: "", h: "" };
  if (!plan || !s.hunits) return;
  const units = s.hunits.length, loras = s.adapters.reduce((n, a) => n + (a.loaded ? a.bytes : 0), 0) / units;
  const level = (b) => Math.min(0.9, Math.round((90 * b) / s.hunit_bytes) / 100);
  tiles(plan, (letter, x, y, i) => {
    if (letter !== "m") return;
    const low = level(loras), high = level(loras + s.hunits[i]);
    d.tile += box(x + 0.05, y + 0.05, 0.9, 0.9);
    d.a += box(x + 0.05, y + 0.95 - low, 0.9, low);
    d.h += box(x + 0.05, y + 0.95 - high, 0.9, high - low);
  });
  outline(svg, plan);
  svg.replaceChildren(...Object.entries(d).map(([css, path]) => shape("path", { d: path, class: css })));
  const most = Math.max(...s.hunits) + loras, filled = s.hunits.filter((b) => b > 0).length;
  $("map-said").textContent = `${filled} of ${units} H-Units hold cache; the fullest is ${percent(most / s.hunit_bytes)} full with ` +
    `${bytes(loras)} of adapters and ${bytes(most - loras)} of cache, of ${bytes(s.hunit_bytes)}.`;
}

// ---- one token ----

const token = { step: null, at: 0, shown: false, timer: 0 };
const OP = { NAME: 0, TENSOR: 1, LAYER: 2, PART: 3, UNIT: 4, START: 5, BUSY: 6, END: 7 };
// Lanes and lights of a unit's index: adapters' part of the H-Units is in them.
const kindOf = (unit) => (unit === 3 ? 1 : unit);

function lanes() {
  const s = token.step, d = ["", "", ""];
  for (const row of s.rows) d[kindOf(row[OP.UNIT])] += box(row[OP.START], kindOf(row[OP.UNIT]) + 0.1, Math.max(1, row[OP.BUSY] - row[OP.START]), 0.8);
  $("lanes").setAttribute("viewBox", `0 0 ${s.cycles} 3`);
  $("lanes").replaceChildren(...d.map((path, i) => shape("path", { d: path, class: "lhv"[i] })), shape("rect", { id: "now", class: "ink", y: 0, height: 3 }));
}

// Only units that work at the start of the chosen operation are lit.
function show(i) {
  const s = token.step, row = s.rows[i], now = row[OP.START], lit = [0.08, 0.08, 0.08];
  token.at = i;
  token.shown = true;
  for (const other of s.rows)
    if (other[OP.START] <= now && now < other[OP.BUSY]) lit[kindOf(other[OP.UNIT])] = 0.5;
  lit[kindOf(row[OP.UNIT])] = 1;
  light(lit);
  const part = { base: "", down: ", A of an adapter", up: ", B of an adapter" }[row[OP.PART]];
  const what = `${row[OP.NAME]}${row[OP.TENSOR] ? " " + row[OP.TENSOR] : ""}${part}`;
  const where = row[OP.LAYER] === null ? "outside the layers" : `layer ${row[OP.LAYER]}`;
  const words = `${what}, ${where}, on the ${s.units[row[OP.UNIT]]}`;
  $("place").value = i;
  $("place").setAttribute("aria-valuetext", `${i + 1} of ${s.rows.length}: ${words}`);
  $("now").setAttribute("x", now - s.cycles / 500);
  $("now").setAttribute("width", s.cycles / 250);
  $("op").textContent = `${i + 1} of ${s.rows.length}: ${words}. Cycles ${whole.format(now)} to ${whole.format(row[OP.BUSY])}, result at ` +
    `${whole.format(row[OP.END])} of ${whole.format(s.cycles)} (${small(row[OP.END] / s.clock_hz, "s")} of ${small(s.cycles / s.clock_hz, "s")}), ` +
    `${whole.format(s.context)} tokens cached.`;
  legend($("die-legend"), s.units.slice(0, 3).map((name, k) => ["lhv"[k], lit[k], `${name}: ${lit[k] > 0.1 ? "at work" : "wait"}`]));
  $("die-said").textContent = `At cycle ${whole.format(now)}: ${words}.`;
}

function play(is) {
  clearInterval(token.timer);
  token.timer = is && token.step ? setInterval(() => (token.at + 1 < token.step.rows.length ? show(token.at + 1) : play(false)), 250) : 0;
  $("play").setAttribute("aria-pressed", Boolean(token.timer));
}

// ---- the page's half ----

export function startChip(ask) {
  let record = null, isBusy = false, timer = 0, round = 0, here = 0;

  async function load() {
    if (!record) return;
    try {
      const a = record.at, query = `context=${a.context}&rank=${a.rank}&stacked=${a.stacked}`;
      token.step = await (await ask(`v1/chip/step?${query}`)).json();
      $("place").max = token.step.rows.length - 1;
      lanes();
      show(Math.min(token.at, token.step.rows.length - 1));
    } catch (e) {
      $("op").textContent = e.message;
    }
  }

  async function go(i) {
    if (!token.step) await load();
    if (token.step) show(Math.max(0, Math.min(token.step.rows.length - 1, i)));
  }

  function draw(r) {
    record = r;
    speeds(r, here);
    sram(r.sram);
    utilisation(r);
    map(r);
  }

  function later(ms) {
    clearTimeout(timer);
    timer = setTimeout(look, ms);
  }

  // Once a second while an answer comes, else every five, and not while nobody sees the page. What was asked for in between comes first.
  async function look() {
    const mine = ++round;
    clearTimeout(timer);
    try {
      if (!document.hidden) draw(await (await ask("v1/chip")).json());
    } catch (e) {
      $("trouble").className = "bad";
      $("trouble").textContent = e.message;
    }
    if (mine === round) later(isBusy ? 1000 : 5000);
  }

  $("place").addEventListener("input", () => go(Number($("place").value)));
  $("place").addEventListener("focus", () => token.step || load());
  $("back").addEventListener("click", () => (play(false), go(token.at - 1)));
  $("on").addEventListener("click", () => (play(false), go(token.step ? token.at + 1 : 0)));
  $("play").addEventListener("click", async () => {
    if (!token.step) await load();
    play(!token.timer);
  });
  $("again").addEventListener("click", () => (play(false), load()));
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
  return {
    look,
    // The chip's rate as it is now, as text; "" where it cannot be had. rate: that of this machine in the answer that is over.
    async rate(rate) {
      here = rate;
      await look();
      return record ? whole.format(record.at.tok_s) : "";
    },
    busy(is) {
      isBusy = is;
      if (is) {
        // Whoever chats wants to see the die at work again.
        play(false);
        token.shown = false;
      }
      round++;
      later(is ? 300 : 100);
    },
  };
}
