import type { NodeProto, PrunableWeight } from "@espalier/onnx";
import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { GraphAdditions } from "./graph-additions.js";
import type { LaidOut } from "./lay-out.js";
import type { Shapes } from "./shapes/infer-shapes.js";
import type { Sizes } from "./sizes.js";

/** What operators measure with. */
export interface Measuring {
  /** Where nodes are added. */
  readonly graph: GraphAdditions;
  readonly shapes: Shapes;
  readonly sizes: Sizes;
  /** Name of the input `[batch, seq]` that tells which tokens count, if there is one. */
  readonly mask: string | undefined;
  /** Whether ONNX Runtime keeps values of convolutions in blocks of channels. */
  readonly blocked: boolean;
  /** Whether the graph runs again and again, as the body of a Loop or Scan: then its positions may be those of one token. */
  readonly repeated: boolean;
}

/** A weight at one of the nodes that multiply with it. */
export interface Site {
  readonly weight: PrunableWeight;
  readonly node: NodeProto;
  /** The input of the node at which the weight arrives. */
  readonly input: number;
}

/** Names of the values that hold what one run says about a weight. */
export interface Measurement {
  /** float32: `Σ x²`, row-major `[groups, inFeatures]`, or `Σ x · xᵀ`, `[groups, inFeatures, inFeatures]`. Of any shape. */
  readonly sums: string;
  /** int64, one number: positions (tokens, pixels) that the sums run over. */
  readonly count: string;
}

/** Measures the inputs of weights at one kind of node. */
export interface MeasuredOperator {
  /** Operator types, with the domain where that is not ONNX's own. */
  readonly ops: readonly string[];
  /**
   * Adds the nodes that reduce what the node multiplies with the weight to `Σ x²`.
   *
   * @throws {Unmeasurable}
   */
  measure(site: Site, measuring: Measuring): Measurement;
  /**
   * Adds the nodes that lay out what the node multiplies with the weight, at the positions that count.
   *
   * @throws {Unmeasurable} where that is not known how
   */
  layOut(site: Site, measuring: Measuring): LaidOut;
}

/**
 * The other factor of a product as float32. Squares of float16 would overflow from 256 on, so it is cast before; where the
 * weight itself stands at the node as float32, its other factor is float32 too.
 */
export function activation({ graph }: Measuring, { weight, node, input }: Site, name: string): string {
  const isFloat32 = weight.dtype === "float32" && node.input[input] === weight.name;
  return isFloat32 ? name : graph.op("Cast", [name], { to: BigInt(DataType.FLOAT) });
}
