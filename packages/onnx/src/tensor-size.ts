import { dtypeName, elementSize } from "./dtype.js";
import { OnnxError } from "./errors.js";
import type { TensorProto } from "./proto.js";
import { quote } from "./quote.js";

/**
 * Number of elements of a tensor: the product of its dims, 1 without dims.
 *
 * @throws {OnnxError} `malformed` when a dim is negative; `shape-mismatch` when the product is no safe integer
 */
export function elementCount(tensor: TensorProto): number {
  const negative = tensor.dims.find((dim) => dim < 0n);
  if (negative !== undefined) throw new OnnxError("malformed", `${describe(tensor)} has the negative dim ${negative}`);
  if (tensor.dims.includes(0n)) return 0;
  let count = 1;
  for (const dim of tensor.dims) {
    count *= Number(dim);
    if (count > Number.MAX_SAFE_INTEGER) {
      throw new OnnxError("shape-mismatch", `${describe(tensor)} would have more elements than any file can hold`);
    }
  }
  return count;
}

/**
 * Number of bytes of a tensor's data: elements × element size, rounded up to whole bytes for 4-bit and 2-bit types.
 *
 * @throws {OnnxError} `malformed`, `shape-mismatch`, `unsupported-dtype`
 */
export function tensorByteLength(tensor: TensorProto): number {
  let size: number;
  try {
    size = elementSize(tensor.dataType);
  } catch (cause) {
    const message = `${describe(tensor)} holds ${dtypeName(tensor.dataType)} values (data type ${tensor.dataType}), not numbers of a fixed size`;
    throw new OnnxError("unsupported-dtype", message, { cause });
  }
  return Math.ceil(elementCount(tensor) * size);
}

/** The tensor as messages name it. */
export function describe(tensor: TensorProto): string {
  const dims = tensor.dims.length > 8 ? `${tensor.dims.length} dims` : `[${tensor.dims.join(", ")}]`;
  return `tensor ${quote(tensor.name)} (${dtypeName(tensor.dataType)} ${dims})`;
}
