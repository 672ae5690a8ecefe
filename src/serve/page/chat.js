// The conversation: asks /v1/chat/completions, shows the answer as it comes. chip.js has the other half of the page.
import { blocks, element } from "./text.js";
import { startChip } from "./chip.js";
import { startAdapters } from "./adapters.js";

const $ = (id) => document.getElementById(id);
const log = $("log"), prompt = $("prompt");
let conversation = []; // {role, content}; another array for each new conversation
let running = null;    // AbortController of the answer that comes
let base = "";         // name of the base model

// ---- asking ----

// Why an answer is no success, as a sentence for whoever sits there.
async function reason(answer) {
  let said = "";
  try {
    said = (await answer.json()).error.message;
  } catch {
    said = "";
  }
  const hints = {
    401: "The server wants an API key: Settings has a field for it.",
    404: "Choose another model.",
    413: "Begin a new conversation, or send less.",
    429: "Too much is asked at once. Try again in a moment.",
    503: "The server is full. Try again in a moment.",
  };
  return [said || `The server answered ${answer.status}.`, hints[answer.status]].filter(Boolean).join(" ");
}

export async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if ($("key").value) headers.Authorization = "Bearer " + $("key").value;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Error("The server does not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  const e = new Error(await reason(answer));
  e.status = answer.status;
  throw e;
}

// Data of the events of a stream of server-sent events.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter((l) => l.startsWith("data:")).map((l) => l.slice(5).trimStart()).join("\n");
      if (data) yield data;
    }
  }
}

// The request's body. What a field does not say is not sent, so that the server's own settings hold.
function request() {
  const body = { model: $("model").value, stream: true, stream_options: { include_usage: true } };
  const system = $("system").value.trim();
  body.messages = [...(system ? [{ role: "system", content: system }] : []), ...conversation];
  for (const [id, key] of [["temperature", "temperature"], ["top_p", "top_p"], ["limit", "max_completion_tokens"], ["seed", "seed"]])
    if ($(id).value !== "") body[key] = Number($(id).value);
  return JSON.stringify(body);
}

// ---- showing ----

const near = () => log.scrollHeight - log.scrollTop - log.clientHeight < 60;
function follow(was) {
  if (was) log.scrollTop = log.scrollHeight;
}

function complain(text) {
  log.append(element("p", { class: "bad", role: "alert" }, text));
  follow(true);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

// An answer that grows: its text, and below it what it took.
function turn(model) {
  const thought = element("p"), thinking = element("details", {}, element("summary", {}, "Reasoning"), thought);
  const body = element("div", { class: "body" }), foot = element("div", { class: "foot" });
  const article = element("article", { class: "turn assistant", "aria-label": `Answer of ${model}` }, thinking, body, foot);
  let due = false;
  const t = {
    content: "", reasoning: "", article,
    draw() {
      due = false;
      const was = near();
      thinking.hidden = !t.reasoning;
      thought.textContent = t.reasoning;
      body.replaceChildren(...blocks(t.content));
      follow(was);
    },
    grow(delta) {
      t.content += delta.content || "";
      t.reasoning += delta.reasoning_content || "";
      if (!due) requestAnimationFrame(t.draw);
      due = true;
    },
    end(words) {
      t.draw();
      const button = element("button", { type: "button" }, "Copy");
      button.addEventListener("click", () => copy(t.content, button));
      foot.append(element("span", {}, words), button);
      follow(near());
    },
  };
  thinking.hidden = true;
  log.append(article);
  return t;
}

const WHY = { length: "cut at the limit", content_filter: "filtered", tool_calls: "wants a tool", stopped: "stopped" };

// Pieces of an answer that is over sooner come together, and tell nothing of how long it took.
const LEAST_SECONDS = 0.1;

// What stands below an answer.
async function sum(model, n, seconds, why) {
  const words = [model], rate = n > 1 && seconds > LEAST_SECONDS ? (n - 1) / seconds : 0;
  if (n) words.push(`${n} tokens`);
  if (rate) words.push(`${rate.toFixed(0)} tokens/s here`);
  const chips = await chip.rate(rate);
  if (chips) words.push(`${chips} on the chip`);
  if (WHY[why]) words.push(WHY[why]);
  return words.join(" · ");
}

// Reads an answer into a turn; returns how it ended.
async function receive(answer, t) {
  let tokens = 0, first = 0, last = 0, why = "";
  for await (const data of events(answer.body)) {
    if (data === "[DONE]") break;
    const event = JSON.parse(data);
    if (event.error) throw new Error(event.error.message || "The server gave up.");
    if (event.usage) tokens = event.usage.completion_tokens;
    const choice = event.choices && event.choices[0];
    if (!choice) continue;
    if (choice.delta && (choice.delta.content || choice.delta.reasoning_content)) {
      last = performance.now();
      first ||= last;
      t.grow(choice.delta);
    }
    why = choice.finish_reason || why;
  }
  return { tokens, seconds: (last - first) / 1000, why };
}

function busy(is) {
  $("send").disabled = is;
  $("stop").disabled = !is;
  log.setAttribute("aria-busy", is);
  chip.busy(is);
}

async function send() {
  const text = prompt.value;
  if (running || !text.trim()) return;
  const model = $("model").value || base, mine = conversation;
  $("hint").hidden = true;
  mine.push({ role: "user", content: text });
  const asked = element("div", { class: "turn user" }, element("span", { class: "unseen" }, "You: "), text);
  log.append(asked);
  follow(true);
  prompt.value = "";
  running = new AbortController();
  $("told").textContent = "The answer begins.";
  busy(true);
  let t = null, end = { tokens: 0, seconds: 0, why: "" };
  try {
    const answer = await ask("v1/chat/completions", {
      method: "POST", body: request(), signal: running.signal, headers: { "Content-Type": "application/json" },
    });
    t = turn(model);
    end = await receive(answer, t);
  } catch (e) {
    if (e.name === "AbortError") end.why = "stopped";
    else complain(e.message);
    if (e.status === 401) wantKey();
  }
  if (t && (t.content || t.reasoning)) {
    mine.push({ role: "assistant", content: t.content });
    t.end(await sum(model, end.tokens, end.seconds, end.why));
  } else {
    // Nothing came: the message is the writer's again.
    mine.pop();
    asked.remove();
    if (t) t.article.remove();
    if (!prompt.value && mine === conversation) prompt.value = text;
    if (end.why === "stop") complain("The answer is empty.");
  }
  $("told").textContent = t ? `The answer is complete${end.tokens ? `, ${end.tokens} tokens` : ""}.` : "No answer.";
  running = null;
  busy(false);
}

const stop = () => running && running.abort();

function fresh() {
  stop();
  conversation = [];
  log.replaceChildren($("hint"));
  $("hint").hidden = false;
  $("told").textContent = "A new conversation.";
  prompt.focus();
}

// ---- models ----

function wantKey() {
  $("settings").open = true;
  $("key").focus();
}

async function models() {
  try {
    const list = (await (await ask("v1/models")).json()).data, chosen = $("model").value;
    base = list[0].id;
    $("model").replaceChildren(...list.map((m, i) => element("option", { value: m.id }, i ? `${m.id} (adapter)` : `${m.id} (base)`)));
    if (list.some((m) => m.id === chosen)) $("model").value = chosen;
    $("what").textContent = base;
  } catch (e) {
    complain(e.message);
    if (e.status === 401) wantKey();
  }
}

// ---- keys and buttons ----

prompt.addEventListener("keydown", (e) => {
  if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
  e.preventDefault();
  send();
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && running) {
    stop();
    prompt.focus();
  }
});
$("ask").addEventListener("submit", (e) => {
  e.preventDefault();
  send();
});
$("stop").addEventListener("click", () => {
  stop();
  prompt.focus();
});
$("fresh").addEventListener("click", fresh);
$("key").addEventListener("change", () => models().then(() => Promise.all([chip.look(), adapters.look()])));
for (const view of ["chat", "chip"])
  $("view-" + view).addEventListener("click", () => {
    document.body.dataset.view = view;
    for (const v of ["chat", "chip"]) $("view-" + v).setAttribute("aria-pressed", v === view);
  });

const chip = startChip(ask), adapters = startAdapters(ask, models);
models();
adapters.look();
