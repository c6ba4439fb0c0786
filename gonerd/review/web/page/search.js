// Search in the document, here, and in all documents, by the server.

import { number, the } from "./dom.js";
import { below } from "./offsets.js";
import { get } from "./server.js";

const MOST = 20000;

export class Search {
  constructor(room) {
    this.room = room;
    this.places = [];
    this.starts = [];
    this.now = -1;
    this.form = the("search");
    this.words = the("words");
    this.says = the("found");
    this.words.addEventListener("input", () => this.find());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    the("unsearch").addEventListener("click", () => this.close());
    the("everywhere").addEventListener("click", () => this.everywhere());
  }

  /** Open the field. */
  open() {
    this.form.hidden = false;
    if (this.room.choice.words && !this.words.value) this.words.value = this.room.choice.words.slice(0, 200);
    this.words.focus();
    this.words.select();
    this.find();
  }

  /** Close it; say whether it was open. */
  close() {
    if (this.form.hidden) return false;
    this.form.hidden = true;
    this.places = [];
    this.starts = [];
    this.now = -1;
    this.room.view.repaint();
    this.room.view.scroller.focus({ preventScroll: true });
    return true;
  }

  /** Find the words in the text, whatever their case. */
  find() {
    const words = this.words.value;
    this.places = [];
    this.now = -1;
    if (words.trim()) {
      const pattern = new RegExp(words.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), "giu");
      for (let found = pattern.exec(this.room.text); found; found = pattern.exec(this.room.text)) {
        this.places.push([found.index, found.index + found[0].length]);
        if (this.places.length >= MOST) break;
        if (!found[0].length) pattern.lastIndex += 1;
      }
    }
    this.starts = this.places.map((one) => one[0]);
    this.tell();
    const here = below(this.starts, this.room.view.top());
    if (this.places.length) this.go(here % this.places.length);
    else this.room.view.repaint();
  }

  tell() {
    const most = this.places.length >= MOST ? " or more" : "";
    this.says.value = !this.words.value.trim() ? ""
      : this.places.length ? `${number(this.now + 1)} of ${number(this.places.length)}${most}` : "Not here";
  }

  /** Go to one of the places found. */
  go(at) {
    this.now = at;
    this.tell();
    this.room.view.repaint();
    const [from, to] = this.places[at];
    this.room.view.reveal(from, to);
  }

  /** Go to the next place found, or the one before. */
  step(direction) {
    if (!this.places.length) return this.open();
    return this.go((this.now + direction + this.places.length) % this.places.length);
  }

  /** List places found in a range of units. */
  near(from, to) {
    const found = [];
    for (let at = Math.max(0, below(this.starts, from - 1000)); at < this.places.length; at++) {
      if (this.places[at][0] >= to) break;
      if (this.places[at][1] > from) found.push(this.places[at]);
    }
    return found;
  }

  /** Say whether a piece was found, or is the one found now. */
  kind(from, to) {
    if (!this.places.length) return null;
    const at = below(this.starts, from + 1) - 1;
    const place = this.places[at];
    if (!place || place[0] > from || place[1] < to) return null;
    return at === this.now ? "found now" : "found";
  }

  async everywhere() {
    const words = this.words.value;
    if (!words.trim()) return;
    const { count, documents } = await get("search", { words });
    this.room.windows.found(words, count, documents);
  }
}
