// Elements from names, properties and children. Text becomes text, never markup: there is no other
// way to make an element in this page.

/** Make an element; a child that is a string is text. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
    } else if (key in element && typeof value !== "string") {
      element[key] = value;
    } else {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((one) => one !== null && one !== undefined));
  return element;
}

/** Make a button. */
export function button(says, call, properties = {}) {
  return make("button", { type: "button", on: { click: call }, ...properties }, says);
}

/** Find an element of the page. */
export const the = (id) => document.getElementById(id);

/** Say something to who cannot see it. */
export function say(words) {
  const live = the("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = words; });
}

/** Shorten words in the middle. */
export function short(words, most = 60) {
  const flat = [...words.replace(/\s+/gu, " ").trim()];
  if (flat.length <= most) return flat.join("");
  const half = Math.floor((most - 1) / 2);
  return `${flat.slice(0, half).join("")}\u2026${flat.slice(-half).join("")}`;
}

/** Write a number with blanks between thousands. */
export const number = (value) => value.toLocaleString("en");
