// Wishes of keys and buttons into what is done: choosing and moving here, the rest by the server.

import { say } from "./dom.js";
import { bordered } from "./previews.js";
import { unread } from "./tasks.js";

export class Deeds {
  constructor(room, windows) {
    this.room = room;
    this.windows = windows;
    this.turn = Promise.resolve();
    this.busy = 0;
    this.table = { ...this.moving(), ...this.deciding(), ...this.changing(), ...windows.deeds() };
    for (let at = 1; at <= 9; at++) this.table[`label_${at}`] = () => this.label(room.labels[at - 1]?.[0]);
  }

  /** Whether a wish means something here. */
  can(wish) {
    return wish in this.table;
  }

  /** Do one thing after the other: what waits for tokens must not be overtaken. */
  do(wish) {
    if (!this.room.held && !["keys", "guide", "documents", "progress"].includes(wish)) return this.turn;
    return this.run(() => this.table[wish]?.());
  }

  /** Do something when what was wished before is done. */
  run(call) {
    this.busy += 1;
    this.turn = this.turn.then(call).catch((error) => {
      console.error(error);
      this.room.notice(`This could not be done: ${error.message}`);
    }).finally(() => { this.busy -= 1; });
    return this.turn;
  }

  moving() {
    const { room } = this;
    const any = () => true;
    const open = (span) => room.held.status(span) === "suggested" && room.has(span);
    const go = (direction, test, none) => {
      const found = room.choice.step(direction, test);
      if (found) room.choice.take(found);
      else say(none);
      return found;
    };
    return {
      next: () => go(1, any, "No span after this one"),
      previous: () => go(-1, any, "No span before this one"),
      next_undecided: () => {
        if (go(1, open, "Nothing undecided after this")) return;
        const first = room.held.next({ start: room.task[1], end: Infinity, label: "" }, 1, open);
        if (first) {
          room.choice.take(first);
          room.notice("Went on from the beginning.");
        } else room.notice("Nothing is undecided here.");
      },
      previous_undecided: () => go(-1, open, "Nothing undecided before this"),
      next_unread: () => {
        const at = unread(room.held.read_, room.task[1], room.task[2]);
        if (at === null) room.notice("All of it has been read.");
        else room.view.reveal(room.offsets.toUnits(at), undefined, 0.1);
      },
      next_document: () => room.step(1),
      previous_document: () => room.step(-1),
      page_down: () => room.view.scroller.scrollBy({ top: room.view.scroller.clientHeight * 0.85 }),
      page_up: () => room.view.scroller.scrollBy({ top: -room.view.scroller.clientHeight * 0.85 }),
      first: () => room.view.reveal(room.offsets.toUnits(room.task[1])),
      last: () => room.view.reveal(room.offsets.toUnits(Math.max(room.task[1], room.task[2] - 1))),
      leave: () => {
        if (!room.search.close()) room.choice.drop();
        room.notice(null);
      },
    };
  }

  /** Wish something of the chosen span, as it is seen now. */
  wish(verb, span, more = {}, seen = [span]) {
    const { room } = this;
    room.wish({
      verb, document: room.id, ...more,
      seen: seen.map((one) => [row(one), room.held.mark(one.key)]),
    });
  }

  deciding() {
    const { room } = this;
    const decide = (verb) => () => {
      const { span } = room.choice;
      if (!span) return this.table.next_undecided();
      const was = room.held.status(span);
      this.wish(verb, span, { spans: [row(span)] });
      if (was === "suggested" && room.look.goOn) {
        const next = room.choice.step(1, (one) => room.held.status(one) === "suggested" && room.has(one));
        if (next) room.choice.take(next, room.choice.by);
      }
      return undefined;
    };
    return {
      accept: decide("accept"),
      reject: decide("reject"),
      reset: () => this.withSpan((span) => this.wish("reset", span, { spans: [row(span)] })),
      unsure: () => this.withSpan((span) => {
        const is = Boolean(room.held.mark(span.key)?.unsure);
        this.wish("unsure", span, { span: row(span), is_so: !is });
        say(is ? "sure again" : "unsure");
      }),
      undo: () => room.wish({ verb: "undo" }),
      redo: () => room.wish({ verb: "redo" }),
    };
  }

  withSpan(call) {
    const { span } = this.room.choice;
    if (span) return call(span);
    say("No span is chosen");
    return undefined;
  }

  /** Label what is chosen: a span anew, or a range as a new span. */
  label(label) {
    const { room } = this;
    const { choice } = room;
    if (!label) return;
    if (choice.points) {
      const span = room.held.spanOf([...choice.points, label]);
      room.wish({ verb: "add", document: room.id, span: row(span) });
      choice.take(room.held.find(span), choice.by);
    } else if (choice.span && choice.span.label !== label) {
      const to = room.held.spanOf([choice.span.start, choice.span.end, label, choice.span.parts]);
      this.wish("relabel", choice.span, { span: row(choice.span), label }, [choice.span, room.held.find(to)]);
      choice.take(room.held.find(to), choice.by);
    } else if (choice.span) {
      this.wish("accept", choice.span, { spans: [row(choice.span)] });
    } else say("Nothing is chosen");
  }

  changing() {
    const found = { select: () => this.select() };
    const moves = {
      start_left: ["start", -1], start_right: ["start", 1], end_left: ["end", -1], end_right: ["end", 1],
    };
    for (const [name, [side, step]] of Object.entries(moves)) {
      found[name] = () => this.border(side, step, "token");
      found[`${name}_character`] = () => this.border(side, step, "character");
    }
    return found;
  }

  /** Move a border of what is chosen; where words are selected by keys, the selection moves. */
  async border(side, step, by) {
    const { room } = this;
    const { choice } = room;
    if (choice.points) return this.reach(side, step, by);
    if (!choice.span) return this.table[step > 0 ? "next" : "previous"]();
    const { span } = choice;
    const [start, end] = await this.moved(span.start, span.end, side, step, by);
    if (start === span.start && end === span.end) return undefined;
    const to = room.held.find(bordered(room.held, span, start, end));
    this.wish("border", span, { span: row(span), start, end }, [span, to]);
    return choice.take(to, choice.by);
  }

  async moved(start, end, side, step, by) {
    if (by === "token") return this.room.tokens.moved(start, end, side, step);
    const found = side === "start" ? [start + step, end] : [start, end + step];
    const fits = found[0] >= 0 && found[0] < found[1] && found[1] <= this.room.offsets.points;
    return fits ? found : [start, end];
  }

  /** Move or widen the selection: plain keys move it, those with shift widen it. */
  async reach(side, step, by) {
    const { room } = this;
    let [start, end] = room.choice.points;
    const moves = (side === "start" && step < 0) || (side === "end" && step > 0);
    if (by === "character") {
      [start, end] = await this.moved(start, end, side, step, by);
    } else if (moves) {
      const token = await room.tokens.next(step > 0 ? end : start, step);
      if (token) [start, end] = token;
    } else {
      // Shift and right widens to the right, shift and left takes back, then widens to the left.
      const wider = await room.tokens.moved(start, end, "end", step);
      if (wider[1] !== end) [start, end] = wider;
      else if (step < 0) [start, end] = await room.tokens.moved(start, end, "start", step);
    }
    room.choice.pick(start, end, "keys");
  }

  /** Begin to select words: after the chosen span, or at the top of what is in view. */
  async select() {
    const { room } = this;
    const { choice } = room;
    const at = choice.span ? choice.span.end : room.offsets.toPoints(room.view.top());
    const token = await room.tokens.next(at, 1);
    if (token) choice.pick(token[0], token[1], "keys");
  }
}

/** Write a span as wishes have it. */
export function row(span) {
  return span.parts ? [span.start, span.end, span.label, span.parts] : [span.start, span.end, span.label];
}
