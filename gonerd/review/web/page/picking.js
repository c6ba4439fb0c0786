// The mouse: a click on a span chooses it, a selection of text is what may become one.

/** Let the mouse choose. With alt or ctrl held, a selection is taken as it is, else whole tokens. */
export function listen(room) {
  const { view } = room;
  let from = null;
  view.canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    view.dragging = true;
    from = [event.clientX, event.clientY];
  });
  const ends = (event) => {
    if (!view.dragging) return;
    const still = from && Math.abs(from[0] - event.clientX) + Math.abs(from[1] - event.clientY) < 4;
    const chosen = room.held && selected(view);
    const exactly = event.altKey || event.ctrlKey || event.metaKey;
    if (chosen && chosen[0] < chosen[1]) take(room, chosen, exactly);
    else if (room.held && still) click(room, event);
    view.release();
  };
  document.addEventListener("pointerup", ends);
  document.addEventListener("pointercancel", () => view.release());
}

function selected(view) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!view.canvas.contains(range.startContainer) || !view.canvas.contains(range.endContainer)) return null;
  const from = view.unitOf(range.startContainer, range.startOffset);
  const to = view.unitOf(range.endContainer, range.endOffset);
  return from === null || to === null ? null : [from, to];
}

async function take(room, [from, to], exactly) {
  const { offsets } = room;
  let [start, end] = [offsets.toPoints(from), offsets.toPoints(to)];
  if (offsets.toUnits(end) < to) end += 1; // half of a character is the whole of it
  const found = exactly ? [start, end] : await room.tokens.whole(start, end);
  getSelection().removeAllRanges();
  if (!found) return;
  const same = room.held.within(found[0], found[1]).find(
    (span) => span.start === found[0] && span.end === found[1] && room.choice.shown(span),
  );
  if (same) room.choice.take(same, "mouse");
  else room.choice.pick(found[0], found[1], "mouse");
}

/** Choose the span under the mouse; again: the one around it. */
function click(room, event) {
  const { offsets, view, choice, held } = room;
  const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const range = caret ? null : document.caretRangeFromPoint?.(event.clientX, event.clientY);
  const node = caret?.offsetNode ?? range?.startContainer;
  const offset = caret?.offset ?? range?.startOffset;
  const onPiece = event.target.closest?.(".piece");
  if (!node || !onPiece || !view.canvas.contains(node)) return choice.drop();
  const unit = view.unitOf(node, offset);
  if (unit === null) return choice.drop();
  const at = offsets.toPoints(unit);
  const here = held.within(Math.max(0, at - 1), at + 1).filter(
    (span) => span.from <= unit && span.to >= unit && choice.shown(span),
  );
  if (!here.length) return choice.drop();
  here.sort((a, b) => (a.end - a.start) - (b.end - b.start));
  const now = here.findIndex((span) => span.key === choice.key);
  return choice.take(here[(now + 1) % here.length], "mouse");
}
