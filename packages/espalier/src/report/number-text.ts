import { bytesText } from "../bytes-text.js";

/** A few digits, `–` for nothing, `∞` for an error relative to an output of zeros. */
export function figureText(value: number | null, digits = 4): string {
  if (value === null) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : String(value);
  return minus(String(Number(value.toPrecision(digits))));
}

/** `50.0 %` of a fraction. */
export function shareText(fraction: number): string {
  return `${minus((100 * fraction).toFixed(1))}\u00a0%`;
}

/** `1.23 ms`. */
export function timeText(milliseconds: number): string {
  return `${Number(milliseconds.toPrecision(3))}\u00a0ms`;
}

/** How a size changed: `−34.1 %`. */
export function changeText(before: number, after: number): string {
  const change = 100 * (after / before - 1);
  return `${change > 0 ? "+" : ""}${minus(change.toFixed(1))}\u00a0%`;
}

/** What a check measured or allows, in its unit. */
export function measureText(check: string, value: number | null): string {
  if (value === null) return "–";
  if (check === "sparsity") return shareText(value);
  if (check === "bytes") return bytesText(value);
  return check === "speedup" ? `${figureText(value)}×` : figureText(value);
}

/** A true minus sign, as wide as the digits beside it. */
function minus(text: string): string {
  return text.replace("-", "−");
}
