// What is suggested for a document and what the annotator holds of it: all that is painted.
//
// `marks` is what the server has said; `pending` lies over it, what was wished and is not on disk
// yet. A span is {start, end, label, parts, key, from, to}: code points, and UTF-16 units.

import { below } from "./offsets.js";

/** Name a span, the same for the same span. */
export function keyOf(start, end, label, parts) {
  return parts ? `${start}:${end}:${label}:${JSON.stringify(parts)}` : `${start}:${end}:${label}`;
}

export class Held {
  constructor(offsets, answer) {
    this.offsets = offsets;
    this.read(answer);
    this.marks = new Map();
    this.spans = new Map();
    this.pending = new Map();
    this.coverage = [];
    this.pendingCoverage = null;
    this.own = null;
    this.longestOwn = 0;
    this.replaced = null;
    this.renew(answer);
  }

  /** Take what the server holds, all of it. */
  renew(answer) {
    this.marks.clear();
    for (const [row, mark] of answer.marks) this.take(row, mark);
    this.coverage = answer.coverage;
    this.own = null;
  }

  /** Read columns of suggestions. */
  read({ suggestions: { labels, steps, lengths, label, confidence, fragments } }) {
    const count = steps.length;
    this.suggested = new Array(count);
    this.starts = new Int32Array(count);
    this.longest = 0;
    this.places = new Map();
    let start = 0;
    for (let at = 0; at < count; at++) {
      start += steps[at];
      const end = start + lengths[at];
      const parts = fragments[at] ?? null;
      const span = this.spanOf([start, end, labels[label[at]], parts]);
      span.confidence = confidence[at] < 0 ? null : confidence[at] / 1000;
      span.suggested = true;
      this.suggested[at] = span;
      this.starts[at] = start;
      this.longest = Math.max(this.longest, lengths[at]);
      this.places.set(span.key, span);
    }
  }

  /** Make a span of what stands in an answer or a wish. */
  spanOf([start, end, label, parts = null]) {
    return {
      start, end, label, parts: parts || null, key: keyOf(start, end, label, parts || null),
      from: this.offsets.toUnits(start), to: this.offsets.toUnits(end),
      confidence: null, suggested: false,
    };
  }

  /** Take what the server says is held of a span. */
  take(row, mark) {
    const span = this.find(this.spanOf(row));
    if (mark === null) this.marks.delete(span.key);
    else this.marks.set(span.key, mark);
    if (!span.suggested) this.spans.set(span.key, span);
    this.changed();
    return span;
  }

  /** Lay a wish over it, until the server has answered. */
  foresee(span, mark) {
    this.pending.set(span.key, mark);
    if (!this.places.has(span.key)) this.spans.set(span.key, span);
    this.changed();
  }

  /** Forget what was only wished. */
  unforesee() {
    this.pending.clear();
    this.pendingCoverage = null;
    this.changed();
  }

  changed() {
    this.own = null;
    this.replaced = null;
  }

  /** Give the suggestion that a span is, if it is one. */
  find(span) {
    return this.places.get(span.key) ?? this.spans.get(span.key) ?? span;
  }

  /** Say what is held of a span; null: undecided, or not there. */
  mark(key) {
    const wished = this.pending.get(key);
    return wished !== undefined ? wished : this.marks.get(key) ?? null;
  }

  get read_() {
    return this.pendingCoverage ?? this.coverage;
  }

  /** Spans of the annotator's own, in order. */
  get mine() {
    if (this.own === null) {
      this.own = [];
      this.longestOwn = 0;
      for (const span of this.spans.values()) {
        if (this.mark(span.key) === null) continue;
        this.own.push(span);
        this.longestOwn = Math.max(this.longestOwn, span.end - span.start);
      }
      this.own.sort((a, b) => a.start - b.start || b.end - a.end);
    }
    return this.own;
  }

  /** Suggestions that were given another border or label: what they became stands for them. */
  get gone() {
    if (this.replaced === null) {
      this.replaced = new Set();
      for (const span of this.mine) {
        const was = this.mark(span.key)?.suggested;
        if (was) this.replaced.add(keyOf(was.start, was.end, was.label, was.fragments ?? null));
      }
    }
    return this.replaced;
  }

  /** Say what a span is: suggested, accepted, rejected, added; null where it is not shown. */
  status(span) {
    const mark = this.mark(span.key);
    if (mark === null) return span.suggested ? "suggested" : null;
    if (mark.status === "rejected" && this.gone.has(span.key)) return null;
    return mark.status;
  }

  /** List spans that lie in a range of code points with any character, in reading order. */
  within(start, end) {
    const found = [];
    const mine = this.mine;
    collect(this.suggested, this.longest, start, end, found);
    collect(mine, this.longestOwn, start, end, found);
    return found.sort((a, b) => a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : 1));
  }

  /** Find the next span after a place, or the one before it, that passes a test. */
  next(place, direction, test) {
    const options = [this.suggested, this.mine].map((list) => step(list, place, direction, test));
    const there = options.filter(Boolean);
    there.sort((a, b) => direction * compare(a, b));
    return there[0] ?? null;
  }

  /** Count what is decided and read in a range. */
  counts(start, end) {
    let [decided, suggestions] = [0, 0];
    for (let at = below(this.starts, start); at < this.suggested.length; at++) {
      if (this.starts[at] >= end) break;
      suggestions += 1;
      if (this.mark(this.suggested[at].key) !== null) decided += 1;
    }
    const read = this.read_.reduce((sum, [from, to]) => (
      sum + Math.max(0, Math.min(to, end) - Math.max(from, start))), 0);
    return { decided, suggestions, read };
  }
}

/** Order spans as they are met in reading. */
export function compare(a, b) {
  return a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : a.label > b.label ? 1 : 0);
}

function first(list, start) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle].start < start) low = middle + 1;
    else high = middle;
  }
  return low;
}

function collect(list, longest, start, end, found) {
  for (let at = first(list, start - longest); at < list.length && list[at].start < end; at++) {
    if (list[at].end > start) found.push(list[at]);
  }
}

function step(list, place, direction, test) {
  if (direction > 0) {
    for (let at = first(list, place.start); at < list.length; at++) {
      if (compare(list[at], place) > 0 && test(list[at])) return list[at];
    }
  } else {
    for (let at = Math.min(first(list, place.start + 1), list.length) - 1; at >= 0; at--) {
      if (compare(list[at], place) < 0 && test(list[at])) return list[at];
    }
  }
  return null;
}
