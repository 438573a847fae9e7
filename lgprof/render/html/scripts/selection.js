// The node that everything is filtered by, and who wants to know.

const listeners = [];
let chosen = null;

/** Path of the chosen node, or null. */
export function chosenNode() {
  return chosen;
}

/** Choose a node; the same one again, or null, shows all. */
export function chooseNode(path) {
  chosen = path === chosen ? null : path;
  for (const listener of listeners) listener(chosen);
}

/** Call now and whenever the choice changes. */
export function onChoice(listener) {
  listeners.push(listener);
  listener(chosen);
}

/** Whether a node's path is the chosen one or lies inside it; with no choice, always. */
export function isChosen(path) {
  return chosen === null || path === chosen || (path ?? "").startsWith(`${chosen}/`);
}

/** A node's name as a button that filters by it. */
export function nodeButton(el, path, text = path) {
  return el(
    "button",
    { class: "node-link", type: "button", title: `Filter by ${path}`, onclick: () => chooseNode(path) },
    text,
  );
}
