import { editDistance, readCharacters } from "@espalier/testkit";
import { texts } from "./lines.js";

/** The share of a line's characters that the model read right: 1 − edit distance / length, at least 0. */
export default function characterAccuracy(outputs: Record<string, unknown>, _label: unknown, sample: number): number {
  const [scores] = Object.values(outputs) as [Parameters<typeof readCharacters>[0]];
  const [found] = readCharacters(scores);
  const text = texts[sample]!;
  return Math.max(0, 1 - editDistance(text, found!) / text.length);
}
