// Questions to the server, which is the one the page came from.

/** The server cannot be reached, or does not answer in time. */
export class Away extends Error {}

/** The server refuses a question; `status` says why, `message` in words. */
export class Wrong extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", cache: "no-cache", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away("the server is away");
  }
  return response;
}

async function good(response) {
  if (response.ok) return response;
  let says = `${response.status}`;
  try {
    says = (await response.json()).wrong ?? says;
  } catch { /* no words came with it */ }
  throw new Wrong(response.status, says);
}

const query = (values) => new URLSearchParams(
  Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
);

/** Get an answer as JSON. */
export async function get(what, values = {}, options = {}) {
  return (await good(await ask(`/api/${what}?${query(values)}`, options))).json();
}

/** Get a text, every character of it: a mark at its beginning is a character too. */
export async function getText(id) {
  const response = await good(await ask(`/api/text?${query({ document: id })}`));
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(await response.arrayBuffer());
}

/** Send something, and get [status, answer]; every answer is taken, also one that refuses. */
export async function post(what, body, options = {}) {
  const response = await ask(`/api/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...options,
  });
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    throw new Away("the server did not finish its answer");
  }
  return [response.status, answer];
}
