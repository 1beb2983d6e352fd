import { intOf } from "../attributes.js";
import { activation, type MeasuredOperator } from "../measuring.js";
import { measureRows, rowsOf } from "../rows.js";

/** Gemm, `A' · B' + C`, the weight on either side. A' is `[positions, features]` of B, B' is `[features, positions]` of A. */
export const gemm: MeasuredOperator = {
  ops: ["Gemm", "com.microsoft.FusedGemm"],
  measure(site, measuring) {
    const { node, input, weight } = site;
    const isTransposed = intOf(node, input === 0 ? "transB" : "transA", 0) !== 0;
    const isLast = (input === 1) !== isTransposed;
    const name = node.input[1 - input]!;
    const { symbols } = measuring.shapes;
    const shape = measuring.shapes.of(name) ?? [symbols.fresh(), symbols.fresh()];
    const factor = { value: activation(measuring, site, name), shape, isLast };
    return measureRows(measuring, rowsOf(measuring, factor, weight.inFeatures));
  },
};
