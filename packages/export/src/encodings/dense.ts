import { count } from "./elements.js";
import type { Encoding } from "./encoding.js";

/** Every element, zeros too. It makes files smaller only with values that are smaller than the weight's own. */
export const dense: Encoding = {
  name: "dense",
  opset: 0,
  irVersion: 4,
  plan: ({ dataType, elementSize, shape, read }) => ({
    form: "dense",
    bytes: count(shape) * elementSize,
    largestValue: 0,
    emit: (writer, dims, output) => writer.tensor("values", { dataType, dims, data: read }, output),
  }),
};
