import type { Sample, Tensor } from "@espalier/runtime";
import type { Shard } from "../collect/shard.js";
import { codec } from "./codec.js";
import type { ShardMessage } from "./messages.js";

/** A tensor whose numbers are elsewhere; texts are here. */
type PackedTensor =
  | { readonly dtype: Exclude<Tensor["dtype"], "string">; readonly dims: readonly number[]; readonly offset: number }
  | Extract<Tensor, { dtype: "string" }>;

interface PackedShard extends Omit<Shard, "samples"> {
  readonly samples: readonly Readonly<Record<string, PackedTensor>>[];
}

/** Views need their offset to be a multiple of their element size, which is at most this. */
const ALIGNMENT = 8;

const head = codec<PackedShard>();

/**
 * Main thread → worker: copies the numbers once.
 *
 * @param spare memory for the numbers, used if it is large enough: pages that were touched before are several times as fast
 */
export function encodeShard(shard: Shard, spare?: ArrayBuffer): ShardMessage {
  const copies: ((target: Uint8Array) => void)[] = [];
  let size = 0;
  const pack = (tensor: Tensor): PackedTensor => {
    if (tensor.dtype === "string") return tensor;
    const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    const offset = size;
    copies.push((target) => target.set(bytes, offset));
    size = Math.ceil((offset + bytes.length) / ALIGNMENT) * ALIGNMENT;
    return { dtype: tensor.dtype, dims: tensor.dims, offset };
  };
  const samples = shard.samples.map((sample) => mapTensors(sample, pack));
  const numbers = spare !== undefined && spare.byteLength >= size ? spare : new ArrayBuffer(size);
  const target = new Uint8Array(numbers);
  for (const copy of copies) copy(target);
  return { head: head.encode({ ...shard, samples }), numbers };
}

/** The shard again; its tensors are views of the message. */
export function decodeShard({ head: bytes, numbers }: ShardMessage): Shard {
  const shard = head.decode(bytes);
  const unpack = (tensor: PackedTensor): Tensor => {
    if (tensor.dtype === "string") return tensor;
    const { dtype, dims, offset } = tensor;
    const length = dims.reduce((product, size) => product * size, 1);
    // All of them are made in the same way; TypeScript would want to know which one it is.
    const Class = ARRAY_CLASSES[dtype] as Float32ArrayConstructor;
    return { dtype, dims, data: new Class(numbers, offset, length) } as Tensor;
  };
  return { ...shard, samples: shard.samples.map((sample) => mapTensors(sample, unpack) as Sample) };
}

function mapTensors<From, To>(sample: Readonly<Record<string, From>>, map: (tensor: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(sample).map(([name, tensor]) => [name, map(tensor)]));
}

const ARRAY_CLASSES = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} as const;
