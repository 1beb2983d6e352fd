import type { Model, PrunableWeight } from "@espalier/onnx";
import { DecoderWriter, type SharedParts } from "./decoder-writer.js";
import type { Decoder, EncodingPlan, Refusal } from "./encoding.js";
import { ENCODINGS } from "./encodings.js";
import { opsetIn } from "./opset-changes.js";
import { planWithin, tooLarge } from "./split-plan.js";
import type { StoredValues, ValueOptions } from "./values/value-format.js";
import { VALUE_FORMATS } from "./values/value-formats.js";
import type { WeightPlace } from "./weight-place.js";

/** How a weight is to be stored. */
export interface WeightChoice extends ValueOptions {
  /** `dense`, `bitmask`, `gap`, `nm` or `coo`. */
  readonly encoding: string;
  /** `exact`, `float16` or `int8`. @default "exact" */
  readonly values?: string;
}

/** A weight that can be stored as chosen. */
export interface WeightPlan {
  /** What the encoding chose within itself: `gap4`, `2:4`; its name where there is nothing to choose. */
  readonly form: string;
  /** Bytes of tensor data in place of the weight's own, without the tables that all weights share (about 20 kB in all). */
  readonly bytes: number;
  /** Whether the decoded weight has the bits of the weight. */
  readonly exact: boolean;
  /** Version of ONNX's operators that the model or function has to have, and IR version of the model. */
  readonly opset: number;
  readonly irVersion: number;
  /** Writes the decoder of the value `output`. */
  emit(prefix: string, shared: SharedParts, output: string): Decoder;
}

/** Largest value that ONNX Runtime (from 1.27 on) computes when it loads a model; others it computes in every run. */
const FOLD_LIMIT = 2 ** 30;

/** A weight of a model. */
export interface PlacedWeight {
  readonly model: Model;
  readonly weight: PrunableWeight;
  readonly place: WeightPlace;
}

/** Plans how a weight is stored. Reads it some times, one after the other. */
export function weightEncoder({ model, weight, place }: PlacedWeight, choice: WeightChoice): WeightPlan | Refusal {
  const encoding = ENCODINGS.find(({ name }) => name === choice.encoding);
  const format = VALUE_FORMATS.find(({ name }) => name === (choice.values ?? "exact"));
  if (encoding === undefined) return { refused: `there is no encoding "${choice.encoding}"` };
  if (format === undefined) return { refused: `there is no value format "${choice.values}"` };
  const { root } = place;
  if (encoding.notInFunctions !== undefined && root.$typeName === "onnx.FunctionProto") {
    return { refused: `it stands in the function "${root.name}": ${encoding.notInFunctions}` };
  }
  const stored = format.store({ model, weight }, { dequantize: choice.dequantize ?? "multiply" });
  if ("refused" in stored) return stored;
  const plan = planWithin(encoding, stored.tensor, FOLD_LIMIT);
  if ("refused" in plan) return plan;
  const wide = stored.conversion?.largestValue ?? 0;
  if (wide > FOLD_LIMIT)
    return tooLarge(`with ${format.name} values its decoder computes one of ${wide} bytes`, FOLD_LIMIT);
  const opset = opsetIn(model, root, Math.max(encoding.opset, stored.conversion?.opset ?? 0));
  if (typeof opset !== "number") return opset;
  return {
    form: plan.form,
    bytes: plan.bytes + (stored.conversion?.bytes ?? 0),
    exact: format.exact,
    opset,
    irVersion: encoding.irVersion,
    emit: (prefix, shared, output) => decoder(plan, stored, new DecoderWriter(prefix, shared, opset), output),
  };
}

function decoder(
  plan: EncodingPlan,
  { tensor, conversion }: StoredValues,
  writer: DecoderWriter,
  output: string,
): Decoder {
  if (conversion === undefined) plan.emit(writer, tensor.shape, output);
  else conversion.emit(writer, plan.emit(writer, tensor.shape), output);
  return writer.parts();
}
