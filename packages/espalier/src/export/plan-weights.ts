import {
  chooseEncoding,
  encodedSize,
  LEAST_ZEROS,
  TARGET_RULES,
  tensorRtEligibility,
  type WeightChoice,
} from "@espalier/export";
import { countZeros, type Model, type PrunableWeight, tensorByteLength } from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import { breathe } from "../progress.js";
import type { ExportValues, ResolvedExport } from "./export-options.js";

/** How one weight is stored. */
export interface PlannedWeight {
  readonly name: string;
  /** `bitmask`, `gap4`, `gap8`, `2:4`, `coo`, `dense`; lowered ones are not planned here. */
  readonly encoding: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** One sentence. */
  readonly reason: string;
  /** Absent where the weight stays as it is. */
  readonly choice?: WeightChoice;
  /** Whether TensorRT can use its zeros; only for that target. */
  readonly eligible?: boolean;
}

const VALUE_FORMAT: Readonly<Record<ExportValues, string>> = { f32: "exact", f16: "float16", int8: "int8" };

/** What N:M may take of a bitmask's bytes: it stores up to N of every M, also where a group has fewer non-zeros. */
const MOST_OF_BITMASK = 1.25;

/**
 * Decides for every weight how it is stored.
 *
 * @throws {EspalierError} `input` with the name of the weight that cannot be stored as asked
 */
export async function planWeights(
  model: Model,
  weights: readonly PrunableWeight[],
  options: ResolvedExport,
): Promise<readonly PlannedWeight[]> {
  const planned: PlannedWeight[] = [];
  for (const weight of weights) {
    await breathe(options.signal);
    planned.push(planOne(model, weight, options));
    options.onProgress?.({ phase: "apply", done: planned.length, total: weights.length, item: weight.name });
  }
  return planned;
}

function planOne(model: Model, weight: PrunableWeight, options: ResolvedExport): PlannedWeight {
  const { format, target, values } = options;
  if (target === "tensorrt") {
    const { eligible, reason } = tensorRtEligibility(weight);
    const stored = values === "f32" ? dense(weight, reason) : asked(model, weight, "dense", options);
    return { ...stored, reason, eligible };
  }
  if (format === "blocks") return dense(weight, "not lowered");
  if (format === "auto") return automatic(model, weight, options);
  const share = zeroShare(model, weight);
  const isPruned = share >= LEAST_ZEROS || options.force;
  if (format !== "dense" && isPruned) return asked(model, weight, format, options);
  const reason = format === "dense" ? "asked for" : `${percent(share)} zeros: it is not pruned`;
  return values === "f32" ? dense(weight, reason) : asked(model, weight, "dense", options);
}

function automatic(model: Model, weight: PrunableWeight, { target, values }: ResolvedExport): PlannedWeight {
  const chosen = chooseEncoding(model, weight, target, VALUE_FORMAT[values]);
  const { choice, form, bytes, reason } = chosen;
  return {
    name: weight.name,
    encoding: form,
    bytesBefore: tensorByteLength(weight.tensor),
    bytesAfter: bytes,
    reason,
    ...(choice && { choice }),
  };
}

function asked(model: Model, weight: PrunableWeight, encoding: string, options: ResolvedExport): PlannedWeight {
  const { dequantize } = TARGET_RULES[options.target];
  const choice: WeightChoice = { encoding, values: VALUE_FORMAT[options.values], dequantize };
  const size = encodedSize(model, weight, choice);
  const bytesBefore = tensorByteLength(weight.tensor);
  if ("refused" in size) throw cannotStore(weight, encoding, size.refused, options);
  if (encoding === "nm" && !options.force) requireGroups(model, weight, options);
  const reason = `asked for: ${percent(size.bytes / bytesBefore)} of dense`;
  return { name: weight.name, encoding: size.form, bytesBefore, bytesAfter: size.bytes, reason, choice };
}

/**
 * Most zeros fit some N:M, such as 7:8, which then stores most of the zeros: that is not what `nm` is asked for. Judged by the
 * weight as it is: rounding may make more zeros, which say nothing about its pattern.
 */
function requireGroups(model: Model, weight: PrunableWeight, options: ResolvedExport): void {
  const groups = encodedSize(model, weight, { encoding: "nm" });
  const bits = encodedSize(model, weight, { encoding: "bitmask" });
  if ("refused" in groups || "refused" in bits || groups.bytes <= bits.bytes * MOST_OF_BITMASK) return;
  const found = `its zeros are not N:M: the closest, ${groups.form}, takes ${groups.bytes} bytes and bitmask ${bits.bytes}`;
  throw cannotStore(weight, "nm", found, options);
}

function cannotStore(
  { name }: PrunableWeight,
  encoding: string,
  why: string,
  { values }: ResolvedExport,
): EspalierError {
  const as = values === "f32" ? encoding : `${encoding} with ${values} values`;
  return new EspalierError(
    "input",
    `weight "${name}" cannot be stored as ${as}: ${why}; choose another format, auto, or exclude it`,
  );
}

function dense(weight: PrunableWeight, reason: string): PlannedWeight {
  const bytes = tensorByteLength(weight.tensor);
  return { name: weight.name, encoding: "dense", bytesBefore: bytes, bytesAfter: bytes, reason };
}

/** Fraction of zeros of a weight. */
export function zeroShare(model: Model, weight: PrunableWeight): number {
  const { zeros, total } = countZeros(model, weight);
  return zeros / total;
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
