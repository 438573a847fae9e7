// One floating note for whatever the pointer or the focus is on.

import { el } from "./dom.js";

let box = null;

function note() {
  if (box === null) {
    box = el("div", { class: "tip", role: "tooltip", id: "tip" });
    document.body.append(box);
  }
  return box;
}

function place(x, y) {
  const { offsetWidth: width, offsetHeight: height } = note();
  const left = Math.min(Math.max(x + 14, 8), window.innerWidth - width - 8);
  const below = y + 18 + height < window.innerHeight;
  note().style.left = `${Math.max(left, 8)}px`;
  note().style.top = `${below ? y + 18 : Math.max(y - height - 12, 8)}px`;
}

function show(lines, x, y) {
  const [title, ...rest] = lines;
  note().replaceChildren(el("strong", null, title), ...rest.map((line) => el("span", null, line)));
  note().classList.add("shown");
  place(x, y);
}

/** Put the note away. */
export function hideTip() {
  box?.classList.remove("shown");
}

/** Show `lines()` (the first is a title) while an element inside `root` that `find` knows is hovered or focused. */
export function tips(root, find, lines) {
  const target = (event) => event.target instanceof Element && event.target.closest(find);
  root.addEventListener("pointermove", (event) => {
    const found = target(event);
    if (found && root.contains(found)) show(lines(found), event.clientX, event.clientY);
    else hideTip();
  });
  root.addEventListener("pointerleave", hideTip);
  root.addEventListener("focusin", (event) => {
    const found = target(event);
    if (!found || !found.matches(":focus-visible")) return;
    const { left, bottom } = found.getBoundingClientRect();
    show(lines(found), left, bottom - 12);
  });
  root.addEventListener("focusout", hideTip);
}

window.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});
