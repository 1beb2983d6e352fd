import type { Tensor } from "../tensor.js";
import { decodeNpy } from "./npy.js";
import { openZip } from "./zip.js";

/** Options of {@link decodeNpz}. */
export interface NpzOptions {
  /** Most bytes that the arrays may have together once decompressed. @default 2 GiB */
  readonly maxBytes?: number;
  /** Name of the file, for messages. @default "npz" */
  readonly name?: string;
}

/** A thousand images of 3 × 224 × 224 floats are 0.6 GB; above this, several files are kinder to memory than one. */
const TWO_GIB = 2 ** 31;

/**
 * Decodes a `.npz` file, as `numpy.savez` and `numpy.savez_compressed` write it.
 *
 * @returns array name (without `.npy`) → array, in the archive's order. Entries that are no `.npy` are left out
 * @throws {RunnerError} `bad-samples` with `entry` and `offset`; nothing is allocated for sizes that cannot be true
 * @see {@link decodeNpy} for the types that are read
 */
export function decodeNpz(bytes: Uint8Array, options: NpzOptions = {}): ReadonlyMap<string, Tensor> {
  const { maxBytes = TWO_GIB, name = "npz" } = options;
  const arrays = new Map<string, Tensor>();
  for (const file of openZip(bytes, { maxBytes, name })) {
    if (!file.name.endsWith(".npy")) continue;
    arrays.set(file.name.slice(0, -4), decodeNpy(file.read(), `${name}, entry ${JSON.stringify(file.name)}`));
  }
  return arrays;
}
