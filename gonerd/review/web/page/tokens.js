// Tokens of a text, made by the server by the rules of its language, fetched where they are needed.

import { get } from "./server.js";

const BLOCK = 6000;

export class Tokens {
  constructor(id, length) {
    this.id = id;
    this.length = length;
    this.blocks = new Map();
    this.asked = new Map();
  }

  /** Have the tokens of a range of code points at hand; false where the server is away. */
  async ensure(start, end) {
    const wanted = [];
    const last = Math.floor(Math.max(0, Math.min(end, this.length - 1)) / BLOCK);
    for (let at = Math.floor(Math.max(0, start) / BLOCK); at <= last; at++) {
      if (!this.blocks.has(at)) wanted.push(this.fetch(at));
    }
    try {
      await Promise.all(wanted);
    } catch {
      return false;
    }
    return true;
  }

  fetch(at) {
    if (!this.asked.has(at)) {
      const [start, end] = [at * BLOCK, Math.min(this.length, (at + 1) * BLOCK)];
      const asking = get("tokens", { document: this.id, start, end }).then((answer) => {
        const found = [];
        let place = 0;
        let from = answer.start;
        for (; place < answer.tokens.length; place += 2) {
          from += answer.tokens[place];
          if (from >= start && from < end) found.push([from, from + answer.tokens[place + 1]]);
        }
        this.blocks.set(at, found);
      }).finally(() => this.asked.delete(at));
      this.asked.set(at, asking);
    }
    return this.asked.get(at);
  }

  /** List tokens around a place that are at hand. */
  around(point) {
    const at = Math.floor(point / BLOCK);
    return [at - 1, at, at + 1].flatMap((one) => this.blocks.get(one) ?? []);
  }

  /** Move a border by one token, as the rules for page and terminal have it. */
  async moved(start, end, side, step) {
    const at = side === "start" ? start : end;
    await this.ensure(at - 300, at + 300);
    const places = this.around(at).map((token) => token[side === "start" ? 0 : 1]);
    const beyond = places.filter((one) => (step > 0 ? one > at : one < at));
    if (!beyond.length) return [start, end];
    const to = step > 0 ? beyond[0] : beyond[beyond.length - 1];
    const found = side === "start" ? [to, end] : [start, to];
    return found[0] < found[1] ? found : [start, end];
  }

  /** Widen a range to whole tokens; one that holds none is null. */
  async whole(start, end) {
    if (!(await this.ensure(start - 100, end + 100))) return [start, end];
    const inside = [];
    for (let at = Math.floor(start / BLOCK) - 1; at <= Math.floor(end / BLOCK); at++) {
      for (const token of this.blocks.get(at) ?? []) {
        if (token[0] < Math.max(end, start + 1) && token[1] > start) inside.push(token);
      }
    }
    return inside.length ? [inside[0][0], inside[inside.length - 1][1]] : null;
  }

  /** Find the token after a place, or before it. */
  async next(point, step) {
    await this.ensure(point - 300, point + 300);
    const tokens = this.around(point);
    if (step > 0) return tokens.find((token) => token[0] >= point) ?? null;
    return tokens.findLast((token) => token[1] <= point) ?? null;
  }
}
