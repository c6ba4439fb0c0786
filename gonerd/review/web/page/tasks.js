// What is to be read: a whole document, or the piece of it that was handed out.

/** Find the task at a character of a document: a whole document where nothing was handed out. */
export function taskAt(tasks, id, at, points) {
  const here = tasks.filter(([document]) => document === id);
  const found = here.find(([, start, end]) => start <= at && at < end) ?? here[0];
  return found ?? [id, 0, points];
}

/** Find the task after one, or before it; documents are tasks where nothing was handed out. */
export function beside(tasks, documents, task, direction) {
  const all = tasks.length ? tasks : documents.map(({ id }) => [id, 0, 0]);
  const at = all.findIndex(([id, start]) => id === task[0] && start === task[1]);
  return all[at + direction] ?? null;
}

/** Find the first character of a range that has not been read; null where all has. */
export function unread(coverage, start, end) {
  let at = start;
  for (const [from, to] of coverage) {
    if (from > at) break;
    at = Math.max(at, to);
  }
  return at < end ? at : null;
}
