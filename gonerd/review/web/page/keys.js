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

/** Let keys do what the table says. */
export function listen(table, deeds, typing) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey && event.key.length === 1) return;
    const target = event.target;
    if (target.closest?.("dialog")) return;
    const name = nameOf(event);
    const field = target.matches?.("input, textarea, select");
    if (field) {
      if (name === "escape" || name === "enter" || name === "shift+enter") typing(name, event);
      return;
    }
    const pressed = (name === "enter" || name === "space") && target.matches?.("button, a, summary");
    if (pressed) return;
    const wish = table[name] ?? (event.ctrlKey && event.shiftKey && name === "ctrl+z" ? "redo" : undefined);
    const real = event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "z" ? "redo" : wish;
    if (!real || !deeds.can(real)) return;
    event.preventDefault();
    deeds.do(real);
  });
}
