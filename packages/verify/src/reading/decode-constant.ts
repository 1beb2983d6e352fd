import {
  dtypeName,
  type ExtractedModel,
  makeValueInfo,
  type modelExtractor,
  type TensorProto,
  walkGraphs,
} from "@espalier/onnx";
import type { RunnerOptions, Tensor } from "@espalier/runtime";
import { elementBits } from "../elements.js";
import { isOnnxOperator } from "./operators.js";
import { runAlone } from "./run-alone.js";
import type { BitTensor } from "./widen.js";

/** Operators without inputs, or almost, that put out something else in every run. */
const RANDOM = ["RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"];

/** The name under which a part of a model hands out what it computes. */
export const RESULT = "espalier/read";

/** What cuts parts out of a model. */
export type Extractor = ReturnType<typeof modelExtractor>;

/** What a constant expression computes. */
export type Decoded =
  | ({ readonly ok: true; readonly part: ExtractedModel } & BitTensor)
  | { readonly ok: false; readonly reason: string };

/**
 * Computes a value that depends on constants alone, whatever the nodes are: they are cut out and run by the runtime.
 *
 * @param value name in the judged model
 * @param expected the original's tensor: the type that must come out. The shape may be another one
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function decodeConstant(
  extract: Extractor,
  value: string,
  expected: TensorProto,
  options: RunnerOptions,
): Promise<Decoded> {
  if (dtypeName(expected.dataType) === "string") return failed("it holds texts, which are not read from decoders");
  const part = extract({ outputs: new Map([[value, makeValueInfo(RESULT, expected.dataType)]]) });
  if (part === undefined) return failed("it is not computed from constants alone");
  const nodes = [...walkGraphs(part.model.proto)].flatMap((scope) => scope.nodes);
  const random = nodes.find((node) => isOnnxOperator(node, ...RANDOM));
  if (random !== undefined) return failed(`${random.opType} puts out something else in every run`);
  const run = await runAlone(part.model, options, async (runner) => (await runner.run({}))[RESULT]!);
  if (!run.ok) return failed(run.reason);
  return { ok: true, bits: elementBits(expected, bytesOf(run.value)), dims: run.value.dims, part };
}

function failed(reason: string): Decoded {
  return { ok: false, reason };
}

/** The bytes of a tensor of numbers, at the start of an `ArrayBuffer`. */
function bytesOf({ data }: Tensor): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = data as Float32Array<ArrayBuffer>;
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}
