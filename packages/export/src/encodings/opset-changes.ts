import { type FunctionProto, type Model, walkGraphs } from "@espalier/onnx";
import type { Refusal } from "./encoding.js";
import { canRaise } from "./raise-nodes.js";
import type { Body } from "./weight-place.js";

/**
 * The oldest version of ONNX's operators from which a node of this type means the same at version 11, whatever attributes it
 * has. Types that are not here, or nodes of an older model, could change their meaning: then nothing is raised.
 *
 * Read off docs/Changelog.md of ONNX. A type is at 1 where versions only added element types, optional attributes whose
 * default is what was meant before, or negative axes; at the version that removed or moved an attribute, otherwise
 * (`Slice` 10, `Clip` 11, `Pad` 11), or changed broadcasting (`Add` 7).
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */
const SAME_SINCE: Readonly<Record<string, number>> = {
  ...since(1, "Constant Conv ConvTranspose DepthToSpace Flatten Gather GlobalAveragePool GlobalMaxPool"),
  ...since(
    1,
    "Hardmax Identity If LRN LogSoftmax Loop MatMul MaxPool Not Shape Size Softmax Softplus Softsign SpaceToDepth",
  ),
  ...since(1, "Squeeze Transpose Unsqueeze ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax"),
  ...since(1, "ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare"),
  ...since(2, "Split"),
  ...since(4, "Concat"),
  ...since(5, "Reshape"),
  ...since(6, "Abs Cast Ceil Elu Exp Floor HardSigmoid InstanceNormalization LeakyRelu Log Neg Reciprocal Relu Selu"),
  ...since(6, "Sigmoid Sqrt Tanh Tile"),
  ...since(7, "Add And AveragePool Cos Div Equal GRU Gemm Greater LSTM Less Mul Or PRelu Pow RNN Sin Sub Xor"),
  ...since(8, "Expand Max Mean Min Sum"),
  ...since(9, "BatchNormalization ConstantOfShape Erf IsNaN NonZero OneHot Scan Sign Where"),
  ...since(
    10,
    "ConvInteger DequantizeLinear Dropout MatMulInteger Mod QLinearConv QLinearMatMul QuantizeLinear Slice TopK",
  ),
};

/** The version to which models are raised. */
const RAISED = 11;

/** The version of ONNX's own operators that a model, or a function, imports; 1 where it says nothing. */
export function opsetOf({ opsetImport }: Pick<Model["proto"] | FunctionProto, "opsetImport">): number {
  const own = opsetImport.filter(({ domain }) => domain === "" || domain === "ai.onnx");
  return Number(own.at(-1)?.version ?? 1n);
}

/**
 * The opset that nodes of version `needed` will have in the main graph or a function, or in graphs inside of it.
 * Functions import their own, which is not raised: their callers may be of any version.
 */
export function opsetIn(model: Model, root: Body, needed: number): number | Refusal {
  if (root.$typeName === "onnx.GraphProto") return raisedOpset(model, needed);
  const present = opsetOf(root);
  // A Constant node, which initializers become there, has been able to hold a sparse tensor since 11.
  if (present >= Math.max(needed, RAISED)) return present;
  return {
    refused: `it stands in the function "${root.name}", which imports opset ${present}: decoders need ${RAISED}`,
  };
}

/**
 * The opset that a model needs so that nodes of version `needed` can stand in it: its own, or 11 where every node means the
 * same there. Some nodes of an older model have to be replaced by those of `raisedNodes` then.
 */
function raisedOpset(model: Model, needed: number): number | Refusal {
  const present = opsetOf(model.proto);
  if (present >= needed) return present;
  if (model.proto.functions.length > 0 || model.proto.trainingInfo.length > 0) {
    return {
      refused: `opset ${present} of the model cannot be raised to ${RAISED}: it has functions or training graphs`,
    };
  }
  for (const { nodes } of walkGraphs(model.proto)) {
    for (const { domain, opType, name } of nodes) {
      if (domain !== "" && domain !== "ai.onnx") continue;
      if (present >= (SAME_SINCE[opType] ?? Number.POSITIVE_INFINITY)) continue;
      if (canRaise(model, opType, present)) continue;
      const refused = `opset ${present} of the model cannot be raised to ${RAISED}: ${opType} node "${name}" may change its meaning`;
      return { refused };
    }
  }
  return RAISED;
}

function since(version: number, types: string): Readonly<Record<string, number>> {
  return Object.fromEntries(types.split(" ").map((type) => [type, version]));
}
