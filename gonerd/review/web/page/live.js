// What the annotator does in other windows and in terminals, as it happens. Only a page that
// somebody looks at asks: a browser has few connections to one server.

import { Away, get } from "./server.js";

/** Ask for changes, again and again; `room.news` takes them. */
export async function follow(room) {
  let stop = null;
  document.addEventListener("visibilitychange", () => document.hidden && stop?.abort());
  room.interrupt = () => stop?.abort();
  for (;;) {
    await visible();
    if (!room.held) {
      await sleep(100);
      continue;
    }
    stop = new AbortController();
    const { id } = room;
    try {
      const news = await get("changes", { after: room.act, document: id }, { signal: stop.signal });
      room.reachable(true);
      if (id === room.id) room.news(news);
    } catch (error) {
      if (error.name === "AbortError") continue;
      if (error instanceof Away) room.reachable(false);
      else if (error.status === 400) await room.reload().catch(() => {});
      else room.refusedBy(error);
      await sleep(1000);
    }
  }
}

function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((done) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
  });
}

const sleep = (time) => new Promise((done) => setTimeout(done, time));
