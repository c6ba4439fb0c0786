// What the page says of itself: whether all is saved, what was done, what went wrong.

import { make, number, the } from "./dom.js";

const REASONS = { away: "Server away", disk: "Cannot be saved", link: "Link refused", refused: "Refused" };

/** Say at the top of the page whether all is saved. */
export function tellSaved({ waiting, away, kept }, unreachable) {
  const here = kept === false ? "; do not close this page" : "; they are kept here and sent again";
  let [state, says] = ["saved", "Saved"];
  if (away || unreachable) {
    const reason = REASONS[away || "away"];
    state = "away";
    says = waiting.length ? `${reason}: ${number(waiting.length)} not saved${here}` : reason;
  } else if (waiting.length) [state, says] = ["saving", "Saving\u2026"];
  const place = the("saved");
  if (place.textContent !== says) place.textContent = says;
  place.dataset.state = state;
}

let timer = 0;

/** Say something under the top of the page; what matters stays until it is closed. */
export function notice(words, stays = false) {
  const place = the("notice");
  clearTimeout(timer);
  place.hidden = !words;
  place.classList.toggle("stays", stays);
  if (!words) return;
  place.replaceChildren(make("p", {}, words),
    make("button", { type: "button", "aria-label": "Close", on: { click: () => notice(null) } }, "\u00d7"));
  if (!stays) timer = setTimeout(() => notice(null), 5000);
}
