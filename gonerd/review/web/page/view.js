// The part of a text that is in view, and a margin around it: the rest is not in the page.
//
// The page keeps the height of every chunk, guessed until it has been laid out. What is in view
// stays where it is when a guess above it turns out wrong.

import { lines, split } from "./chunks.js";
import { paint } from "./paint.js";

const MARGIN = 900;

export class View {
  constructor(scroller, canvas) {
    this.scroller = scroller;
    this.canvas = canvas;
    this.shown = new Map();
    this.frame = 0;
    this.dragging = false;
    this.seen = () => {};
    scroller.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(canvas);
    new ResizeObserver(() => this.later()).observe(scroller);
  }

  /** Show a text from its beginning. */
  open(room) {
    this.room = room;
    this.starts = split(room.text);
    this.count = this.starts.length - 1;
    this.clear();
    this.width = this.canvas.clientWidth;
    this.guess();
    this.scroller.scrollTop = 0;
    this.update();
  }

  clear() {
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
  }

  /** Guess the height of every chunk from how many characters a line has here. */
  guess() {
    const style = getComputedStyle(this.canvas);
    const size = parseFloat(style.fontSize);
    const tall = parseFloat(style.lineHeight) || size * 2;
    const wide = Math.max(10, Math.floor(this.width / (size * 0.47)));
    this.heights = new Float64Array(this.count);
    for (let at = 0; at < this.count; at++) {
      this.heights[at] = tall * lines(this.room.text, this.starts[at], this.starts[at + 1], wide);
    }
    this.measured = new Uint8Array(this.count);
    this.tops = new Float64Array(this.count + 1);
    this.place(0);
  }

  /** Say where chunks begin, from one on. */
  place(from) {
    for (let at = from; at < this.count; at++) this.tops[at + 1] = this.tops[at] + this.heights[at];
    this.canvas.style.height = `${this.tops[this.count]}px`;
  }

  /** Find the chunk at a height. */
  at(height) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= height) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Find the chunk of a unit. */
  chunkOf(unit) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** End a selection: what was to be painted meanwhile is painted. */
  release() {
    this.dragging = false;
    if (this.stale) this.repaint();
    this.stale = false;
    this.later();
  }

  later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.update();
    });
  }

  /** Put into the page what has come into view, and take away what has left it. */
  update() {
    if (!this.room) return;
    for (let turn = 0; turn < 4 && this.fill(); turn++);
    this.seen();
  }

  fill() {
    const { scroller } = this;
    const top = scroller.scrollTop;
    const first = this.at(Math.max(0, top - MARGIN));
    const last = this.at(top + scroller.clientHeight + MARGIN);
    const anchor = this.at(top);
    const within = top - this.tops[anchor];
    if (!this.dragging) {
      for (const [at, element] of this.shown) {
        if (at < first || at > last) {
          element.remove();
          this.shown.delete(at);
        }
      }
    }
    const fresh = [];
    for (let at = first; at <= last; at++) if (!this.shown.has(at)) fresh.push(this.put(at));
    if (!fresh.length) return false;
    return this.measure(fresh, anchor, within);
  }

  put(at) {
    const element = document.createElement("div");
    element.className = "chunk";
    element.chunk = { at, from: this.starts[at], to: this.starts[at + 1] };
    if (at > 0 && this.room.text[element.chunk.from - 1] !== "\n") element.classList.add("goes-on");
    paint(element, element.chunk, this.room);
    element.style.transform = `translateY(${this.tops[at]}px)`;
    let before = null;
    for (const [other, there] of this.shown) {
      if (other > at && (before === null || other < before.chunk.at)) before = there;
    }
    this.canvas.insertBefore(element, before);
    this.shown.set(at, element);
    return at;
  }

  /** Take the heights of chunks from the page; say whether any was other than was thought. */
  measure(which, anchor, within) {
    let lowest = -1;
    const found = which.map((at) => [at, this.shown.get(at).offsetHeight]);
    for (const [at, height] of found) {
      this.measured[at] = 1;
      if (Math.abs(height - this.heights[at]) < 0.5) continue;
      this.heights[at] = height;
      if (lowest < 0 || at < lowest) lowest = at;
    }
    if (lowest < 0) return false;
    this.place(lowest);
    for (const [at, element] of this.shown) {
      if (at >= lowest) element.style.transform = `translateY(${this.tops[at]}px)`;
    }
    const wanted = this.tops[anchor] + within;
    if (lowest < anchor && Math.abs(wanted - this.scroller.scrollTop) >= 0.5) {
      this.scroller.scrollTop = wanted;
    }
    return true;
  }

  /** Paint anew what is in the page of a range of units; nothing given: all of it. */
  repaint(from = 0, to = Infinity) {
    if (this.dragging) {
      this.stale = true; // text that is being selected must stay as it is
      return;
    }
    const again = [];
    for (const [at, element] of this.shown) {
      if (element.chunk.from < to && element.chunk.to > from) {
        if (paint(element, element.chunk, this.room)) again.push(at);
      }
    }
    const anchor = this.at(this.scroller.scrollTop);
    if (again.length) this.measure(again, anchor, this.scroller.scrollTop - this.tops[anchor]);
  }

  /** Lay out anew where the page has become wider or narrower, at the same place. */
  resized() {
    if (!this.room || Math.abs(this.canvas.clientWidth - this.width) < 1) return;
    const here = this.top();
    this.width = this.canvas.clientWidth;
    this.clear();
    this.guess();
    this.reveal(here, here, 0);
  }

  /** Give the unit at the upper edge of the view. */
  top() {
    const { scroller } = this;
    return scroller.scrollTop < 24 ? 0 : this.edge(scroller.scrollTop + 12);
  }

  /** Give the unit at the lower edge of the view. */
  bottom() {
    return this.edge(this.scroller.scrollTop + this.scroller.clientHeight - 12);
  }

  /** Give the unit at the left of a height: as laid out where it can be seen, else nearly. */
  edge(height) {
    const inside = height - this.canvas.offsetTop;
    if (inside >= this.tops[this.count]) return this.room.text.length;
    const at = this.at(Math.max(0, inside));
    const element = this.shown.get(at);
    if (element) {
      const box = element.getBoundingClientRect();
      const pane = this.scroller.getBoundingClientRect();
      const there = pane.top + height - this.scroller.scrollTop;
      const caret = document.caretPositionFromPoint?.(box.left + 20, there);
      const unit = caret ? this.unitOf(caret.offsetNode, caret.offset) : null;
      if (unit !== null) return unit;
    }
    const share = Math.min(1, (inside - this.tops[at]) / Math.max(1, this.heights[at]));
    return Math.round(this.starts[at] + Math.max(0, share) * (this.starts[at + 1] - this.starts[at]));
  }

  /** Bring a range into view; where it is in view already, nothing moves. */
  reveal(from, to = from, share = 0.3) {
    const { scroller } = this;
    for (let turn = 0; turn < 3; turn++) {
      const at = this.chunkOf(from);
      if (!this.shown.has(at)) {
        scroller.scrollTop = Math.max(0, this.tops[at] - scroller.clientHeight * share);
        this.update();
        continue;
      }
      const box = this.box(from, to);
      const pane = scroller.getBoundingClientRect();
      const above = box.top - pane.top;
      const tall = scroller.clientHeight;
      const wrong = share === 0 ? Math.abs(above) > 2
        : above < tall * 0.08 || box.bottom - pane.top > tall * 0.8;
      if (!wrong) break;
      const before = scroller.scrollTop;
      scroller.scrollTop = Math.max(0, before + above - tall * share);
      this.update();
      if (scroller.scrollTop === before) break;
    }
  }

  /** Give the box of a range in the window. */
  box(from, to) {
    const element = this.shown.get(this.chunkOf(from));
    if (!element) return new DOMRect();
    const range = document.createRange();
    range.setStart(...nodeAt(element, from - element.chunk.from));
    range.setEnd(...nodeAt(element, Math.min(to, element.chunk.to) - element.chunk.from));
    const boxes = range.getClientRects();
    return boxes.length && from === to ? boxes[0] : range.getBoundingClientRect();
  }

  /** Give the unit of a place in the page; null where it is in no text. */
  unitOf(node, offset) {
    const element = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node)?.closest(".chunk");
    if (!element?.chunk) return null;
    const range = document.createRange();
    range.setStart(element, 0);
    range.setEnd(node, offset);
    return element.chunk.from + range.toString().length;
  }
}

/** Find the text and the place in it that is so many units into an element. */
function nodeAt(element, units) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = units;
  let last = null;
  while (walker.nextNode()) {
    last = walker.currentNode;
    if (left <= last.length) return [last, left];
    left -= last.length;
  }
  return last ? [last, last.length] : [element, 0];
}
