import {
  encodeModel,
  externalDataFiles,
  type Model,
  makeValueInfo,
  modelExtractor,
  type PrunableWeight,
  tensorBytes,
  walkGraphs,
  walkTensors,
} from "@espalier/onnx";
import { openRunner, type RunnerOptions, type Tensor } from "@espalier/runtime";
import { EspalierError } from "../errors.js";
import type { ExportValues } from "./export-options.js";
import { roundingBounds } from "./rounding-bounds.js";

/** What a decoder is checked against. */
export interface DecoderCheck {
  readonly exported: Model;
  readonly original: Model;
  /** Of the original. */
  readonly weight: PrunableWeight;
  readonly values: ExportValues;
}

/**
 * Runs the decoder of one weight alone and compares what comes out with the weight: bit for bit with `f32`, within half a
 * step of the stored numbers otherwise.
 *
 * @returns the largest distance of an entry; undefined where the decoder cannot be taken out of the graph
 * @throws {EspalierError} `input` where they differ: a bug, so that nothing is handed out
 * @throws {RunnerError} when the runtime refuses the decoder
 */
export async function checkDecoder(check: DecoderCheck, runnerOptions: RunnerOptions): Promise<number | undefined> {
  const { original, weight, values } = check;
  const decoder = decoderModel(check);
  if (decoder === undefined) return undefined;
  const externalData = externalDataFiles(decoder);
  const runner = await openRunner(encodeModel(decoder), { ...runnerOptions, externalData });
  try {
    const decoded = (await runner.run({})).decoded!;
    if (values !== "f32") return largestDistance(decoded, weight, values);
    const stored = tensorBytes(original, weight.tensor);
    if (Buffer.compare(bytesOf(decoded), stored) === 0) return 0;
    throw new EspalierError("input", `weight "${weight.name}" does not come out of its decoder as it went in`);
  } finally {
    await runner.close();
  }
}

/** The nodes and initializers that compute one weight, as a model without inputs. */
function decoderModel({ exported, original, weight: { tensor, shape } }: DecoderCheck): Model | undefined {
  const entry = [...walkTensors(original.proto)].find((one) => one.tensor === tensor);
  const value = entry?.role === "attribute" ? entry.node?.output[0] : tensor.name;
  const path = entry?.scope.path.join("/");
  const scope = [...walkGraphs(exported.proto)].find((one) => one.path.join("/") === path);
  if (value === undefined || scope === undefined) return undefined;
  const outputs = new Map([[value, makeValueInfo("decoded", tensor.dataType, shape)]]);
  return modelExtractor(exported, scope)({ outputs })?.model;
}

function bytesOf({ data }: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function largestDistance(decoded: Tensor, weight: PrunableWeight, values: "f16" | "int8"): number | undefined {
  if (decoded.dtype !== "float32" && decoded.dtype !== "float64") return undefined;
  const expected = weight.read();
  const bounds = roundingBounds(weight, expected, values);
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const distance = Math.abs(decoded.data[index]! - expected[index]!);
    largest = Math.max(largest, distance);
    if (distance <= bounds(index)) continue;
    const message = `weight "${weight.name}" is off by ${distance} at entry ${index}, more than ${values} rounds: ${bounds(index)}`;
    throw new EspalierError("input", message);
  }
  return largest;
}
