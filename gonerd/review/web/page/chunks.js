// A text into chunks that are laid out one by one, so that only those in view need be there.

const USUAL = 1200;
const MOST = 4000;

/** Split a text: after a line where there is one in time, else after a word, else anywhere. */
export function split(text) {
  const starts = [0];
  let at = 0;
  while (at < text.length) {
    at = cut(text, at);
    starts.push(at);
  }
  if (starts.length === 1) starts.push(0);
  return Int32Array.from(starts);
}

function cut(text, from) {
  if (text.length - from <= USUAL) return text.length;
  const line = text.indexOf("\n", from + USUAL);
  if (line >= 0 && line < from + MOST) return line + 1;
  if (text.length - from <= MOST) return text.length;
  for (let at = from + MOST; at > from + USUAL; at--) {
    if (/\s/u.test(text[at - 1]) && !/\s/u.test(text[at])) return at;
  }
  let at = from + MOST;
  while (at < text.length && belongs(text, at)) at++;
  return at;
}

/** Whether a unit belongs to the character before it: half of a pair, a mark, or joined to it. */
function belongs(text, at) {
  const code = text.charCodeAt(at);
  if (code >= 0xdc00 && code <= 0xdfff) return true;
  if (text[at] === "\u200d" || text[at - 1] === "\u200d") return true;
  return /^\p{M}/u.test(String.fromCodePoint(text.codePointAt(at)));
}

/** Guess the lines of a chunk, each of so many characters. */
export function lines(text, start, end, wide) {
  let count = 0;
  let at = start;
  while (at < end) {
    let next = text.indexOf("\n", at);
    if (next < 0 || next >= end) next = end;
    count += Math.max(1, Math.ceil((next - at) / wide));
    at = next + 1;
  }
  return Math.max(1, count);
}
