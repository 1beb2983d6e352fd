import type { MatrixLayout } from "../matrix-layout.js";
import type { NodeReading } from "../node-reading.js";

/** An operator that multiplies a weight with its input, and how it reads that weight as a matrix. */
export interface LinearOperator {
  /** Operator type, with its domain where that is not ONNX's own: `MatMul`, `com.microsoft.FusedMatMul`. */
  readonly op: string;
  /** Names of the inputs, for reasons such as `bias of Conv "x"`. */
  readonly inputs: readonly string[];
  /** Which inputs a weight may stand at; a constant at another input is refused by that input's name. */
  readonly weightInputs: readonly number[];
  /**
   * How the node reads the constant at `reading.input`, or why it is no matrix: a text that completes "MatMul "x" …".
   *
   * @param shape of the constant as it arrives, all sizes at least 1
   */
  matrix(reading: NodeReading, shape: readonly number[]): MatrixLayout | string;
}

/** The reason for a constant whose shape the operator does not allow. */
export function wrongRank(shape: readonly number[], expected: string): string {
  return `reads it with shape [${shape.join(", ")}], where it needs ${expected}`;
}
