import { type Model, tensorBytes, type Weight } from "@espalier/onnx";

/** Entries of a tensor that are zero (+0 or −0; for quantised weights the zero point), and all entries. */
export interface ZeroCount {
  readonly total: number;
  readonly zeros: number;
}

/** Bytes an entry takes, of the dtypes whose entries count as parameters wherever they stand. */
const FLOAT_BYTES: Readonly<Record<string, number>> = { float16: 2, bfloat16: 2, float32: 4, float64: 8 };

/** True for tensors whose entries are parameters: every floating-point tensor, and integers that are prunable weights. */
export function isParameter(weight: Weight): boolean {
  return weight.prunable || weight.dtype in FLOAT_BYTES;
}

/** Counts the zeros of a parameter tensor as it would be written now; reads one tensor. */
export function countZeros(model: Model, weight: Weight): ZeroCount {
  return weight.prunable ? zeroValues(weight.read()) : zeroFloats(tensorBytes(model, weight.tensor), FLOAT_BYTES[weight.dtype]!);
}

function zeroValues(values: ArrayLike<number>): ZeroCount {
  let zeros = 0;
  for (let index = 0; index < values.length; index++) if (values[index] === 0) zeros++;
  return { total: values.length, zeros };
}

function zeroFloats(bytes: Uint8Array, size: number): ZeroCount {
  let zeros = 0;
  for (let start = 0; start < bytes.length; start += size) {
    let rest = bytes[start + size - 1]! & 0x7f; // the sign bit does not count
    for (let offset = 0; offset < size - 1; offset++) rest |= bytes[start + offset]!;
    if (rest === 0) zeros++;
  }
  return { total: bytes.length / size, zeros };
}

/** Adds up counts of several tensors. */
export class Tally {
  total = 0;
  zeros = 0;

  add(count: ZeroCount): void {
    this.total += count.total;
    this.zeros += count.zeros;
  }

  /** Fraction of zeros in [0, 1]; 0 when nothing was counted. */
  get sparsity(): number {
    return this.total === 0 ? 0 : this.zeros / this.total;
  }
}
