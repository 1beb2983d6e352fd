import { type Model, type PrunableWeight, tensorByteLength } from "@espalier/onnx";
import { encodedSize } from "../encode-weights.js";
import type { WeightChoice } from "../encodings/weight-encoder.js";
import { type ExportTarget, LEAST_SAVING, TARGET_RULES } from "./target-rules.js";

/** How a weight is best stored for a target. */
export interface ChosenEncoding {
  /** Absent where the weight stays as it is. */
  readonly choice?: WeightChoice;
  /** The encoding with what was chosen within it: `gap4`, `2:4`, `dense`. */
  readonly form: string;
  /** Bytes of the weight's data then. */
  readonly bytes: number;
  /** One sentence. */
  readonly reason: string;
}

/** What an encoding may take more than the smallest one if the rules prefer it: it loads in less time and memory. */
const LOADING_IS_WORTH = 0.02;

/**
 * Chooses the encoding of the fewest bytes among those that {@link TARGET_RULES} allow, the first of those within 2 % of it,
 * and the weight as it is where that saves less than {@link LEAST_SAVING}. Reads the weight some times.
 *
 * @param values the value format: `exact`, `float16` or `int8`; a weight that cannot have it keeps its values, and the reason says so
 * @throws {OnnxError} when the weight cannot be read
 */
export function chooseEncoding(
  model: Model,
  weight: PrunableWeight,
  target: ExportTarget,
  values: string,
): ChosenEncoding {
  const before = tensorByteLength(weight.tensor);
  const stays = (reason: string): ChosenEncoding => ({ form: "dense", bytes: before, reason });
  const { encodings, dequantize, reason } = TARGET_RULES[target];
  const allowed = encodings.filter(({ automatic }) => automatic).map(({ encoding }) => encoding);
  if (allowed.length === 0) return stays(reason);
  const tried = ["dense", ...allowed].map((encoding) => {
    const choice: WeightChoice = { encoding, values, dequantize };
    return { choice, size: encodedSize(model, weight, choice) };
  });
  const possible = tried.flatMap(({ choice, size }) => ("refused" in size ? [] : [{ choice, ...size }]));
  // The first encoding's reason: nm has reasons of its own, which are not the model's.
  const refusal = tried.slice(1).flatMap(({ size }) => ("refused" in size ? size.refused : []))[0];
  if (possible.length === 0 && values !== "exact") {
    const asItIs = chooseEncoding(model, weight, target, "exact");
    return { ...asItIs, reason: `not as ${values}: ${refusal}; ${asItIs.reason}` };
  }
  if (possible.every(({ form }) => form === "dense") && values === "exact") return stays(refusal!);
  const smallest = possible.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  const most = before * (1 - LEAST_SAVING);
  if (smallest.bytes > most) {
    return stays(
      `no encoding saves ${100 * LEAST_SAVING} % of its bytes (the smallest, ${smallest.form}: ${smallest.bytes})`,
    );
  }
  const enough = Math.min(most, smallest.bytes * (1 + LOADING_IS_WORTH));
  const { choice, form, bytes } = possible.find((one) => one.bytes <= enough)!;
  const saved = `${Math.round(100 * (1 - bytes / before))} % smaller`;
  const among = `of ${possible.map((one) => one.form).join(", ")}: ${saved}`;
  const why =
    bytes === smallest.bytes ? "the smallest" : `as small as ${smallest.form} but for 2 %, and loads more easily,`;
  return { choice, form, bytes, reason: `${why} ${among}` };
}
