import type { Tensor } from "@espalier/runtime";
import { editDistance, readCharacters } from "@espalier/testkit";

/** Share of the characters of a line that were read right: 1 − edit distance / length, at least 0. */
export default function characterAccuracy(outputs: Record<string, Tensor>, text: string): number {
  const [{ dims, data }] = Object.values(outputs) as [Tensor];
  const [found] = readCharacters({ dims, data: data as Float32Array });
  return Math.max(0, 1 - editDistance(text, found!) / text.length);
}
