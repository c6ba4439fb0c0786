// Windows to read in: the key card, the guide, the documents, how far the work is.

import { button, make, number } from "./dom.js";
import { get } from "./server.js";
import { open } from "./dialogs.js";

const ELEMENTS = new Set([
  "div", "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "strong", "em", "code", "pre",
  "blockquote", "table", "thead", "tbody", "tr", "th", "td", "hr", "br",
]);

/** Make elements of a tree, of those that can do no harm. */
export function grow(tree) {
  const [name, ...children] = tree;
  if (!ELEMENTS.has(name)) throw new Error(`${name} is no element of a guide`);
  return make(name, {}, children.map((one) => (typeof one === "string" ? one : grow(one))));
}

export class Cards {
  constructor(room) {
    this.room = room;
    this.tree = null;
  }

  keys() {
    const groups = Object.entries(this.room.card).map(([group, rows]) => make("section", {},
      make("h3", {}, group),
      make("dl", {}, rows.flatMap(([keys, says]) => [
        make("dt", {}, keys.split(" ").map((key) => make("kbd", {}, key))), make("dd", {}, says)]))));
    open("Keys", [make("div", { class: "keys" }, groups),
      make("p", { class: "small" }, "The mouse can do all of it: click a span, or select words. "
        + "With Alt or Ctrl held, a selection is taken as it is, not widened to whole words.")]);
  }

  /** Show the guide, at the label where there is one. */
  async guide(label) {
    this.tree ??= await get("guide");
    const says = this.room.labels.find(([name]) => name === label)?.[1];
    const page = grow(this.tree.tree);
    page.className = "guide";
    const dialog = open(`Guide ${this.tree.guide}`,
      [says ? make("p", { class: "gist" }, make("b", {}, label), `: ${says}`) : null, page].filter(Boolean));
    dialog.classList.add("wide");
    const heading = [...page.querySelectorAll("h1,h2,h3,h4")].find((one) => one.textContent.trim() === label);
    heading?.scrollIntoView({ block: "start" });
    heading?.classList.add("here");
  }

  async documents() {
    const { room } = this;
    const filter = make("input", { type: "search", "aria-label": "Filter by name", placeholder: "Filter" });
    const list = make("div", { class: "list documents" });
    const far = button("How far the work is", () => {
      dialog.close();
      room.deeds.do("progress");
    });
    const dialog = open("Documents", [filter, list], [far]);
    dialog.classList.add("wide");
    const fill = () => {
      const words = filter.value.toLowerCase();
      const shown = room.documents.filter((one) => one.id.toLowerCase().includes(words));
      list.replaceChildren(...shown.slice(0, 300).map((one) => line(one, room, dialog)));
      if (shown.length > 300) list.append(make("p", { class: "small" }, `and ${number(shown.length - 300)} more`));
    };
    filter.addEventListener("input", fill);
    fill();
    filter.focus();
    try {
      room.documents = (await get("desk")).documents;
      fill();
    } catch { /* what was known before is shown */ }
  }

  async progress() {
    const { people } = await get("progress");
    const rows = Object.entries(people).map(([name, documents]) => {
      const sum = (key) => documents.reduce((total, one) => total + one[key], 0);
      return make("tr", {}, make("th", { scope: "row" }, name),
        make("td", {}, `${number(sum("decided"))} of ${number(sum("suggestions"))}`),
        make("td", {}, number(sum("added"))), make("td", {}, number(sum("unsure"))),
        make("td", {}, percent(sum("read"), sum("characters"))));
    });
    open("How far the work is", [make("table", {}, make("thead", {}, make("tr", {},
      ["Who", "Decided", "Added", "Unsure", "Read"].map((one) => make("th", { scope: "col" }, one)))),
    make("tbody", {}, rows))]);
  }
}

export function percent(part, whole) {
  return whole ? `${Math.floor((100 * part) / whole)} %` : "0 %";
}

function line(one, room, dialog) {
  const choose = button("", () => {
    dialog.close();
    room.deeds.run(() => room.open(one.id));
  }, { "aria-current": one.id === room.id ? "true" : null });
  choose.append(make("span", {}, make("b", {}, one.id),
    make("small", {}, `${number(one.characters)} characters`),
    make("small", {}, `${number(one.decided)} of ${number(one.suggestions)} decided`),
    make("small", {}, `${percent(one.read, one.characters)} read`)));
  return choose;
}
