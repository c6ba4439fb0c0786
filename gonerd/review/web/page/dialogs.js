// Windows over the page: a note, a label, all occurrences, what has been read, how things look.

import { button, make, number, say, short } from "./dom.js";
import { post } from "./server.js";
import { row } from "./deeds.js";
import { unread } from "./tasks.js";
import { Cards } from "./cards.js";

/** Open a window; what was in focus before is again when it closes. */
export function open(title, content, actions = []) {
  const before = document.activeElement;
  const close = button("Close", () => dialog.close(), { class: "close" });
  const dialog = make("dialog", { "aria-label": title },
    make("form", { method: "dialog", on: { submit: (event) => event.preventDefault() } },
      make("h2", {}, title), ...content, make("div", { class: "actions" }, ...actions, close)));
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

export class Windows {
  constructor(room) {
    this.room = room;
    this.cards = new Cards(room);
  }

  /** Give the wishes that open a window. */
  deeds() {
    const { room, cards } = this;
    return {
      note: () => this.note(),
      label: () => this.label(),
      label_all: () => this.occurrences(true, false),
      label_everywhere: () => this.occurrences(true, true),
      reject_all: () => this.occurrences(false, false),
      reject_everywhere: () => this.occurrences(false, true),
      read_to_here: () => this.read(),
      done: () => this.finish(room.task[1], room.task[2], "Is all of it done?"),
      reopen: () => this.reopen(),
      search: () => room.search.open(),
      next_found: () => room.search.step(1),
      previous_found: () => room.search.step(-1),
      guide: () => cards.guide(room.choice.span?.label),
      keys: () => cards.keys(),
      settings: () => this.settings(),
      documents: () => cards.documents(),
      progress: () => cards.progress(),
    };
  }

  note() {
    const { room } = this;
    const { span } = room.choice;
    if (!span) return say("No span is chosen");
    const field = make("textarea", { rows: "4", maxlength: "10000", "aria-label": "Note" });
    field.value = room.held.mark(span.key)?.note ?? "";
    const save = () => {
      room.deeds.wish("note", span, { span: row(span), text: field.value });
      dialog.close();
    };
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
    });
    const dialog = open(`Note on \u201c${short(room.choice.words)}\u201d`, [field],
      [button("Save", save, { class: "main", title: "Ctrl and Enter" })]);
    return field.focus();
  }

  /** Choose a label by its first letter or its number. */
  label() {
    const { room } = this;
    if (!room.choice.span && !room.choice.points) return say("Nothing is chosen");
    const letters = new Map();
    const choose = (label) => {
      dialog.close();
      room.deeds.label(label);
    };
    const list = make("div", { class: "list" }, room.labels.map(([label, says], at) => {
      const letter = [...label.toLowerCase()].find((one) => !letters.has(one)) ?? "";
      letters.set(letter, label);
      if (at < 9) letters.set(String(at + 1), label);
      return button("", () => choose(label), { "aria-label": label }).appendChild(
        make("span", {}, make("b", { class: `label-${at % 12}` }, label),
          make("kbd", {}, letter), at < 9 ? make("kbd", {}, String(at + 1)) : null, make("small", {}, says)),
      ).parentElement;
    }));
    const dialog = open("Label", [list]);
    dialog.addEventListener("keydown", (event) => {
      const label = letters.get(event.key.toLowerCase());
      if (!label || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      choose(label);
    });
    return list.firstChild?.focus();
  }

  /** Label or reject every occurrence, after saying how many there are. */
  occurrences(labelled, everywhere) {
    const { room } = this;
    const { span, words } = room.choice;
    if (!words.trim()) return say("Nothing is chosen");
    const whole = make("input", { type: "checkbox", checked: true });
    const all = make("input", { type: "checkbox", checked: everywhere });
    const chosen = make("select", { "aria-label": "What to do" },
      make("option", { value: "" }, "Reject every span on them"),
      room.labels.map(([label]) => make("option", { value: label }, `Label them ${label}`)));
    chosen.value = labelled ? span?.label ?? room.labels[0][0] : "";
    const says = make("p", { class: "count", role: "status" }, "Counting\u2026");
    const wish = () => ({
      words, label: chosen.value || null, whole: whole.checked, documents: all.checked ? null : [room.id],
    });
    const go = button("Do it", () => {
      room.wish({ verb: "label_all", ...wish() });
      dialog.close();
    }, { class: "main", disabled: true });
    let turn = 0;
    const count = async () => {
      const mine = ++turn;
      go.disabled = true;
      const [status, answer] = await post("preview", wish()).catch(() => [0, null]);
      if (mine !== turn) return;
      if (status !== 200) {
        says.textContent = answer?.wrong ?? "The server is away; how many there are is not known.";
        return;
      }
      const places = `${number(answer.occurrences)} occurrence${answer.occurrences === 1 ? "" : "s"}`;
      const one = answer.spans === 1;
      const what = chosen.value ? `${one ? "becomes" : "become"} ${chosen.value}` : `${one ? "is" : "are"} rejected`;
      const where = `in ${number(answer.documents)} document${answer.documents === 1 ? "" : "s"}`;
      const none = !answer.spans && !answer.documents;
      says.textContent = none ? `${places}; there is nothing to change.`
        : `${places}; ${number(answer.spans)} ${what}, ${where}. `
          + (chosen.value ? "Where another of your spans holds, nothing changes." : "");
      go.disabled = none;
      if (!go.disabled) go.focus();
    };
    for (const one of [whole, all, chosen]) one.addEventListener("change", count);
    const dialog = open(`All occurrences of \u201c${short(words)}\u201d`, [
      chosen,
      make("label", { class: "check" }, whole, " As whole words"),
      make("label", { class: "check" }, all, " In all documents"),
      says,
      make("p", { class: "small" }, "One undo takes all of it back."),
    ], [go]);
    return count();
  }

  /** Declare read what lies up to the chosen span, or the lower edge of the view. */
  read() {
    const { room } = this;
    const { choice, offsets } = room;
    if (choice.points) return this.finish(...choice.points, "Is the selection read?");
    const [, first, last] = room.task;
    const start = unread(room.held.read_, first, last) ?? last;
    const there = Math.min(last, choice.span?.end ?? offsets.toPoints(room.view.bottom()));
    if (there > start) return this.finish(start, there, "Read up to here?", true);
    const dialog = open("All up to here has been read", [], this.wider(() => dialog.close()));
    return undefined;
  }

  /** Give what can be declared of the whole document. */
  wider(close) {
    const { room } = this;
    return [
      button("All of it", () => {
        close();
        room.deeds.do("done");
      }),
      button("Not read after all", () => {
        close();
        room.deeds.do("reopen");
      }),
    ];
  }

  finish(start, end, title, wider = false) {
    const { room } = this;
    const inside = room.held.within(start, end).filter(
      (span) => span.start >= start && span.end <= end && room.held.status(span) === "suggested",
    );
    const left = inside.length;
    const say_ = `${number(end - start)} characters, from ${number(start)} to ${number(end)}. `
      + (left ? `${number(left)} suggestion${left === 1 ? " is" : "s are"} undecided in it.` : "Nothing is undecided in it.");
    const done = (rest) => {
      room.wish({ verb: "finish", document: room.id, start, end, rest });
      dialog.close();
    };
    const actions = left
      ? [button("Leave them undecided", () => done("leave"), { class: "main" }),
        button("Accept them", () => done("accept")), button("Reject them", () => done("reject"))]
      : [button("It is read", () => done("leave"), { class: "main" })];
    if (wider) actions.push(...this.wider(() => dialog.close()));
    const dialog = open(title, [make("p", {}, say_),
      make("p", { class: "small" }, "What is read and not marked is said to be no name.")], actions);
    dialog.querySelector(".main").focus();
  }

  reopen() {
    const { room } = this;
    const [start, end] = room.choice.points ?? room.task.slice(1);
    if (end > start) room.wish({ verb: "reopen", document: room.id, start, end });
  }

  settings() {
    const { room } = this;
    const check = (key, says) => {
      const box = make("input", { type: "checkbox", checked: room.look[key] });
      box.addEventListener("change", () => room.show({ [key]: box.checked }));
      return make("label", { class: "check" }, box, ` ${says}`);
    };
    const size = make("input", { type: "range", min: "14", max: "28", step: "1", "aria-label": "Size of the text" });
    size.value = room.look.size;
    size.addEventListener("input", () => room.show({ size: Number(size.value) }));
    open("Display", [
      check("hideRejected", "Hide what is rejected"),
      check("hideSuggested", "Hide what is undecided"),
      check("goOn", "Go on to the next undecided span after each decision"),
      make("label", {}, "Size of the text ", size),
    ]);
  }

  /** Show in which documents words were found. */
  found(words, count, documents) {
    const { room } = this;
    const list = make("div", { class: "list" }, documents.slice(0, 500).map(([id, times]) => button("", () => {
      dialog.close();
      room.deeds.run(() => room.open(id).then(() => room.search.find()));
    }).appendChild(make("span", {}, make("b", {}, id), make("small", {}, number(times)))).parentElement));
    const dialog = open(`${number(count)} of \u201c${short(words)}\u201d`, [list]);
  }
}
