/**
 * Limits for files from strangers. Each is far above what real models need and low enough that a hostile file of any
 * size is refused before it costs more memory or stack than a large real model.
 */

/** Nested messages and groups. The default of every protobuf library, ONNX Runtime's included; 33 nested subgraphs. */
export const MAX_DEPTH = 100;

/** Bytes of a whole `.onnx` file: protobuf lengths are signed 32-bit in most readers, so nobody could load more. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/**
 * Estimated bytes of the decoded structure (nodes, names, attributes, shapes; no tensor values) in JavaScript objects.
 * Without it a file of empty 2-byte messages takes 300 times its size. 512 MiB is a million nodes, five times the largest
 * real graphs, and fits the default heap of Node on a machine with 2 GB.
 */
export const MAX_STRUCTURE_BYTES = 512 * 2 ** 20;

/** Estimated heap bytes of one decoded thing, measured with protobuf-es on Node 20 and rounded up. */
export const COST = {
  /** A message: object, lists, an entry in its parent. */
  message: 512,
  /** A tensor's place in the file, on top of its message. */
  tensor: 512,
  /** A stretch of numeric data, a record that may have to be replaced. */
  span: 128,
  /** A field nobody knows: record and byte view. */
  unknown: 256,
  /** A string or bytes value, on top of its bytes. */
  text: 192,
  /** A number in a list, 64-bit ones being bigint. */
  number: 56,
} as const;
