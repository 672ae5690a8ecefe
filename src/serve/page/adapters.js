// Adapters of the server: which are open, and opening and closing them while it runs. Who can be asked is chat.js's list of models.
import { element } from "./text.js";

const $ = (id) => document.getElementById(id);

// ask: of chat.js. changed: called when an adapter came or went.
export function startAdapters(ask, changed) {
  const name = $("adapter"), said = $("adapter-said");

  // A change, and what came of it in words; the list is the server's own afterwards, whatever came.
  async function change(path, options, done) {
    try {
      await ask(path, options);
      said.textContent = done;
    } catch (e) {
      said.textContent = e.message;
    }
    await look();
    await changed();
  }

  function row(a) {
    const button = element("button", { type: "button", "aria-label": `Unload ${a.id}` }, "Unload");
    button.addEventListener("click", async () => {
      button.disabled = true;
      await change("v1/adapters/" + encodeURIComponent(a.id), { method: "DELETE" }, `${a.id} is unloaded.`);
      name.focus(); // the button is gone
    });
    return element("li", { class: "row" }, element("span", {}, `${a.id}: rank ${a.rank}, ${Math.ceil(a.bytes / 1024).toLocaleString("en")} KiB`), button);
  }

  async function look() {
    try {
      const list = (await (await ask("v1/adapters")).json()).data;
      $("loaded").replaceChildren(...(list.length ? list.map(row) : [element("li", {}, "None is loaded.")]));
    } catch {
      $("loaded").replaceChildren(); // why is said in the conversation, by the list of models
    }
  }

  async function load() {
    const id = name.value.trim();
    if (!id) return name.focus();
    said.textContent = `${id} is being loaded.`;
    await change("v1/adapters", { method: "POST", body: JSON.stringify({ id }) }, `${id} is loaded.`);
  }

  $("load").addEventListener("click", load);
  name.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.isComposing) return;
    e.preventDefault(); // it would send the message
    load();
  });
  return { look };
}
