import type { Random } from "./random.js";

/** The same items in random order (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], stream: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = stream.int(last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
