import {
  dtypeName,
  type Model,
  type TensorData,
  type TensorEntry,
  type TensorProto,
  tensorBytes,
  tensorChunks,
  walkTensors,
  withTensorData,
} from "@espalier/onnx";
import { RecoverError } from "../recover-error.js";

/** New data of a tensor, as it is stored. */
export interface TensorEdit {
  readonly tensor: TensorProto;
  readonly bytes: Uint8Array;
}

/**
 * A model as it was and as it is so far: one graph, with tensors that differ. Tensors are named by the objects of the graph
 * that inputs were laid out in; added ones are the same in both.
 */
export class ModelPair {
  readonly #dense: Model;
  readonly #counterparts: ReadonlyMap<TensorProto, TensorProto>;
  readonly #differing = new Set<TensorProto>();
  #pruned: Model;

  /**
   * @param laidOut `dense` or `current`, with nodes behind their own
   * @throws {RecoverError} `bad-option` when the two are not one graph with other numbers
   */
  constructor(laidOut: Model, dense: Model, current: Model) {
    this.#dense = dense;
    this.#counterparts = pairs(laidOut, dense);
    const edits = new Map<TensorProto, TensorData>();
    for (const [tensor, now] of pairs(laidOut, current)) {
      const before = this.#counterparts.get(tensor)!;
      if (sameBytes(dense, before, current, now)) continue;
      this.#differing.add(tensor);
      edits.set(tensor, () => tensorChunks(current, now));
    }
    this.#pruned = withTensorData(laidOut, edits);
    for (const entry of walkTensors(laidOut.proto)) if (this.differs(entry.tensor)) requireInGraph(entry);
  }

  /** The model as it is so far. */
  get pruned(): Model {
    return this.#pruned;
  }

  /** Whether a tensor holds something else than in the dense model. */
  differs(tensor: TensorProto): boolean {
    return this.#differing.has(tensor);
  }

  /** What a tensor holds in the dense model. */
  denseData(tensor: TensorProto): TensorData {
    const before = this.#counterparts.get(tensor)!;
    return () => tensorChunks(this.#dense, before);
  }

  /**
   * Gives tensors new data, for all that is run from now on.
   *
   * @throws {RecoverError} `bad-option` for a tensor of another model
   */
  change(edits: readonly TensorEdit[]): void {
    for (const { tensor, bytes } of edits) {
      const before = this.#counterparts.get(tensor);
      if (before === undefined) {
        const message = `the tensor ${JSON.stringify(tensor.name)} with new values is none of the dense model`;
        throw new RecoverError("bad-option", message);
      }
      if (Buffer.compare(tensorBytes(this.#dense, before), bytes) === 0) this.#differing.delete(tensor);
      else this.#differing.add(tensor);
    }
    this.#pruned = withTensorData(this.#pruned, new Map(edits.map(({ tensor, bytes }) => [tensor, () => bytes])));
  }
}

/**
 * The tensors of the first model that the second has too.
 *
 * @throws {RecoverError} `bad-option` when the second has one that the first lacks, or of another size
 */
function pairs(laidOut: Model, other: Model): Map<TensorProto, TensorProto> {
  const theirs = byPlace(other);
  const found = new Map<TensorProto, TensorProto>();
  for (const [place, tensor] of byPlace(laidOut)) {
    const counterpart = theirs.get(place);
    if (counterpart === undefined) continue;
    if (!sameType(tensor, counterpart)) throw otherGraph(tensor);
    found.set(tensor, counterpart);
    theirs.delete(place);
  }
  for (const tensor of theirs.values()) throw otherGraph(tensor);
  return found;
}

/** Tensors by where they stand; those of one place are numbered. */
function byPlace(model: Model): Map<string, TensorProto> {
  const counts = new Map<string, number>();
  const tensors = new Map<string, TensorProto>();
  for (const { tensor, scope, role, node, attribute } of walkTensors(model.proto)) {
    const place = JSON.stringify([scope.path, role, node?.output, attribute?.name, tensor.name]);
    const count = counts.get(place) ?? 0;
    counts.set(place, count + 1);
    tensors.set(`${place} ${count}`, tensor);
  }
  return tensors;
}

function sameType(a: TensorProto, b: TensorProto): boolean {
  return a.dataType === b.dataType && a.dims.join() === b.dims.join();
}

function sameBytes(first: Model, a: TensorProto, second: Model, b: TensorProto): boolean {
  if (first === second || dtypeName(a.dataType) === "string") return true;
  return Buffer.compare(tensorBytes(first, a), tensorBytes(second, b)) === 0;
}

/** Sparse tensors and bodies of functions exist once, for both models. */
function requireInGraph({ tensor, scope, role }: TensorEntry): void {
  const isDense = role === "initializer" || role === "attribute";
  if (isDense && scope.path[0] === "main") return;
  const where = isDense ? scope.path.join("/") : "a sparse tensor";
  const message = `the tensor ${JSON.stringify(tensor.name)} differs between the dense and the current model, but it is in ${where}, which cannot be run in two versions. Start from a model in which it is as it was`;
  throw new RecoverError("bad-option", message);
}

function otherGraph(tensor: TensorProto): RecoverError {
  const what = `${JSON.stringify(tensor.name)} [${tensor.dims.join(", ")}]`;
  const message = `the dense and the current model are not one graph with other numbers: the tensor ${what} is only in one of them`;
  return new RecoverError("bad-option", message);
}
