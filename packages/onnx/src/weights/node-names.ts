import type { NodeProto } from "../proto.js";

/** The domain as one spelling: ONNX's own operators stand under `""` or `ai.onnx`. */
export function normalDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** An operator with its domain where that is not ONNX's own: `MatMul`, `com.microsoft.FusedMatMul`. */
export function operatorName(node: NodeProto): string {
  const domain = normalDomain(node.domain);
  return domain === "" ? node.opType : `${domain}.${node.opType}`;
}

/** What to call a node: its name, else its first output, else its operator. */
export function nodeLabel(node: NodeProto): string {
  return node.name || node.output.find((name) => name !== "") || node.opType;
}

/** A node in a sentence: `MatMul "/encoder/MatMul"`. */
export function describeNode(node: NodeProto): string {
  return `${shorten(operatorName(node))} ${quote(nodeLabel(node))}`;
}

/** A name from an untrusted file in a sentence: control characters escaped, cut where nobody reads on. */
export function quote(name: string): string {
  return JSON.stringify(shorten(name));
}

/** At most `limit` characters: a name of megabytes that many things mention would fill the memory. */
export function shorten(text: string, limit = 200): string {
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}

/** The identity of a function: what a calling node's domain, operator and overload must spell. */
export function functionKey(domain: string, name: string, overload: string): string {
  return JSON.stringify([normalDomain(domain), name, overload]);
}
