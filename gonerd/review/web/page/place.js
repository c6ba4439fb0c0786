// Where the annotator is: in the address, for the browser's own memory, and told to the server.

import { post } from "./server.js";

/** Write a document and a character of it as the end of an address. */
export const address = (id, at) => `#${encodeURIComponent(id)}@${at}`;

/** Read the end of an address: [document, character], or null. */
export function read(hash) {
  const found = /^#(.+?)(?:@(\d+))?$/.exec(hash);
  if (!found) return null;
  try {
    return [decodeURIComponent(found[1]), Number(found[2] ?? 0)];
  } catch {
    return null;
  }
}

/** Keep the place of a page, some time after it has come to rest. */
export class Keeper {
  constructor(room) {
    this.room = room;
    this.timer = 0;
    this.last = "";
    addEventListener("pagehide", () => this.keep());
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), 600);
  }

  keep() {
    const { room } = this;
    if (!room.held) return;
    const at = room.choice.span?.start ?? room.choice.points?.[0] ?? room.offsets.toPoints(room.view.top());
    const now = address(room.id, at);
    if (now === this.last) return;
    this.last = now;
    history.replaceState(null, "", now);
    post("place", { document: room.id, at }, { keepalive: true }).catch(() => {});
  }
}
