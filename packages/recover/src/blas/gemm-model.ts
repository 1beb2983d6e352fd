import { buildModel, TensorProto_DataType as DataType, encodeModel, makeNode, makeValueInfo } from "@espalier/onnx";

/** Which one-node model: the two flags of Gemm and the precision. */
export interface GemmKind {
  readonly double: boolean;
  readonly transA: boolean;
  readonly transB: boolean;
}

/** The bytes of a model with one Gemm: inputs `a` and `b`, output `c`, all of rank 2 with open sizes. */
export function gemmModel({ double, transA, transB }: GemmKind): Uint8Array {
  const type = double ? DataType.DOUBLE : DataType.FLOAT;
  const matrix = (name: string) => makeValueInfo(name, type, [`${name}_rows`, `${name}_columns`]);
  const flags = { transA: transA ? 1n : 0n, transB: transB ? 1n : 0n };
  return encodeModel(
    buildModel({
      nodes: [makeNode("Gemm", ["a", "b"], ["c"], flags)],
      inputs: [matrix("a"), matrix("b")],
      outputs: [matrix("c")],
      opsets: new Map([["", 13]]),
    }),
  );
}
