// Elements without markup: all text goes in as text.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "css") for (const [key, each] of Object.entries(value)) node.style.setProperty(key, each);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An HTML element. `css` sets style properties, `data` the data set, `onNAME` a listener. */
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same of SVG. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

/** A section of the page with its heading. */
export function section(id, title, note, ...children) {
  const heading = el("h2", { id: `${id}-title` }, title);
  return el(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    el("div", { class: "head" }, heading, note && el("p", { class: "note" }, note)),
    ...children,
  );
}

/** Pairs of label and value. */
export function factList(facts, className = "facts") {
  return el(
    "dl",
    { class: className },
    ...facts.map(([label, value]) => el("div", null, el("dt", null, label), el("dd", null, value))),
  );
}

/** What stands where there is nothing to show. */
export function nothing(text) {
  return el("p", { class: "nothing" }, text);
}

/** A group of choices of which one holds: a segmented control that the arrow keys move in. */
export function choice(label, options, chosen, onchange) {
  const name = `choice-${label.replace(/\W+/g, "-")}`;
  return el(
    "fieldset",
    { class: "choice" },
    el("legend", { class: "hidden" }, label),
    ...options.map(([value, text]) =>
      el(
        "label",
        null,
        el("input", { type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value) }),
        el("span", null, text),
      ),
    ),
  );
}
