import { dtypeName } from "../dtype.js";
import type { Model } from "../model.js";
import { tensorBytes } from "../tensor-bytes.js";
import { tensorChunks } from "../tensor-chunks.js";
import { entryCount } from "./buffer-order.js";
import { type ConstantSource, constantSources } from "./constant-sources.js";
import { indexScopes } from "./index-scopes.js";
import { MAX_RANK } from "./node-reading.js";
import type { BytesOf, ChunksOf } from "./read-values.js";
import type { Scope } from "./scope.js";
import { directConsumers, Tracer } from "./trace.js";
import { UniqueNames } from "./unique-names.js";
import type { Weight, WeightBase } from "./weight.js";
import { weightFrom } from "./weight-from-findings.js";

const TRACED: ReadonlySet<string> = new Set(["float32", "float64", "float16", "bfloat16", "int8", "uint8"]);

/**
 * Every constant numeric tensor of a model, each once: those that linear operators multiply with, as matrices over their own
 * buffers, and the others with the reason why they cannot be pruned. What a tensor is, its consumers decide, found through
 * nodes that only move or convert it, into and out of subgraphs and functions.
 *
 * Order: the main graph, then its subgraphs, training graphs, functions; in each initializers before `Constant` nodes.
 * Time grows with the nodes of the model; values are read only for shapes that Reshape and the
 * like take from a tensor, and where several DequantizeLinear nodes read one weight, for their scales and zero points.
 *
 * @throws {OnnxError} what `tensorBytes` throws, when such values cannot be read
 */
export function prunableWeights(model: Model): readonly Weight[] {
  const bytesOf: BytesOf = (tensor) => tensorBytes(model, tensor);
  const chunksOf: ChunksOf = (tensor) => tensorChunks(model, tensor);
  const index = indexScopes(model.proto);
  const tracer = new Tracer(index, bytesOf);
  const names = new UniqueNames();
  const weightOf = (scope: Scope, source: ConstantSource): Weight => {
    const location = { place: { scope, frame: undefined }, name: source.name };
    const dtype = dtypeName(source.tensor.dataType);
    const shape = source.dims.map(Number);
    const name = source.name || "(unnamed)";
    const base: Omit<WeightBase, "consumers"> = {
      name: names.add(scope.kind === "main" ? name : `${scope.path}/${name}`),
      tensor: source.tensor,
      dtype,
      shape,
    };
    const reason = refusal(scope, source, shape);
    if (reason !== undefined) return { ...base, consumers: directConsumers(location), prunable: false, reason };
    return weightFrom(base, tracer.trace({ ...location, dtype, shape }), bytesOf, chunksOf);
  };
  return index.scopes.flatMap((scope) => constantSources(scope).map((source) => weightOf(scope, source)));
}

/** Why a tensor cannot be pruned whoever reads it. */
function refusal(scope: Scope, { name, tensor, sparse }: ConstantSource, shape: readonly number[]): string | undefined {
  const dtype = dtypeName(tensor.dataType);
  if (scope.kind === "training") return "part of the training algorithm, which inference does not run";
  if (sparse) return "stored as a sparse tensor: only dense tensors can be pruned";
  if (!TRACED.has(dtype)) {
    return `its values are ${dtype}: only float32, float64, float16, bfloat16, and int8 or uint8 behind DequantizeLinear can be pruned`;
  }
  if (shape.length > MAX_RANK) return `it has ${shape.length} dimensions, more than ${MAX_RANK}`;
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(entryCount(shape))) {
    return `its shape is [${shape.join(", ")}], which no tensor can have`;
  }
  if (entryCount(shape) === 0) return `its shape is [${shape.join(", ")}], so that it has no entries`;
  if (scope.ambiguous.has(name)) return "named like another value of its graph, so that its consumers are unknown";
  return undefined;
}
