import type { NewTensor, NodeProto, ValueInfoProto, WeightAxis } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";

/** Bytes of an element. */
export type ElementSize = 1 | 2 | 4 | 8;

/** A weight as it is to come out of a decoder: the elements that an encoding stores, lossless. */
export interface StoredTensor {
  /** `TensorProto_DataType` number of an element. */
  readonly dataType: number;
  readonly elementSize: ElementSize;
  /** Row-major. */
  readonly shape: readonly number[];
  /** Factors of the buffer by their role, outermost first, as `PrunableWeight.axes`. */
  readonly axes: readonly WeightAxis[];
  /** The elements, little-endian, at the start of an `ArrayBuffer` of their own. Computed again on every call. */
  read(): Uint8Array<ArrayBuffer>;
}

/** Why something cannot be done, as one sentence that completes "it stays dense: ". */
export interface Refusal {
  readonly refused: string;
}

/** How a tensor will be stored. */
export interface EncodingPlan {
  /** What was chosen within the encoding: `gap4`, `2:4`. The encoding's name where there is nothing to choose. */
  readonly form: string;
  /** Bytes of tensor data in the file, without tables that all weights share. */
  readonly bytes: number;
  /** Bytes of the largest value that the decoder computes; 0 without nodes. */
  readonly largestValue: number;
  /**
   * Writes the initializers and nodes that compute the tensor.
   *
   * @param shape of the result: the tensor's own, or another one with as many elements
   * @param output name of the result; @default one that the writer makes
   * @returns the name of the result
   */
  emit(writer: DecoderWriter, shape: readonly number[], output?: string): string;
}

/**
 * A way to store a tensor with zeros so that the graph itself expands it. To add one: a file with an `Encoding`, a line in
 * `encodings.ts`; the contract suite then runs on it.
 */
export interface Encoding {
  readonly name: string;
  /** Oldest version of ONNX's operators that its nodes need; 0 without nodes. */
  readonly opset: number;
  /** Oldest IR version that the model needs. */
  readonly irVersion: number;
  /** Why it cannot stand in a function, as the end of a sentence. @default it can */
  readonly notInFunctions?: string;
  /** Reads the tensor once, and decides. Every element whose bits are not all zero has to come back bit for bit. */
  plan(tensor: StoredTensor): EncodingPlan | Refusal;
}

/** What a decoder adds to a graph. */
export interface Decoder {
  readonly initializers: readonly NewTensor[];
  readonly nodes: readonly NodeProto[];
  /** Shapes of values that cannot be told from the nodes. */
  readonly valueInfos: readonly ValueInfoProto[];
}
