import { intOf } from "../attributes.js";
import { activation, type MeasuredOperator, type Measuring, type Site } from "../measuring.js";
import { type Factor, layOutRows, measureRows, rowsOf } from "../rows.js";
import { Unmeasurable } from "../unmeasurable.js";
import { measureBatched } from "./batched.js";

/** MatMul of any rank, the weight on either side. `Y = A · B`: A's last axis holds the features of B, B's last but one those of A. */
export const matMul: MeasuredOperator = {
  ops: ["MatMul", "com.microsoft.FusedMatMul"],
  measure(site, measuring) {
    const factor = factorOf(site, measuring);
    if (site.weight.groups > 1) return measureBatched(site, measuring, factor);
    return measureRows(measuring, rowsOf(measuring, factor, site.weight.inFeatures));
  },
  layOut(site, measuring) {
    const { groups, inFeatures } = site.weight;
    if (groups > 1) throw new Unmeasurable("it is a batch of matrices, for which there are no Gram matrices");
    return layOutRows(measuring, rowsOf(measuring, factorOf(site, measuring), inFeatures));
  },
};

function factorOf(site: Site, measuring: Measuring): Factor {
  const { node, input } = site;
  const other = input === 0 ? "B" : "A";
  if (intOf(node, `transBatch${other}`, 0) !== 0) throw new Unmeasurable("its MatMul moves batch dimensions");
  const isTransposed = intOf(node, `trans${other}`, 0) !== 0;
  const isLast = (other === "A") !== isTransposed;
  const name = node.input[1 - input]!;
  return { value: activation(measuring, site, name), shape: measuring.shapes.of(name), isLast };
}
