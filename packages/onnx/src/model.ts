import type { ByteSource } from "./byte-source.js";
import type { ModelProto, TensorProto } from "./proto.js";
import type { Span, TensorLocation } from "./tensor-location.js";

/** A decoded model, never changed: `withTensorData` and `withMetadata` return new ones that share everything untouched. */
export interface Model {
  /**
   * The structure: graphs, nodes, names, attributes, shapes. Numeric data of tensors is not in it (their lists and
   * `rawData` are empty): read it with `tensorBytes`. Not to be changed: what is written comes from the file, not from here.
   */
  readonly proto: ModelProto;
  /** Where the bytes are. For this package only; may change between versions. */
  readonly storage: ModelStorage;
}

/** Where a model's bytes are and what is to be changed in them. */
export interface ModelStorage {
  /** The `.onnx` file as it was read. */
  readonly source: ByteSource;
  /** Every tensor of the model. */
  readonly tensors: ReadonlyMap<TensorProto, TensorLocation>;
  /** Records of `metadata_props`, in the order of `proto.metadataProps`. */
  readonly metadata: readonly Span[];
  /** The file at an external location; opened on first use. */
  readonly external: (location: string) => ByteSource;
  /** New data of tensors. */
  readonly edits: ReadonlyMap<TensorProto, TensorData>;
  /** New values of metadata keys. */
  readonly metadataEdits: ReadonlyMap<string, string>;
}

/**
 * Computes a tensor's bytes: little-endian elements in buffer order, as `tensorBytes` returns them, in one array or in
 * pieces of any length. A piece has to be valid only until the next one is asked for; nothing writes into it.
 */
export type TensorData = () => Uint8Array | Iterable<Uint8Array>;
