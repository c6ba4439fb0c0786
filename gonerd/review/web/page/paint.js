// The spans of a chunk onto its text: pieces of text between borders, each painted with all the
// spans that lie on it. A span has a lane of its own below the line, so that those that overlap or
// lie in one another can be told apart.

const LANE = 4;

/** Fill a chunk's element with its text and spans; nothing is done where it has them already. */
export function paint(element, chunk, room) {
  const { text, held, offsets, look } = room;
  const start = offsets.toPoints(chunk.from);
  const end = offsets.toPoints(chunk.to);
  const spans = [];
  for (const span of held.within(start, end)) {
    const status = held.status(span);
    if (status === null || (status === "rejected" && look.hideRejected)) continue;
    if (status === "suggested" && look.hideSuggested) continue;
    spans.push({ span, status, mark: held.mark(span.key), lane: 0 });
  }
  const extra = marked(chunk, room);
  const looks = fingerprint(spans, extra, room, start, end);
  if (element.looks === looks) return false;
  element.looks = looks;
  lanes(spans);
  const edges = borders(chunk, spans, extra, room);
  const pieces = [];
  for (let at = 0; at + 1 < edges.length; at++) {
    pieces.push(piece(text, edges[at], edges[at + 1], spans, room));
  }
  element.replaceChildren(...pieces);
  readings(element, start, end, held.read_);
  return true;
}

/** List ranges that are shown without being spans: what is selected, what was searched for. */
function marked(chunk, room) {
  const { range } = room.choice;
  const picked = range && range[0] < chunk.to && range[1] > chunk.from ? [range] : [];
  return [...picked, ...room.search.near(chunk.from, chunk.to)];
}

/** Write down all that decides how a chunk looks. */
function fingerprint(spans, extra, room, start, end) {
  const parts = spans.map(({ span, status, mark }) => `${span.key} ${status} ${mark?.unsure ?? ""} `
    + `${mark?.note ? 1 : ""} ${span.key === room.choice.key ? 1 : ""}`);
  const read = room.held.read_.filter(([from, to]) => to > start && from < end);
  const found = room.search.places[room.search.now] ?? "";
  return JSON.stringify([parts, extra, extra.length ? found : "", Boolean(room.choice.range), read, room.task]);
}

/** Give each span the lowest lane that is free where it begins. */
function lanes(spans) {
  const ends = [];
  for (const one of spans) {
    let lane = ends.findIndex((end) => end <= one.span.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = one.span.end;
    one.lane = Math.min(lane, 4);
  }
}

function borders(chunk, spans, extra, room) {
  const edges = new Set([chunk.from, chunk.to]);
  const add = (at) => {
    if (at > chunk.from && at < chunk.to) edges.add(at);
  };
  for (const { span } of spans) {
    add(span.from);
    add(span.to);
    for (const part of span.parts ?? []) part.forEach((at) => add(room.offsets.toUnits(at)));
  }
  for (const [from, to] of extra) [from, to].forEach(add);
  room.task.slice(1).forEach((at) => add(room.offsets.toUnits(at)));
  return [...edges].sort((a, b) => a - b);
}

function piece(text, from, to, spans, room) {
  const words = document.createTextNode(text.slice(from, to));
  const over = spans.filter(({ span }) => span.from <= from && span.to >= to);
  const found = room.search.kind(from, to);
  const picked = room.choice.range && room.choice.range[0] <= from && room.choice.range[1] >= to;
  const outside = to <= room.limits[0] || from >= room.limits[1];
  if (!over.length && !found && !picked && !outside) return words;
  const element = document.createElement("span");
  element.append(words);
  const names = ["piece"];
  if (found) names.push(found);
  if (picked) names.push("picked");
  if (outside) names.push("outside");
  if (over.length) decorate(element, names, over, from, to, room);
  element.className = names.join(" ");
  return element;
}

function decorate(element, names, over, from, to, room) {
  const layers = [];
  const inner = over[over.length - 1];
  for (const one of over) {
    const colour = `var(--label-${room.colour(one.span.label)})`;
    const gap = inGap(one.span, from, to, room);
    layers.push(line(one, colour, gap));
    if (one.mark?.unsure) names.push("unsure");
    if (room.choice.key === one.span.key) {
      names.push("chosen");
      if (one.span.from === from) names.push("first");
      if (one.span.to === to) names.push("last");
    }
  }
  if (inner.status !== "rejected") layers.push(tint(inner, `var(--label-${room.colour(inner.span.label)})`));
  names.push(inner.status);
  if (over.length > 1) names.push("several");
  const { style } = element;
  style.backgroundImage = layers.map((one) => one.image).join(",");
  style.backgroundSize = layers.map((one) => one.size).join(",");
  style.backgroundPosition = layers.map((one) => one.place).join(",");
  style.backgroundRepeat = layers.map((one) => one.repeat).join(",");
  const ends = over.filter(({ span }) => span.to === to);
  const live = ends.filter(({ status }) => status !== "rejected");
  const ending = live.length ? live : ends;
  if (ending.length) {
    element.dataset.tag = ending.map((one) => tag(one)).join(" ");
    style.setProperty("--colour", `var(--label-${room.colour(ending[0].span.label)})`);
  }
}

/** Whether a piece lies between the parts of a span, and so is none of it. */
function inGap(span, from, to, room) {
  if (!span.parts) return false;
  const at = room.offsets.toPoints(from);
  return !span.parts.some(([start, end]) => start <= at && at < end);
}

/** Say what a span is: its label, how sure the model is of it, how sure the annotator. */
function tag({ span, status, mark }) {
  let says = span.label;
  if (status === "suggested" && span.confidence !== null) {
    says += ` ${Math.round(span.confidence * 100)}`;
  }
  if (mark?.unsure) says += " ?";
  if (mark?.note) says += " \u270e";
  return says;
}

function line({ status, lane }, colour, gap) {
  const place = `0 calc(100% - ${lane * LANE}px)`;
  if (gap) return dashes(colour, place, 1, 2, 4);
  if (status === "suggested") return dashes(colour, place, 2, 5, 8);
  if (status === "rejected") return dashes("var(--faint)", place, 1, 2, 5);
  return { image: `linear-gradient(${colour}, ${colour})`, size: "100% 3px", place, repeat: "no-repeat" };
}

function dashes(colour, place, thick, on, all) {
  return {
    image: `linear-gradient(90deg, ${colour} ${on}px, transparent ${on}px)`,
    size: `${all}px ${thick}px`, place, repeat: "repeat-x",
  };
}

/** Shade a span: a suggestion by how sure the model is, a decision in full. */
function tint({ span, status }, colour) {
  const share = status === "suggested" ? 3 + Math.round(11 * (span.confidence ?? 0.5)) : 20;
  const image = `color-mix(in srgb, ${colour} ${share}%, transparent)`;
  return { image: `linear-gradient(${image}, ${image})`, size: "100% 100%", place: "0 0", repeat: "no-repeat" };
}

/** Show beside a chunk how much of it has been read. */
function readings(element, start, end, coverage) {
  const stops = [];
  for (const [from, to] of coverage) {
    if (to <= start || from >= end) continue;
    const share = (at) => Math.round((Math.min(Math.max(at, start), end) - start) / (end - start) * 1000) / 10;
    stops.push(`transparent ${share(from)}%, var(--read) ${share(from)}%, var(--read) ${share(to)}%, transparent ${share(to)}%`);
  }
  element.style.borderImage = stops.length ? `linear-gradient(to bottom, ${stops.join(",")}) 1` : "";
  element.classList.toggle("has-read", stops.length > 0);
}
