export type { WeightAxis } from "./matrix-layout.js";
export { prunableWeights } from "./prunable-weights.js";
export type { Consumer, PrunableWeight, UnprunableWeight, Weight, WeightBase } from "./weight.js";
export { countZeros, fractionOfZeros, type ParameterCount, parameterCounts, type ZeroCount } from "./zero-count.js";
