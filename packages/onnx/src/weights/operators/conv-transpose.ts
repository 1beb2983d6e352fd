import { entryCount } from "../buffer-order.js";
import { intAttribute } from "../call-frame.js";
import { type LinearOperator, wrongRank } from "./linear-operator.js";

/** ConvTranspose `[C, O / group, kernel…]`: the first dimension runs over the groups and the input channels of each. */
export const convTranspose: LinearOperator = {
  op: "ConvTranspose",
  inputs: ["data", "weight", "bias"],
  weightInputs: [1],
  matrix({ attributes }, shape) {
    const [inChannels, outPerGroup, ...kernel] = shape;
    if (inChannels === undefined || outPerGroup === undefined || kernel.length === 0) {
      return wrongRank(shape, "channels and a kernel");
    }
    const groups = intAttribute(attributes, "group", 1);
    if (!(groups >= 1) || inChannels % groups !== 0) return `has ${groups} groups for ${inChannels} input channels`;
    const positions = entryCount(kernel);
    const inPerGroup = inChannels / groups;
    return {
      outChannels: groups * outPerGroup,
      inFeatures: inPerGroup * positions,
      groups,
      axes: [
        { size: groups, role: "out", step: outPerGroup },
        { size: inPerGroup, role: "in", step: positions },
        { size: outPerGroup, role: "out", step: 1 },
        { size: positions, role: "kernel", step: 1 },
      ],
    };
  },
};
