// Numbers as the terminal's report writes them: three significant digits and a unit that fits.

const LONG_S = 600;
const SIZES = ["B", "kB", "MB", "GB", "TB"];
const COUNTS = ["", "k", "M", "G", "T"];
export const UNKNOWN = "?";

/** A number of at least 0 in fixed notation with so many significant digits; whole above. */
export function significant(value, digits = 3) {
  if (!(value > 0)) return "0";
  let magnitude = Math.floor(Math.log10(value));
  const rounded = Number(value.toPrecision(digits));
  if (rounded >= 10 ** (magnitude + 1)) magnitude += 1;
  return rounded.toFixed(Math.max(digits - 1 - magnitude, 0));
}

/** Seconds: `1.24 s`, `340 ms`, `45 µs`, `12m05s`, `1h02m`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return "0 s";
  if (seconds >= LONG_S) return longDuration(seconds);
  for (const [scale, unit] of [[1, "s"], [1e-3, "ms"]]) {
    const number = significant(seconds / scale);
    if (Number(number) >= 1) return `${number} ${unit}`;
  }
  return seconds < 0.5e-6 ? "<1 µs" : `${Math.max(seconds * 1e6, 1).toFixed(0)} µs`;
}

function longDuration(seconds) {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const two = (number) => String(number).padStart(2, "0");
  return minutes < 60 ? `${minutes}m${two(whole % 60)}s` : `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
}

/** A share of 1 with one decimal. */
export function percent(share) {
  if (share === null || share === undefined) return UNKNOWN;
  if (share > 0 && share < 0.0005) return "<0.1%";
  const text = (share * 100).toFixed(1);
  return { "100.0": "100%", "0.0": "0%", "-0.0": "0%" }[text] ?? `${text}%`;
}

/** A share of 1 without decimals. */
export function wholePercent(share) {
  if (share === null || share === undefined) return UNKNOWN;
  return share > 0 && share < 0.005 ? "<1%" : `${(share * 100).toFixed(0)}%`;
}

/** A count: exact below 10,000. */
export function count(number) {
  if (number === null || number === undefined) return UNKNOWN;
  if (Math.abs(number) < 10_000) return String(Math.round(number));
  return scaled(number, 1000, COUNTS, "");
}

/** A size in bytes, decimal units. */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return UNKNOWN;
  return Math.abs(bytes) < 999.5 ? `${bytes} B` : scaled(bytes, 1000, SIZES, " ");
}

function scaled(number, by, units, joint) {
  let value = Math.abs(number);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= by;
    unit += 1;
  }
  return `${number < 0 ? "-" : ""}${significant(value)}${joint}${units[unit]}`;
}

/** Money. */
export function usd(dollars) {
  if (dollars === null || dollars === undefined) return UNKNOWN;
  if (dollars < 0) return `-${usd(-dollars)}`;
  if (dollars === 0) return "$0";
  if (dollars >= 999.5) return `$${Math.round(dollars).toLocaleString("en-US")}`;
  if (dollars >= 0.995) return `$${dollars.toFixed(2)}`;
  return dollars < 1e-7 ? "<$0.0000001" : `$${significant(dollars, 2)}`;
}

/** A rate. */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return UNKNOWN;
  return perSecond > 0 && perSecond < 0.1 ? `${significant(perSecond * 60, 2)}/min` : `${significant(perSecond)}/s`;
}

/** A count with its noun. */
export function plural(number, noun, many = `${noun}s`) {
  return `${count(number)} ${number === 1 ? noun : many}`;
}
