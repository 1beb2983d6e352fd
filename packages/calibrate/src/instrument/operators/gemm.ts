import { intOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import { layOutRows, measureRows, type Rows, rowsOf } from "../rows.js";

/** Gemm, `A' · B' + C`, the weight on either side. A' is `[positions, features]` of B, B' is `[features, positions]` of A. */
export const gemm: MeasuredOperator = {
  ops: ["Gemm", "com.microsoft.FusedGemm"],
  measure: (site, measuring) => measureRows(measuring, gemmRows(site, measuring)),
  layOut: (site, measuring) => layOutRows(measuring, gemmRows(site, measuring)),
};

function gemmRows(site: Site, measuring: Measuring): Rows {
  const { node, input, weight } = site;
  const isTransposed = intOf(node, input === 0 ? "transB" : "transA", 0) !== 0;
  const isLast = (input === 1) !== isTransposed;
  const name = node.input[1 - input]!;
  const { symbols } = measuring.shapes;
  const shape = measuring.shapes.of(name) ?? [symbols.fresh(), symbols.fresh()];
  return rowsOf(measuring, { value: activation(measuring, site, name), shape, isLast }, weight.inFeatures);
}
