// Wishes on their way. Each is kept in the browser until the server has said what became of it, and
// is sent again after the server was away, or the page was closed, always under the same number:
// one that was saved before is not saved twice.

import { Away, post } from "./server.js";

const MOST = 200;

export class Outbox {
  /** `place` names the work and the annotator; `told` hears of every change. */
  constructor(place, told) {
    this.place = place;
    this.told = told;
    this.page = newName();
    this.waiting = [];
    this.last = 0;
    this.sending = false;
    this.away = false;
    this.pause = 0;
    this.shown = null;
    this.answered = () => {};
    this.live();
  }

  get key() {
    return `${this.place}/${this.page}`;
  }

  /** Let other pages know that this one lives, and send what pages that do not have left behind. */
  live() {
    if (!navigator.locks) return;
    navigator.locks.request(this.key, () => new Promise(() => {}));
  }

  /** Find what earlier pages could not send, and send it. */
  async adopt() {
    const left = Object.keys(localStorage).filter(
      (key) => key.startsWith(`${this.place}/`) && key !== this.key,
    );
    let count = 0;
    for (const key of left) {
      if (navigator.locks) {
        await navigator.locks.request(key, { ifAvailable: true }, async (lock) => {
          if (lock) count += await this.sendLeft(key);
        });
      }
    }
    return count;
  }

  async sendLeft(key) {
    let wishes = [];
    try {
      wishes = JSON.parse(localStorage.getItem(key)) ?? [];
    } catch { /* nothing that can be read */ }
    if (!wishes.length) {
      localStorage.removeItem(key);
      return 0;
    }
    const page = key.slice(this.place.length + 1);
    try {
      const { shown } = this;
      const [, answer] = await post("wishes", { page, document: shown, wishes });
      if (!answer?.answers) return 0;
      const later = new Set(answer.answers.filter((one) => one.outcome === "later").map((one) => one.number));
      const rest = wishes.filter((one) => later.has(one.number));
      if (rest.length) localStorage.setItem(key, JSON.stringify(rest));
      else localStorage.removeItem(key);
      this.answered(answer, wishes, shown);
      return wishes.length - rest.length;
    } catch {
      return 0;
    }
  }

  /** Wish something: it is kept at once, sent as soon as can be. */
  wish(wish) {
    this.last += 1;
    this.waiting.push({ number: this.last, ...wish });
    this.keep();
    this.told();
    this.send();
  }

  keep() {
    try {
      if (this.waiting.length) localStorage.setItem(this.key, JSON.stringify(this.waiting));
      else localStorage.removeItem(this.key);
      this.kept = true;
    } catch {
      this.kept = false; // the page still has them, and says that it must not be closed
    }
  }

  async send() {
    if (this.sending || !this.waiting.length) return;
    this.sending = true;
    clearTimeout(this.again);
    const batch = this.waiting.slice(0, MOST);
    const { page, shown } = this;
    try {
      const [status, answer] = await post("wishes", { page, document: shown, wishes: batch },
        { signal: AbortSignal.timeout(20000) });
      if (answer?.answers) this.heard(answer, batch, shown);
      else this.trouble(status === 401 ? "link" : "refused", answer?.wrong ?? `${status}`);
    } catch (error) {
      if (!(error instanceof Away) && error.name !== "TimeoutError" && error.name !== "AbortError") throw error;
      this.trouble("away", error.message);
    } finally {
      this.sending = false;
    }
    this.told();
    if (this.waiting.length && !this.away) this.send();
  }

  heard(answer, batch, shown) {
    const later = answer.answers.find((one) => one.outcome === "later");
    const done = new Set(answer.answers.filter((one) => one.outcome !== "later").map((one) => one.number));
    this.waiting = this.waiting.filter((one) => !done.has(one.number));
    this.keep();
    this.away = false;
    this.pause = 0;
    this.answered(answer, batch, shown);
    if (later) this.trouble("disk", later.wrong);
  }

  trouble(kind, why) {
    this.away = kind;
    this.why = why;
    this.pause = Math.min(5000, this.pause ? this.pause * 2 : 300);
    this.again = setTimeout(() => this.send(), this.pause);
  }
}

function newName() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
}
