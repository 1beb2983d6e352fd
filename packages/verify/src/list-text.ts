/** Texts for a message, the first three of them: `a, b, c and 4 more`. */
export function listText(texts: readonly string[]): string {
  const more = texts.length > 3 ? ` and ${texts.length - 3} more` : "";
  return `${texts.slice(0, 3).join(", ")}${more}`;
}
