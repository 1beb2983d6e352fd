import type { AttributeProto, Model, NodeProto, TensorProto } from "@espalier/onnx";

/** A tensor of the original that the judged model does not store as it is, made dense again. */
export interface ReadTensor {
  /** The name of the value in the original. */
  readonly name: string;
  /**
   * `decoded`: constants compute it. `lowered`: other operators stand in the place of the one that read it. `narrowed`: it has
   * fewer indices along some axes, stored as it is or decoded. `moved`: it stood in a `Constant` node and is an initializer.
   */
  readonly how: "decoded" | "lowered" | "narrowed" | "moved";
  /** The tensor in the original: its type and shape. */
  readonly original: TensorProto;
  /** Little-endian elements in buffer order, fresh on every call. */
  readonly bytes: () => Uint8Array<ArrayBuffer>;
  /** With `narrowed`: its shape in the judged model. */
  readonly dims?: readonly number[];
  /** Tensors of the judged model that the numbers come from. */
  readonly constants: readonly TensorProto[];
  /** The model that these are tensors of. */
  readonly source: Model;
}

/** A prunable weight of the original that could not be found in the judged model. */
export interface UnreadWeight {
  readonly name: string;
  /** Completes "it cannot be read from the pruned model: ". */
  readonly reason: string;
}

/** The judged model as it is read. */
export interface Reading {
  /** The judged model, every weight dense that the original has dense; the judged model itself where all are. */
  readonly model: Model;
  /** By the names of weights, the tensors that had to be made dense. */
  readonly tensors: ReadonlyMap<string, ReadTensor>;
  readonly unread: readonly UnreadWeight[];
  /** Of subgraphs and functions, by their paths, the values that were made dense in them. */
  readonly nested: ReadonlyMap<string, ReadonlySet<string>>;
  /** Names of values of the judged model that are gone with decoders and lowered operators. */
  readonly dropped: ReadonlySet<string>;
}

/** What of the judged model's main graph has to change so that tensors are dense and their readers the original's. */
export interface Restoration {
  readonly tensors: readonly ReadTensor[];
  /** Nodes and initializers of the judged model that go, unless something that stays reads them. */
  readonly nodes: ReadonlySet<NodeProto>;
  readonly initializers: ReadonlySet<TensorProto>;
  /** Nodes that are to read other values: node → input → value. */
  readonly inputs: ReadonlyMap<NodeProto, ReadonlyMap<number, string>>;
  /** Nodes that are to have other attributes. */
  readonly attributes: ReadonlyMap<NodeProto, AttributeProto[]>;
  /** Nodes of the original that stand in the place of one of the judged model's. */
  readonly instead: ReadonlyMap<NodeProto, readonly NodeProto[]>;
}
