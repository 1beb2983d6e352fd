import { ARRAY_CLASSES } from "./dtype-arrays.js";
import { describeType, elementCount, type Tensor, type ValueInfo } from "./tensor.js";

/** Why a tensor does not fit an input. */
export interface Misfit {
  readonly expected: string;
  readonly found: string;
}

// C strings end at NUL and UTF-8 has no lone surrogates: ONNX Runtime cuts the one off and replaces the other, silently.
const LOSSY_TEXT = /[\0\p{Surrogate}]/u;

/**
 * Compares a tensor with what the model says about an input: dtype, rank, fixed sizes, and that the tensor is consistent
 * in itself (array class, length, bools of 0 and 1, text that ONNX Runtime passes on unharmed).
 *
 * @returns what was expected and what was found, or `undefined` when the tensor fits
 */
export function tensorMisfit(info: ValueInfo, tensor: Tensor): Misfit | undefined {
  return shapeMisfit(info, tensor) ?? dataMisfit(tensor);
}

/** The part of {@link tensorMisfit} that the declared type decides: dtype, rank and fixed sizes. */
export function shapeMisfit(info: ValueInfo, tensor: Pick<Tensor, "dtype" | "dims">): Misfit | undefined {
  const badDim = tensor.dims.find((dim) => !Number.isSafeInteger(dim) || dim < 0);
  if (badDim !== undefined) return { expected: "dims that are integers of at least 0", found: describeType(tensor) };
  const anyRank = info.dims.length === 0;
  const fits =
    tensor.dtype === info.dtype &&
    (anyRank || tensor.dims.length === info.dims.length) &&
    info.dims.every((dim, axis) => typeof dim !== "number" || dim === tensor.dims[axis]);
  return fits ? undefined : { expected: describeType(info), found: describeType(tensor) };
}

function dataMisfit(tensor: Tensor): Misfit | undefined {
  const { dtype, dims, data } = tensor;
  const arrayName = dtype === "string" ? "Array" : ARRAY_CLASSES[dtype].name;
  // By tag, not instanceof: arrays may come from another realm (an iframe, a vm context).
  const foundName = Array.isArray(data) ? "Array" : String(Reflect.get(data as object, Symbol.toStringTag));
  if (foundName !== arrayName) return { expected: `${dtype} data in a ${arrayName}`, found: foundName };
  const length = elementCount(dims);
  if (data.length !== length)
    return { expected: `${length} elements for dims [${dims.join(", ")}]`, found: String(data.length) };
  if (dtype === "bool") return elementMisfit(data, (value) => value > 1, "bools of 0 and 1");
  if (dtype === "string") return elementMisfit(data, isUnfitText, "well-formed texts without NUL");
  return undefined;
}

function isUnfitText(value: unknown): boolean {
  return typeof value !== "string" || LOSSY_TEXT.test(value);
}

function elementMisfit<T>(data: ArrayLike<T>, unfit: (value: T) => boolean, expected: string): Misfit | undefined {
  for (let i = 0; i < data.length; i++) {
    if (unfit(data[i]!)) return { expected, found: `${JSON.stringify(data[i])} at index ${i}` };
  }
  return undefined;
}
