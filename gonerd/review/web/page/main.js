// The page: one document at a time, what is held of it, and what is wished on its way.

import { Choice } from "./choice.js";
import { percent } from "./cards.js";
import { Deeds } from "./deeds.js";
import { Windows } from "./dialogs.js";
import { make, number, say, short, the } from "./dom.js";
import { Held } from "./held.js";
import { listen as listenToKeys } from "./keys.js";
import { follow } from "./live.js";
import { Offsets } from "./offsets.js";
import { Outbox } from "./outbox.js";
import { keepLook, lastLook } from "./look.js";
import { listen as listenToMouse } from "./picking.js";
import { Keeper, read } from "./place.js";
import { foresee } from "./previews.js";
import { Search } from "./search.js";
import { get, getText } from "./server.js";
import { beside, taskAt } from "./tasks.js";
import { notice, tellSaved } from "./telling.js";
import { Tokens } from "./tokens.js";
import { Toolbar } from "./toolbar.js";
import { View } from "./view.js";

class Room {
  constructor(desk) {
    Object.assign(this, { labels: desk.labels, keys: desk.keys, card: desk.card, desk });
    this.documents = desk.documents;
    this.act = desk.act;
    this.held = null;
    this.look = lastLook();
    this.numbers = new Map(desk.labels.map(([label], at) => [label, at % 12]));
    this.view = new View(the("scroller"), the("canvas"));
    this.choice = new Choice(this);
    this.search = new Search(this);
    this.windows = new Windows(this);
    this.deeds = new Deeds(this, this.windows);
    this.toolbar = new Toolbar(the("toolbar"), this, this.deeds);
    this.outbox = new Outbox(`gonerd/${desk.work}/${encodeURIComponent(desk.annotator)}`, () => this.tell());
    this.outbox.answered = (...heard) => this.answered(...heard);
    this.place = new Keeper(this);
    this.choice.changed = () => {
      this.toolbar.show();
      this.place.later();
    };
    this.view.seen = () => this.seen();
    this.applyLook();
  }

  colour(label) {
    return this.numbers.get(label) ?? 0;
  }

  /** Open a document at a character; `asked` is what was asked for it already. */
  async open(id, at = 0, asked = ask(id)) {
    this.opening = asked;
    const [text, answer] = await asked;
    if (this.opening !== asked) return; // another was asked for meanwhile
    this.choice.drop();
    this.held = null;
    this.id = id;
    this.text = text;
    this.offsets = new Offsets(text);
    this.tokens = new Tokens(id, this.offsets.points);
    this.setTask(taskAt(this.desk.tasks, id, at, this.offsets.points));
    this.outbox.shown = id;
    this.act = answer.act;
    this.held = new Held(this.offsets, answer);
    this.over();
    this.marksUndo(answer);
    this.view.open(this);
    if (at === 0) this.deeds.table.first();
    else this.view.reveal(this.offsets.toUnits(Math.min(at, this.offsets.points)), undefined, 0.3);
    document.title = `${short(id, 40)} \u2013 Review`;
    the("title").textContent = short(id, 40);
    this.count();
    this.place.later();
    this.interrupt?.();
    this.view.scroller.focus({ preventScroll: true });
  }

  /** Take up what is to be read: [document, start, end]. */
  setTask(task) {
    this.task = task;
    this.limits = task.slice(1).map((at) => this.offsets.toUnits(at));
  }

  /** Whether a span is in what is to be read. */
  has(span) {
    return span.start >= this.task[1] && span.end <= this.task[2];
  }

  /** Open the next document or piece, or the one before. */
  step(direction) {
    const next = beside(this.desk.tasks, this.documents, this.task, direction);
    if (next) return this.open(next[0], next[1]);
    return notice(direction > 0 ? "This is the last one." : "This is the first one.");
  }

  /** Read anew what is held: the log may have been brought back from elsewhere. */
  async reload() {
    const answer = await get("spans", { document: this.id });
    this.act = answer.act;
    this.held.renew(answer);
    this.over();
    this.painted();
  }

  /** Wish something: shown at once, said to be saved when it is. */
  wish(wish) {
    foresee(this.held, wish);
    this.outbox.wish(wish);
    this.painted();
  }

  /** Lay what is on its way over what is held. */
  over() {
    this.held.unforesee();
    for (const wish of this.outbox.waiting) {
      if (wish.document === this.id) foresee(this.held, wish);
    }
  }

  /** Paint what may have changed. */
  painted() {
    this.view.repaint();
    this.choice.follow();
    this.count();
  }

  /** Hear what became of wishes, sent when some document was shown. */
  answered(answer, wishes, shown) {
    const troubles = [];
    for (const one of answer.answers) {
      const wish = wishes.find((sent) => sent.number === one.number);
      if (shown === this.id) this.take(one);
      if (one.outcome === "refused") troubles.push(this.refusal(wish, one));
      else if (one.outcome === "wrong") troubles.push(`Not saved: ${one.wrong}`);
      else if (one.outcome === "nothing") say(NOTHING[wish?.verb] ?? "Nothing to change");
      else if (wish?.verb === "undo" || wish?.verb === "redo") this.went(wish.verb, one);
      else if (wish?.verb === "label_all") this.notice(`${number(one.spans)} spans changed. Undo takes all of it back.`);
    }
    this.marksUndo(answer);
    this.over();
    this.painted();
    if (troubles.length) this.notice(troubles.join("\n"), true);
  }

  /** Take what the server says is held now. */
  take(one) {
    for (const [row, mark] of one.marks ?? []) this.held.take(row, mark);
    if (one.coverage) this.held.coverage = one.coverage;
    for (const found of one.found ?? []) if (found.span) this.held.take(found.span, found.mark);
  }

  refusal(wish, one) {
    const there = one.found[0] ?? {};
    let now = "has changed";
    if (there.span) {
      const span = this.held.spanOf(there.span);
      const words = wish?.document === this.id ? `\u201c${short(this.text.slice(span.from, span.to))}\u201d` : "a span";
      now = `${words} (${span.label}) is ${there.mark ? there.mark.status : "undecided"} by now`;
    }
    return `Not saved: ${now}, changed in another window. Yours (${wish?.verb ?? "it"}) was not put over it; look, and decide again.`;
  }

  went(verb, one) {
    const says = verb === "undo" ? "Undone" : "Done again";
    this.notice(`${says}: ${number(one.spans)} span${one.spans === 1 ? "" : "s"}.`);
    if (!one.place) return;
    const [id, start, end] = one.place;
    if (id !== this.id) {
      this.open(id, start);
      return;
    }
    this.view.reveal(this.offsets.toUnits(start), this.offsets.toUnits(Math.min(end, start + 200)));
  }

  marksUndo({ undo, redo }) {
    the("undo").disabled = !undo;
    the("redo").disabled = !redo;
  }

  /** Hear what was done in other windows. */
  news(news) {
    this.act = news.act;
    if (!news.marks && !news.coverage) return;
    this.take(news);
    this.marksUndo(news);
    this.over();
    this.painted();
  }

  reachable(is) {
    if (is && this.outbox.away) this.outbox.send();
    if (this.cannot === !is) return;
    this.cannot = !is;
    this.tell();
  }

  refusedBy(error) {
    this.notice(error.status === 401
      ? "This link works no more. Open the one that the server prints; what was not saved is kept here."
      : error.message, true);
  }

  /** Say whether all is saved. */
  tell() {
    const { away, why } = this.outbox;
    tellSaved(this.outbox, this.cannot);
    if (away && away !== "away") notice(why, true);
  }

  count() {
    const [, start, end] = this.task;
    const { decided, suggestions, read: done } = this.held.counts(start, end);
    const whole = start === 0 && end === this.offsets.points;
    the("progress").textContent = `${whole ? "" : "Piece: "}${number(decided)} of ${number(suggestions)} decided, `
      + `${percent(done, end - start)} read`;
  }

  /** Be told that other text is in view. */
  seen() {
    const { view } = this;
    if (!this.held) return;
    this.place.later();
    clearTimeout(this.fetching);
    this.fetching = setTimeout(() => {
      this.tokens.ensure(this.offsets.toPoints(view.top()), this.offsets.toPoints(view.bottom()));
    }, 150);
  }

  notice(words, stays) {
    notice(words, stays);
  }

  /** Look different from now on. */
  show(look) {
    Object.assign(this.look, look);
    keepLook(this.look);
    this.applyLook();
    this.view.repaint();
  }

  applyLook() {
    document.documentElement.style.setProperty("--size", `${this.look.size / 16}rem`);
    this.view.width = -1;
    this.view.resized();
  }
}

const NOTHING = { undo: "Nothing to undo", redo: "Nothing to do again" };

/** Ask for a document and what is held of it. */
function ask(id) {
  const asked = Promise.all([getText(id), get("spans", { document: id })]);
  asked.catch(() => {}); // whoever waits for it hears of it
  return asked;
}

async function start() {
  const early = read(location.hash);
  const asked = early && ask(early[0]);
  const desk = await get("desk");
  const room = new Room(desk);
  window.room = room;
  const known = (place) => place && desk.documents.some((one) => one.id === place[0]);
  const place = [read(location.hash), desk.last].find(known) ?? [desk.documents[0].id, 0];
  await room.open(...place, asked && place[0] === early[0] ? asked : undefined);
  listenToMouse(room);
  listenToKeys(desk.keys, room.deeds, (name) => {
    if (name === "escape") room.search.close();
    else room.search.step(name === "enter" ? 1 : -1);
  });
  document.addEventListener("click", (event) => {
    const wish = event.target.closest?.("header [data-wish], .search [data-wish]")?.dataset.wish;
    if (wish) room.deeds.do(wish);
    if (event.target.closest?.("#documents")) room.deeds.do("documents");
  });
  addEventListener("hashchange", () => {
    const there = read(location.hash);
    if (known(there)) room.deeds.run(() => room.open(...there));
  });
  addEventListener("beforeunload", (event) => {
    if (room.outbox.waiting.length && room.outbox.kept === false) event.preventDefault();
  });
  room.tell();
  document.documentElement.dataset.ready = "true";
  const sent = await room.outbox.adopt();
  if (sent) room.notice(`${number(sent)} that an earlier page could not save ${sent === 1 ? "is" : "are"} saved now.`);
  follow(room);
}

start().catch((error) => {
  const place = the("notice");
  place.hidden = false;
  place.classList.add("stays");
  place.replaceChildren(make("p", {}, error.message));
});
