// How the annotator wants things to look, kept in the browser.

const KEY = "gonerd-look";
const USUAL = { hideRejected: false, hideSuggested: false, goOn: true, size: 18 };

/** Give the look of last time. */
export function lastLook() {
  try {
    return { ...USUAL, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return { ...USUAL };
  }
}

/** Keep a look for next time. */
export function keepLook(look) {
  try {
    localStorage.setItem(KEY, JSON.stringify(look));
  } catch { /* it is so for this page alone */ }
}
