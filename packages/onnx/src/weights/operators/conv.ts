import { entryCount } from "../buffer-order.js";
import { intAttribute } from "../call-frame.js";
import { type LinearOperator, wrongRank } from "./linear-operator.js";

/** Conv `[O, C / group, kernel…]` of any number of kernel dimensions: the in-feature runs over (input channel, position). */
export const conv: LinearOperator = {
  op: "Conv",
  inputs: ["data", "weight", "bias", "residual"],
  weightInputs: [1],
  matrix({ attributes }, shape) {
    const [outChannels, channels, ...kernel] = shape;
    if (outChannels === undefined || channels === undefined || kernel.length === 0) {
      return wrongRank(shape, "channels and a kernel");
    }
    const groups = intAttribute(attributes, "group", 1);
    if (!(groups >= 1) || outChannels % groups !== 0) return `has ${groups} groups for ${outChannels} output channels`;
    const positions = entryCount(kernel);
    return {
      outChannels,
      inFeatures: channels * positions,
      groups,
      axes: [
        { size: outChannels, role: "out", step: 1 },
        { size: channels, role: "in", step: positions },
        { size: positions, role: "kernel", step: 1 },
      ],
    };
  },
};

/** FusedConv of ONNX Runtime: Conv with an activation behind it, and perhaps a residual added before that. */
export const fusedConv: LinearOperator = { ...conv, op: "com.microsoft.FusedConv" };
