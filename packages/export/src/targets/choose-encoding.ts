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

/**
 * Chooses the encoding of the fewest bytes among those that {@link TARGET_RULES} allow, and the weight as it is where it
 * saves less than {@link LEAST_SAVING}. Reads the weight some times.
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
  const { choice, form, bytes } = possible.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  if (bytes > before * (1 - LEAST_SAVING)) {
    return stays(`no encoding saves ${100 * LEAST_SAVING} % of its bytes (the smallest, ${form}: ${bytes})`);
  }
  const saved = `${Math.round(100 * (1 - bytes / before))} % smaller`;
  return { choice, form, bytes, reason: `the smallest of ${possible.map((one) => one.form).join(", ")}: ${saved}` };
}
