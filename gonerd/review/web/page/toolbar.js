// The toolbar of what is chosen: beside it for the mouse, at the lower edge for the keys.

import { button, make, short } from "./dom.js";
import { get } from "./server.js";

/** Show what is chosen, and all that can be done with it. */
export class Toolbar {
  constructor(element, room, deeds) {
    this.element = element;
    this.room = room;
    this.deeds = deeds;
    this.what = make("p", { class: "what" });
    const act = (says, wish, label) => button(says, () => deeds.do(wish), {
      "data-wish": wish, "aria-label": label ?? says, title: hint(room, wish, label ?? says),
    });
    const border = (says, wish, label) => button(says, (event) => {
      deeds.do(event.shiftKey ? `${wish}_character` : wish);
    }, { "data-wish": wish, "aria-label": label, title: `${hint(room, wish, label)}; with Shift: one character` });
    this.labels = make("div", { class: "labels", role: "group", "aria-label": "Label" },
      room.labels.slice(0, 12).map(([label, says], at) => button(label, () => deeds.run(() => deeds.label(label)), {
        class: `label label-${at % 12}`, title: `${says} ${at < 9 ? `[${at + 1}]` : ""}`, "data-label": label,
      })));
    this.decide = make("div", { class: "group" },
      act("Accept", "accept"), act("Reject", "reject"), act("Undecided", "reset", "Back to undecided"));
    this.borders = make("div", { class: "group", role: "group", "aria-label": "Borders" },
      make("span", { "aria-hidden": "true" }, "Start"),
      border("\u25c2", "start_left", "Start one token earlier"),
      border("\u25b8", "start_right", "Start one token later"),
      make("span", { "aria-hidden": "true" }, "End"),
      border("\u25c2", "end_left", "End one token earlier"),
      border("\u25b8", "end_right", "End one token later"));
    this.more = make("div", { class: "group" },
      act("Unsure", "unsure"), act("Note", "note"), act("All occurrences", "label_all"),
      act("Reject all", "reject_all"), act("Guide", "guide"));
    this.others = make("p", { class: "others" });
    element.append(this.what, this.labels, this.decide, this.borders, this.more, this.others);
  }

  /** Follow what is chosen. */
  show() {
    const { choice, held } = this.room;
    const nothing = !choice.span && !choice.points;
    this.element.hidden = nothing;
    if (nothing) return;
    const status = choice.span ? choice.state() : "not marked; a label adds it";
    this.what.replaceChildren(
      make("b", {}, short(choice.words, 48)),
      ` ${choice.span ? `${choice.span.label}, ` : ""}${status}`,
    );
    const note = choice.span && held.mark(choice.key)?.note;
    if (note) this.what.append(make("span", { class: "note" }, ` \u201c${short(note, 120)}\u201d`));
    const unsure = Boolean(choice.span && held.mark(choice.key)?.unsure);
    this.more.firstChild.setAttribute("aria-pressed", String(unsure));
    for (const one of this.labels.children) {
      one.setAttribute("aria-pressed", String(choice.span?.label === one.dataset.label));
    }
    this.decide.hidden = !choice.span;
    for (const one of this.more.children) one.disabled = !choice.span && one.dataset.wish !== "guide";
    this.others.replaceChildren();
    this.askOthers();
    this.place();
  }

  /** Say what others hold of the span, where that may be seen. */
  async askOthers() {
    const { room } = this;
    const { span } = room.choice;
    if (!room.desk.sees_others || !span) return;
    const place = { document: room.id, start: span.start, end: span.end };
    const { others } = await get("others", place).catch(() => ({ others: [] }));
    if (room.choice.span !== span) return;
    this.others.replaceChildren(...others.map(({ annotator, read, marks }) => {
      const says = marks.map(([row, mark]) => `${row[2]} ${mark.status}`).join(", ");
      return make("span", {}, make("b", {}, annotator), ` ${says || (read ? "read, no name" : "not read")} `);
    }));
  }

  /** Stand below what the mouse chose, where there is room; else at the lower edge. */
  place() {
    const { choice, view } = this.room;
    if (this.element.hidden) return;
    const floats = choice.by === "mouse" && matchMedia("(min-width: 60rem) and (min-height: 34rem)").matches;
    this.element.classList.toggle("floats", floats);
    const parent = floats ? view.scroller : document.body;
    if (this.element.parentElement !== parent) parent.append(this.element);
    if (!floats) {
      this.element.style.top = this.element.style.left = "";
      return;
    }
    const [from, to] = choice.edges();
    const box = view.box(from, to);
    const pane = view.scroller.getBoundingClientRect();
    const below = box.bottom + 8 + this.element.offsetHeight <= pane.bottom;
    const edge = below ? box.bottom + 8 : Math.max(pane.top + 4, box.top - 8 - this.element.offsetHeight);
    const top = edge - pane.top + view.scroller.scrollTop;
    const left = Math.min(Math.max(8, box.left - pane.left), pane.width - this.element.offsetWidth - 24);
    this.element.style.top = `${top}px`;
    this.element.style.left = `${Math.max(8, left)}px`;
  }
}

/** Say which keys do the same. */
export function hint(room, wish, says) {
  const keys = Object.entries(room.keys).filter(([, one]) => one === wish).map(([key]) => key);
  return keys.length ? `${says} [${keys.join(", ")}]` : says;
}
