import {
  dtypeName,
  elementCount,
  type Model,
  type NewTensor,
  type SparseTensorProto,
  type TensorData,
  type TensorProto,
  tensorBytes,
  tensorChunks,
  withFields,
} from "@espalier/onnx";
import type { Constant } from "./stage-graph.js";

/**
 * A constant of a model as an initializer of another one, its data read when that is written.
 *
 * @param name of the value
 * @param data of a dense constant @default what it holds in the model
 */
export function asInitializer(
  model: Model,
  constant: Constant,
  name: string,
  data?: TensorData,
): TensorProto | NewTensor {
  if ("sparse" in constant) return sparseInitializer(model, constant.sparse, name);
  const { tensor } = constant;
  // Texts are part of the message.
  if (dtypeName(tensor.dataType) === "string") return withFields(tensor, { name });
  return { name, ...typeOf(tensor, tensor.dims), data: data ?? (() => tensorChunks(model, tensor)) };
}

function sparseInitializer(model: Model, { values, indices, dims }: SparseTensorProto, name: string): NewTensor {
  const count = elementCount(values!);
  const sizes = dims.map(Number);
  return {
    name,
    ...typeOf(values!, dims),
    data: () => tensorChunks(model, values!),
    sparse: {
      count,
      indices: () => linearIndices(new BigInt64Array(tensorBytes(model, indices!).buffer), count, sizes),
    },
  };
}

/** Places of the stored elements as row-major indices; the file may name them by their coordinates, `[count, rank]`. */
function linearIndices(stored: BigInt64Array, count: number, dims: readonly number[]): Uint8Array {
  if (stored.length === count) return new Uint8Array(stored.buffer);
  const linear = BigInt64Array.from({ length: count }, (_, entry) =>
    dims.reduce((index, size, axis) => index * BigInt(size) + stored[entry * dims.length + axis]!, 0n),
  );
  return new Uint8Array(linear.buffer);
}

function typeOf({ dataType }: TensorProto, dims: readonly bigint[]) {
  return { dataType, dims: dims.map(Number) };
}
