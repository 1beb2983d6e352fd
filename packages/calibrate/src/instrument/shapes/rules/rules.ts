import type { Rule } from "../rule.js";
import { BROADCASTING, broadcasting, expand, SAME_SHAPE, sameShape } from "./elementwise.js";
import {
  concat,
  constantOfShape,
  flatten,
  range,
  reshape,
  resized,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from "./movement.js";
import { einsum, gemm, matMul, recurrent } from "./products.js";
import { argument, REDUCTIONS, reduction } from "./reductions.js";
import { gather, shapeOfIndices, slice } from "./selection.js";
import { conv, convTranspose, globalPool, pool, resize } from "./spatial.js";
import {
  arithmetic,
  minus,
  over,
  plus,
  productOfEntries,
  shapeOf,
  sizeOfAll,
  times,
  unchanged,
} from "./whole-numbers.js";

/** Rules by operator type, with the domain where that is not ONNX's own. */
export const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...SAME_SHAPE.map((op) => [op, sameShape] as const),
  ...BROADCASTING.map((op) => [op, broadcasting] as const),
  ...REDUCTIONS.map((op) => [op, reduction] as const),
  ["Add", arithmetic(plus)],
  ["Sub", arithmetic(minus)],
  ["Mul", arithmetic(times)],
  ["Div", arithmetic(over)],
  ["ReduceProd", withProduct(reduction)],
  ["ArgMax", argument],
  ["ArgMin", argument],
  ["Identity", unchanged],
  ["Cast", unchanged],
  ["Shape", shapeOf],
  ["Size", sizeOfAll],
  ["Expand", expand],
  ["ConstantOfShape", constantOfShape],
  ["Range", range],
  ["Transpose", transpose],
  ["Reshape", reshape],
  ["Flatten", flatten],
  ["Squeeze", squeeze],
  ["Unsqueeze", unsqueeze],
  ["Concat", concat],
  ["Split", split],
  ["Slice", slice],
  ["Gather", gather],
  ["GatherElements", shapeOfIndices],
  ["Tile", resized],
  ["Pad", resized],
  ["MatMul", matMul],
  ["com.microsoft.FusedMatMul", matMul],
  ["Gemm", gemm],
  ["com.microsoft.FusedGemm", gemm],
  ["Einsum", einsum],
  ["LSTM", recurrent],
  ["GRU", recurrent],
  ["RNN", recurrent],
  ["Conv", conv],
  ["com.microsoft.FusedConv", conv],
  ["ConvTranspose", convTranspose],
  ["MaxPool", pool],
  ["AveragePool", pool],
  ["LpPool", pool],
  ["GlobalAveragePool", globalPool],
  ["GlobalMaxPool", globalPool],
  ["GlobalLpPool", globalPool],
  ["Resize", resize],
  ["Upsample", resize],
]);

function withProduct(rule: Rule): Rule {
  return (input) => {
    const [known] = rule(input);
    const entries = known && productOfEntries(input);
    return [known && { ...known, ...(entries && { entries }) }];
  };
}
