import { expect, test } from "vitest";
import { STYLE } from "./style.js";

/** The variables of the light and of the dark look. */
const [LIGHT, DARK] = STYLE.split("prefers-color-scheme: dark").map(
  (part) => new Map([...part.matchAll(/--(\w+): (#[0-9a-f]{6});/g)].map(([, name, color]) => [name!, color!])),
) as [Map<string, string>, Map<string, string>];

/** Relative luminance by WCAG 2.2. */
function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
}

test.each([
  ["light", LIGHT],
  ["dark", DARK],
])("text is readable and marks are seen on every background: %s", (_, colors) => {
  const low: string[] = [];
  for (const background of ["paper", "card"]) {
    const least = (name: string): number => (/^s\d$/.test(name) ? 3 : 4.5);
    for (const name of ["ink", "soft", "accent", "good", "bad", "s1", "s2", "s3", "s4", "s5", "s6"]) {
      const ratio = contrast(colors.get(name)!, colors.get(background)!);
      if (!(ratio >= least(name))) low.push(`${name} on ${background}: ${ratio.toFixed(2)}`);
    }
  }
  expect(low).toEqual([]);
});

test("both looks define the same colours, and no other is used", () => {
  expect([...LIGHT.keys()]).toEqual([...DARK.keys()]);
  const used = new Set([...STYLE.matchAll(/var\(--(\w+)\)/g)].map(([, name]) => name!));
  for (const name of used) expect(LIGHT.has(name), name).toBe(true);
});
