// What is chosen: a span, or a range of text that may become one, or nothing.

import { say, short } from "./dom.js";

export class Choice {
  constructor(room) {
    this.room = room;
    this.key = null;
    this.span = null;
    this.points = null;
    this.by = "keys";
    this.changed = () => {};
  }

  /** Give the chosen range in units, where one is chosen. */
  get range() {
    const { offsets } = this.room;
    return this.points && [offsets.toUnits(this.points[0]), offsets.toUnits(this.points[1])];
  }

  /** Choose a span, and bring it into view. */
  take(span, by = "keys") {
    const before = this.edges();
    this.span = span;
    this.key = span.key;
    this.points = null;
    this.by = by;
    this.show(before);
    if (by === "keys") this.room.view.reveal(span.from, span.to);
    say(this.says());
  }

  /** Choose a range of code points. */
  pick(start, end, by = "mouse") {
    const before = this.edges();
    this.span = null;
    this.key = null;
    this.points = [start, end];
    this.by = by;
    this.show(before);
    const [from, to] = this.range;
    if (by === "keys") this.room.view.reveal(from, to);
    say(`Selected: ${short(this.room.text.slice(from, to))}`);
  }

  /** Choose nothing. */
  drop() {
    const before = this.edges();
    if (!before.length) return;
    this.span = null;
    this.key = null;
    this.points = null;
    this.show(before);
  }

  /** Follow what is held: a span that is gone is chosen no more. */
  follow() {
    if (this.span && this.room.held.status(this.span) === null) this.drop();
    else this.changed();
  }

  edges() {
    if (this.span) return [this.span.from, this.span.to];
    return this.range ?? [];
  }

  show(before) {
    const { view } = this.room;
    const now = this.edges();
    if (before.length) view.repaint(before[0], before[1]);
    if (now.length) view.repaint(now[0], now[1]);
    this.changed();
  }

  /** Give the words of what is chosen. */
  get words() {
    const [from, to] = this.edges();
    return from === undefined ? "" : this.room.text.slice(from, to);
  }

  /** Say in words what is chosen. */
  says() {
    if (!this.span) return short(this.words);
    const { held } = this.room;
    const mark = held.mark(this.key);
    const parts = [short(this.words), this.span.label, this.state()];
    if (mark?.unsure) parts.push("unsure");
    if (mark?.note) parts.push(`note: ${short(mark.note)}`);
    return parts.join(", ");
  }

  /** Say in words what has been decided. */
  state() {
    const status = this.room.held.status(this.span);
    if (status === "suggested") {
      const sure = this.span.confidence;
      return sure === null ? "suggested" : `suggested, ${Math.round(sure * 100)} %`;
    }
    if (status === "added") return "your own";
    const was = this.room.held.mark(this.key)?.suggested;
    return was ? `${status}, changed` : status ?? "";
  }

  /** Find the next span, or the one before, that passes a test. */
  step(direction, test) {
    const { held, offsets, view } = this.room;
    let place = this.span;
    if (!place) {
      const at = this.points ? this.points[0] : offsets.toPoints(direction > 0 ? view.top() : view.bottom());
      place = { start: at, end: direction > 0 ? Infinity : at, label: "" };
    }
    return held.next(place, direction, (span) => this.shown(span) && test(span));
  }

  shown(span) {
    const { held, look } = this.room;
    const status = held.status(span);
    if (status === null) return false;
    return !(status === "rejected" && look.hideRejected) && !(status === "suggested" && look.hideSuggested);
  }
}
