// Keys into wishes, by the table that page and terminal share.

const NAMES = {
  " ": "space", ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
  PageUp: "pageup", PageDown: "pagedown", Enter: "enter", Escape: "escape", Delete: "delete",
  Backspace: "backspace", Home: "home", End: "end", Tab: "tab",
};

/** Name a key as the table does. */
export function nameOf(event) {
  const named = NAMES[event.key] ?? (event.key.length > 1 ? event.key.toLowerCase() : null);
  const held = event.ctrlKey || event.metaKey ? "ctrl+" : "";
  if (named === null) return held + (held ? event.key.toLowerCase() : event.key);
  return held + (event.altKey ? "alt+" : "") + (event.shiftKey ? "shift+" : "") + named;
}

/** Let keys do what the table says; `typing` hears of escape and enter in a field of the page. */
export function listen(table, deeds, typing) {
  const wishOf = (name, event) => {
    if (name.toLowerCase() === "ctrl+z" && event.shiftKey) return "redo";
    return table[name];
  };
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.altKey && event.key.length === 1)) return;
    const { target } = event;
    if (target.closest?.("dialog")) return;
    const name = nameOf(event);
    if (target.matches?.("input, textarea, select")) {
      if (["escape", "enter", "shift+enter"].includes(name)) typing(name);
      return;
    }
    if (["enter", "space"].includes(name) && target.matches?.("button, a, summary")) return;
    if (deeds.busy) {
      // Typed ahead: what the key means depends on what is being done.
      event.preventDefault();
      const again = new KeyboardEvent("keydown", event);
      deeds.turn.then(() => setTimeout(() => (document.activeElement ?? document).dispatchEvent(again)));
      return;
    }
    const wish = wishOf(name, event);
    if (!wish || !deeds.can(wish)) return;
    event.preventDefault();
    deeds.do(wish);
  });
}
