import { createHash } from "node:crypto";
import { type Model, tensorBytes, walkTensors } from "@espalier/onnx";
import type { ModelFingerprint } from "../file/statistics-file.js";

/** `TensorProto.DataType.STRING`: texts are part of the structure and have no bytes of their own. */
const STRING = 8;

/**
 * What activations depend on: the structure and the constants, wherever they are stored. Metadata and documentation are
 * not in it. Reads one tensor at a time.
 *
 * @throws {OnnxError} when a tensor cannot be read
 */
export function fingerprintModel(model: Model): ModelFingerprint {
  const { graph, functions, opsetImport } = model.proto;
  return {
    graph: sha256([JSON.stringify([graph, functions, opsetImport], structure)]),
    weights: sha256(weights(model)),
  };
}

function* weights(model: Model): Generator<string | Uint8Array> {
  for (const { tensor, scope } of walkTensors(model.proto)) {
    if (tensor.dataType === STRING) continue;
    const bytes = tensorBytes(model, tensor);
    yield `${JSON.stringify([scope.path, tensor.name, bytes.length])}\n`;
    yield bytes;
  }
}

/** Leaves out how tensors are stored, what is only for people, and writes what JSON does not know as text. */
function structure(key: string, value: unknown): unknown {
  if (key === "docString" || key === "metadataProps") return undefined;
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (!isTensor(value)) return value;
  const { name, dims, dataType, stringData } = value;
  return { name, dims, dataType, stringData };
}

interface TensorFields {
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly dataType: number;
  readonly stringData: readonly Uint8Array[];
}

function isTensor(value: unknown): value is TensorFields {
  return typeof value === "object" && value !== null && "$typeName" in value && value.$typeName === "onnx.TensorProto";
}

function sha256(parts: Iterable<string | Uint8Array>): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
