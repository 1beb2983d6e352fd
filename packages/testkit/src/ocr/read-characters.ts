import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ocrModelPath } from "../ocr-models.js";

let loaded: readonly string[] | undefined;

/** What each of the 6625 classes of PP-OCR's recognition stands for: nothing (CTC's blank), the characters of its list, a space. */
export function ocrCharacters(): readonly string[] {
  loaded ??= Object.freeze(["", ...listed(), " "]);
  return loaded;
}

function listed(): string[] {
  const text = readFileSync(join(dirname(ocrModelPath("recognition")), "ppocr_keys_v1.txt"), "utf8");
  return text.replace(/\n$/, "").split("\n");
}

/**
 * The texts that scores say, by greedy CTC decoding: the best class of each step (the lowest of equals), repetitions
 * merged, blanks dropped, spaces at both ends cut off.
 *
 * @param scores of each class at each step, `dims` `[lines, steps, characters.length]`, row-major; logits or probabilities
 * @param characters what the classes stand for; class 0 is the blank
 * @throws {RangeError} when the scores have another number of classes
 * @see Graves et al. 2006, section 3.2 (best path decoding)
 */
export function readCharacters(
  scores: { readonly dims: readonly number[]; readonly data: Float32Array },
  characters: readonly string[] = ocrCharacters(),
): string[] {
  const [lines, steps, classes] = scores.dims as [number, number, number];
  if (scores.dims.length !== 3 || classes !== characters.length) {
    throw new RangeError(`scores [${scores.dims.join(", ")}] are not of ${characters.length} characters`);
  }
  const best = Array.from({ length: lines * steps }, (_, step) => {
    return bestOf(scores.data.subarray(step * classes, (step + 1) * classes));
  });
  return Array.from({ length: lines }, (_, line) => {
    const path = best.slice(line * steps, (line + 1) * steps);
    const kept = path.filter((label, step) => label !== 0 && label !== path[step - 1]);
    return kept
      .map((label) => characters[label]!)
      .join("")
      .trim();
  });
}

function bestOf(scores: Float32Array): number {
  let best = 0;
  for (let index = 1; index < scores.length; index++) if (scores[index]! > scores[best]!) best = index;
  return best;
}
