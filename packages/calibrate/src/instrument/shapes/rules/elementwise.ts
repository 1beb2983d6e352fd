import { broadcastShapes, type Rule, shapes } from "../rule.js";

/** Operators whose first output has the shape of the first input. */
export const SAME_SHAPE: readonly string[] = [
  ..."Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization Cast Ceil Celu Clip Cos Cosh CumSum DequantizeLinear".split(
    " ",
  ),
  ..."Dropout Elu Erf Exp Floor Gelu GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization".split(
    " ",
  ),
  ..."IsInf IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish".split(
    " ",
  ),
  ..."Neg Not PRelu QuantizeLinear RMSNormalization Reciprocal Relu Round ScatterElements ScatterND Selu Shrink Sigmoid".split(
    " ",
  ),
  ..."Sign Sin Sinh SkipLayerNormalization Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu".split(
    " ",
  ),
  ..."com.microsoft.BiasGelu com.microsoft.FastGelu com.microsoft.Gelu com.microsoft.QuickGelu".split(" "),
  ..."com.microsoft.SkipLayerNormalization com.microsoft.SkipSimplifiedLayerNormalization SimplifiedLayerNormalization".split(
    " ",
  ),
];

/** Operators on two or more inputs that broadcast against each other. */
export const BROADCASTING: readonly string[] =
  "Add And BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow Sub Sum Where Xor".split(
    " ",
  );

/** The shape of the first input. */
export const sameShape: Rule = (node) => shapes(node.shape(0));

/** All inputs broadcast. */
export const broadcasting: Rule = ({ node, shape, broadcast }) => {
  const all = node.input.map((_, input) => shape(input));
  if (!all.every((one) => one !== undefined)) return [];
  return shapes(all.reduce((a, b) => broadcastShapes(a, b, broadcast), []));
};

/** Expand: the shape of the input and a list of sizes broadcast. */
export const expand: Rule = ({ shape, entries, broadcast }) => {
  const [from, to] = [shape(0), entries(1)];
  return from && to ? shapes(broadcastShapes(from, to.values, broadcast)) : [];
};
