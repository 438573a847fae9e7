// Light and dark: as the system has it, unless the reader chooses.

import { el } from "./dom.js";

const KEY = "lgprof-theme";
const listeners = [];

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // no storage on this page
  }
}

function store(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it then holds for this visit
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function tell() {
  for (const listener of listeners) listener();
}

/** Call when colours have changed. */
export function onTheme(listener) {
  listeners.push(listener);
}

/** What a custom property is as a colour, right now. */
export function colour(name) {
  const probe = el("i", { css: { color: `var(${name})` } });
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** The switch. */
export function themeSwitch() {
  const chosen = stored();
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
  const button = el("button", { type: "button", class: "theme", role: "switch", "aria-label": "Dark colours" });
  const update = () => {
    button.setAttribute("aria-checked", String(isDark()));
    button.textContent = isDark() ? "☾" : "☀";
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    store(document.documentElement.dataset.theme);
    update();
    tell();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    update();
    tell();
  });
  update();
  return button;
}
