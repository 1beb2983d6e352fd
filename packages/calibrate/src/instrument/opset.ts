import type { Model } from "@espalier/onnx";

/** Version of a domain's operators that a model imports; `""` is ONNX's own. 1 where it imports none. */
export function opsetOf(model: Model, domain = ""): number {
  const imported = model.proto.opsetImport.find((opset) => normal(opset.domain) === domain);
  return Number(imported?.version ?? 1);
}

/** ONNX's own operators have two names. */
function normal(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

/** An operator's type with its domain, where that is not ONNX's own: `MatMul`, `com.microsoft.FusedMatMul`. */
export function operatorName({ opType, domain }: { readonly opType: string; readonly domain: string }): string {
  return normal(domain) === "" ? opType : `${domain}.${opType}`;
}
