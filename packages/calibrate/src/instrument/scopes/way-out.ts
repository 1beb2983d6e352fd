import type { TensorProto_DataType as DataType, NodeProto } from "@espalier/onnx";
import type { GraphScope } from "./graph-scope.js";

/** A measured value on its way out of the graph in which it was measured: a list of numbers. */
export interface Measured {
  readonly name: string;
  readonly type: DataType.FLOAT | DataType.INT64;
  readonly length: number;
}

/** How values leave the subgraphs of one node. */
export interface WayOut {
  /**
   * Hands a value out of a subgraph.
   *
   * @param subgraph the attribute that holds it
   * @returns the value in the graph around the node: the sum over all times that the subgraph runs, 0 where it does not
   * @throws {Unmeasurable}
   */
  carry(value: Measured, subgraph: string): Measured;
  /**
   * What stands in the node's place, so that values come out.
   *
   * @param needed names of values outside that are read
   */
  rebuilt(needed: ReadonlySet<string>): readonly NodeProto[];
}

/** A node with subgraphs, in the graph around it. */
export interface Holder {
  readonly node: NodeProto;
  readonly outer: GraphScope;
  /** By the names of the attributes that hold them. */
  readonly subgraphs: ReadonlyMap<string, GraphScope>;
}
