// Text of a model as elements: paragraphs, lists, headings, code. The text is not trusted: every piece of it becomes a text node or
// textContent, and nothing of it an attribute, so that no text can become markup.

export function element(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// `code`, **strong**, *emphasis*; what is not closed stays as it is written.
const INLINE = /(`+)(.+?)\1(?!`)|\*\*(\S(?:.*?\S)?)\*\*|\*(\S(?:[^*]*?\S)?)\*/g;

function inline(text) {
  if (text.length > 4000) return [text]; // looking for pairs takes time that grows with the square
  const out = [];
  let from = 0;
  for (const m of text.matchAll(INLINE)) {
    out.push(text.slice(from, m.index));
    if (m[2] !== undefined) out.push(element("code", {}, m[2]));
    else if (m[3] !== undefined) out.push(element("strong", {}, m[3]));
    else out.push(element("em", {}, m[4]));
    from = m.index + m[0].length;
  }
  out.push(text.slice(from));
  return out;
}

// A block can be wider than the page: it scrolls, with keys too.
const code = (lines) => element("pre", { tabindex: "0" }, element("code", {}, lines.join("\n")));

// Lines of a paragraph keep their ends.
function paragraph(lines) {
  const p = element("p");
  lines.forEach((line, i) => p.append(...(i ? [element("br")] : []), ...inline(line)));
  return p;
}

const FENCE = /^\s*(```+|~~~+)/;
const ITEM = /^\s*(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;

export function blocks(text) {
  const lines = text.split("\n"), out = [];
  let i = 0;
  while (i < lines.length) {
    const fence = FENCE.exec(lines[i]), item = ITEM.exec(lines[i]), heading = HEADING.exec(lines[i]);
    if (!lines[i].trim()) {
      i++;
    } else if (fence) {
      const inside = [];
      for (i++; i < lines.length && !lines[i].trim().startsWith(fence[1]); i++) inside.push(lines[i]);
      out.push(code(inside));
      i++;
    } else if (heading) {
      out.push(element("h3", {}, ...inline(heading[1])));
      i++;
    } else if (item) {
      const list = element(item[1] === undefined ? "ul" : "ol");
      if (item[1] > 1) list.start = Number(item[1]);
      for (let m; i < lines.length && (m = ITEM.exec(lines[i])); i++) list.append(element("li", {}, ...inline(m[2])));
      out.push(list);
    } else {
      const some = [];
      for (; i < lines.length && lines[i].trim() && !FENCE.test(lines[i]) && !ITEM.test(lines[i]) && !HEADING.test(lines[i]); i++)
        some.push(lines[i]);
      out.push(paragraph(some));
    }
  }
  return out;
}
