import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tensor } from "@espalier/runtime";
import { RecoverError } from "../recover-error.js";

/** A tensor in memory, or in a file of its raw bytes. */
type Stored = { readonly bytes: number } & (
  | { readonly tensor: Tensor }
  | { readonly type: TensorType; readonly path: string; readonly view: (bytes: ArrayBuffer) => Tensor["data"] }
);

type TensorType = Pick<Tensor, "dtype" | "dims">;

/** The values that the batches hand from stage to stage: in memory as far as that is allowed, else in files. */
export class CarriedValues {
  readonly #folder: string;
  readonly #memory: number;
  readonly #batches: Map<string, Stored>[] = [];
  #inMemory = 0;
  #total = 0;
  #files = 0;
  #peak = 0;

  /**
   * @param folder for the files; whoever made it removes it
   * @param memory most bytes in memory
   */
  constructor(folder: string, memory: number) {
    this.#folder = folder;
    this.#memory = memory;
  }

  /** Number of batches that have values. */
  get batches(): number {
    return this.#batches.length;
  }

  /** Most bytes that were held at a time, in memory and in files. */
  get peak(): number {
    return this.#peak;
  }

  /** Type and sizes of the values of the first batch. */
  types(): ReadonlyMap<string, TensorType> {
    const first = this.#batches[0] ?? new Map<string, Stored>();
    return new Map([...first].map(([name, stored]) => [name, "tensor" in stored ? stored.tensor : stored.type]));
  }

  /** @throws {RecoverError} `read-failed` */
  async read(batch: number, names: readonly string[]): Promise<Record<string, Tensor>> {
    const values = this.#batches[batch]!;
    const loaded = names.map(async (name) => [name, await load(values.get(name)!)] as const);
    return Object.fromEntries(await Promise.all(loaded));
  }

  /**
   * Adds values to a batch.
   *
   * @throws {RecoverError} `write-failed`
   */
  async add(batch: number, tensors: Readonly<Record<string, Tensor>>): Promise<void> {
    this.#batches[batch] ??= new Map();
    const values = this.#batches[batch];
    for (const [name, tensor] of Object.entries(tensors)) {
      const bytes = byteLength(tensor);
      this.#total += bytes;
      this.#peak = Math.max(this.#peak, this.#total);
      if (tensor.dtype === "string" || this.#inMemory + bytes <= this.#memory) {
        this.#inMemory += bytes;
        values.set(name, { bytes, tensor });
      } else values.set(name, { bytes, ...(await this.#spill(tensor)) });
    }
  }

  /** Forgets all values of a batch but some. */
  async keep(batch: number, isKept: (name: string) => boolean): Promise<void> {
    const values = this.#batches[batch]!;
    for (const [name, stored] of values) {
      if (isKept(name)) continue;
      values.delete(name);
      this.#total -= stored.bytes;
      if ("tensor" in stored) this.#inMemory -= stored.bytes;
      else await rm(stored.path, { force: true });
    }
  }

  async #spill(tensor: Exclude<Tensor, { dtype: "string" }>) {
    const { dtype, dims, data } = tensor;
    const path = join(this.#folder, `${this.#files++}.bin`);
    const Class = data.constructor as Float32ArrayConstructor;
    try {
      await writeFile(path, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } catch (cause) {
      await rm(path, { force: true });
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `activations cannot be written to ${path}: ${reason}. Allow more memory, or name a larger disk with TMPDIR`;
      throw new RecoverError("write-failed", message, { path, cause });
    }
    return { type: { dtype, dims }, path, view: (bytes: ArrayBuffer) => new Class(bytes) };
  }
}

async function load(stored: Stored): Promise<Tensor> {
  if ("tensor" in stored) return stored.tensor;
  const { type, path, view } = stored;
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path);
    // A small file may come as a part of a shared buffer, at any offset.
    const bytes = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    return { ...type, data: view(bytes) } as Tensor;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecoverError("read-failed", `activations cannot be read from ${path}: ${reason}`, { path, cause });
  }
}

function byteLength({ dtype, data }: Tensor): number {
  return dtype === "string" ? data.reduce((sum, text) => sum + 2 * text.length, 0) : data.byteLength;
}
