import { OnnxError } from "./errors.js";
import { type TensorProto, TensorProto_DataLocation } from "./proto.js";
import { quote } from "./quote.js";

/** What the `external_data` entries of a tensor say. */
export interface ExternalEntries {
  /** File, relative to the model's folder, checked by {@link checkLocation}. */
  readonly location: string;
  /** First byte of the tensor in the file. */
  readonly offset: number;
  /** Number of bytes; absent when the entries do not say, the dims decide then. */
  readonly length?: number;
}

/** Whether the tensor's data is in another file. */
export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/**
 * The entries of an external tensor. Of a key that appears twice the last one counts, as in ONNX Runtime.
 *
 * @throws {OnnxError} `malformed` or `external-escape`
 * @see onnx.proto, TensorProto.external_data
 */
export function externalEntries(tensor: TensorProto): ExternalEntries {
  const values = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = values.get("location") ?? "";
  checkLocation(location, tensor.name);
  const offset = byteCount(values.get("offset") ?? "0", "offset", tensor.name);
  const length = values.get("length");
  return length === undefined
    ? { location, offset }
    : { location, offset, length: byteCount(length, "length", tensor.name) };
}

/**
 * Refuses a location that could leave the model's folder, judged by its text alone: absolute paths, `..` and drive
 * letters, with the separators of every system because a model travels between them.
 *
 * @throws {OnnxError} `external-escape`; `malformed` when it is empty or has a NUL character
 */
export function checkLocation(location: string, tensorName?: string): void {
  const where = tensorName === undefined ? "external data" : `external data of tensor ${quote(tensorName)}`;
  if (normalizeLocation(location) === "" || location.includes("\0")) {
    throw new OnnxError("malformed", `${where} names no file: its location is ${quote(location)}`);
  }
  const escapes = /^[\\/]/.test(location) || /^[A-Za-z]:/.test(location) || location.split(/[\\/]/).includes("..");
  if (escapes) {
    const message = `${where} is at ${quote(location)}, outside the model's folder; only files inside it are read`;
    throw new OnnxError("external-escape", message);
  }
}

/** A checked location without `.` and empty parts: one text for one file. */
export function normalizeLocation(location: string): string {
  return location
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

function byteCount(text: string, key: string, tensorName: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  const message = `external data of tensor ${quote(tensorName)} has ${key} ${quote(text)}, which is no byte count`;
  throw new OnnxError("malformed", message);
}
