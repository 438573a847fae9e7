// The bar that stays at the top: sections, the filter, the colours.

import { el } from "./dom.js";
import { chooseNode, onChoice } from "./selection.js";
import { themeSwitch } from "./theme.js";

function chip() {
  const button = el("button", { type: "button", class: "chip", hidden: true, onclick: () => chooseNode(null) });
  onChoice((path) => {
    button.hidden = path === null;
    button.replaceChildren(el("span", null, `node ${path}`), el("span", { "aria-hidden": "true" }, " ✕"));
    button.setAttribute("aria-label", `Filtered by node ${path}: show all`);
  });
  return button;
}

/** Fill the bar with links to the sections that are there. */
export function topBar(root, name, sections) {
  const links = sections.map((each) => {
    const link = el("a", { href: `#${each.id}` }, each.querySelector("h2")?.textContent ?? "Top");
    return el("li", null, link);
  });
  const nav = el("nav", { "aria-label": "Sections" }, el("ul", null, ...links));
  root.append(el("a", { class: "brand", href: "#main" }, name), nav, chip(), themeSwitch());
  const seen = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const link = links[sections.indexOf(entry.target)].firstChild;
        if (entry.isIntersecting) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-15% 0px -75% 0px" },
  );
  sections.forEach((each) => seen.observe(each));
  window.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, .flame, .timeline");
    if (event.key === "Escape" && !typing) chooseNode(null);
  });
}
