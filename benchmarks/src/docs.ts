import { readFileSync, writeFileSync } from "node:fs";

/**
 * Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->` in a document.
 *
 * @throws {Error} when the document has no such markers
 */
export function replaceBetweenMarkers(path: string, name: string, content: string): void {
  const text = readFileSync(path, "utf8");
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = text.indexOf(open);
  const end = text.indexOf(close);
  if (start < 0 || end < start) throw new Error(`${path} has no markers ${open} … ${close}`);
  writeFileSync(path, `${text.slice(0, start + open.length)}\n${content}\n${text.slice(end)}`);
}
