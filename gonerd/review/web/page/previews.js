// What a wish will do, laid over what is held until the server has answered. It is a guess for the
// eye alone: what the server says is taken in its place.

/** Lay a wish over what is held. */
export function foresee(held, wish) {
  const over = PREVIEWS[wish.verb];
  if (over) over(held, wish);
}

/** Give a span other borders: parts that are left outside go, and the outermost reach there. */
export function bordered(held, span, start, end) {
  const parts = (span.parts ?? []).filter(([from, to]) => from < end && to > start)
    .map(([from, to]) => [Math.max(from, start), Math.min(to, end)]);
  if (!parts.length) return held.spanOf([start, end, span.label]);
  if (start < span.start) parts[0][0] = start;
  const last = parts[parts.length - 1];
  if (end > span.end) last[1] = end;
  return held.spanOf([parts[0][0], last[1], span.label, parts.length > 1 ? parts : null]);
}

const rows = (held, wish) => wish.spans.map((row) => held.find(held.spanOf(row)));

function status(held, span, wanted) {
  const was = held.mark(span.key);
  const suggested = held.places.has(span.key);
  if (wanted === "rejected" && !suggested) return null;
  if (!suggested) return was ?? { status: "added" };
  return { ...(was ?? {}), status: wanted };
}

function move(held, span, to) {
  const was = held.mark(span.key) ?? { status: "accepted" };
  const suggestion = held.places.has(span.key);
  const came = suggestion
    ? { start: span.start, end: span.end, label: span.label, ...(span.parts && { fragments: span.parts }) }
    : was.suggested;
  held.foresee(span, suggestion ? { status: "rejected" } : null);
  const { suggested: _, ...told } = was;
  const goal = held.find(to);
  if (held.places.has(goal.key)) held.foresee(goal, { ...told, status: "accepted" });
  else if (came) held.foresee(goal, { ...told, status: "accepted", suggested: came });
  else held.foresee(goal, { ...told, status: "added" });
}

function tell(held, wish, told) {
  const span = held.find(held.spanOf(wish.span));
  const usual = { status: held.places.has(span.key) ? "accepted" : "added" };
  held.foresee(span, { ...(held.mark(span.key) ?? usual), ...told });
}

const PREVIEWS = {
  accept: (held, wish) => rows(held, wish).forEach((one) => held.foresee(one, status(held, one, "accepted"))),
  reject: (held, wish) => rows(held, wish).forEach((one) => held.foresee(one, status(held, one, "rejected"))),
  reset: (held, wish) => rows(held, wish).forEach((one) => held.foresee(one, null)),
  add: (held, wish) => {
    const span = held.find(held.spanOf(wish.span));
    held.foresee(span, { status: held.places.has(span.key) ? "accepted" : "added" });
  },
  relabel: (held, wish) => {
    const span = held.find(held.spanOf(wish.span));
    move(held, span, held.spanOf([span.start, span.end, wish.label, span.parts]));
  },
  border: (held, wish) => {
    const span = held.find(held.spanOf(wish.span));
    move(held, span, bordered(held, span, wish.start, wish.end));
  },
  note: (held, wish) => tell(held, wish, { note: wish.text }),
  unsure: (held, wish) => tell(held, wish, { unsure: wish.is_so }),
  finish: (held, wish) => {
    const parts = [...held.read_, [wish.start, wish.end]].sort((a, b) => a[0] - b[0]);
    const joined = [];
    for (const [start, end] of parts) {
      const last = joined[joined.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else joined.push([start, end]);
    }
    held.pendingCoverage = joined;
    if (wish.rest === "leave") return;
    const wanted = wish.rest === "accept" ? "accepted" : "rejected";
    for (const span of held.within(wish.start, wish.end)) {
      if (!span.suggested || held.mark(span.key) !== null) continue;
      if (span.start >= wish.start && span.end <= wish.end) held.foresee(span, { status: wanted });
    }
  },
  reopen: (held, wish) => {
    held.pendingCoverage = held.read_.flatMap(([start, end]) => [
      [start, Math.min(end, wish.start)], [Math.max(start, wish.end), end],
    ]).filter(([start, end]) => start < end);
  },
};
