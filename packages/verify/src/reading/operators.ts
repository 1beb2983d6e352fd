import type { NodeProto } from "@espalier/onnx";

/** Whether a node is one of ONNX's own operators of these types. */
export function isOnnxOperator({ domain, opType }: NodeProto, ...types: readonly string[]): boolean {
  return (domain === "" || domain === "ai.onnx") && types.includes(opType);
}
