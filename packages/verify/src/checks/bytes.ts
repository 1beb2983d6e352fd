import { modelSize } from "@espalier/onnx";
import type { CheckDefinition } from "./check-definition.js";

/** The pruned model is no larger than it may be, external data included, as it would be written. */
export const bytes: CheckDefinition = {
  name: "bytes",
  isAskedFor: ({ maxBytes }) => maxBytes !== undefined,
  run({ options }) {
    const limit = options.maxBytes!;
    const measured = modelSize(options.pruned);
    const before = modelSize(options.original);
    const share = (measured / before).toFixed(3);
    const message = `the pruned model has ${measured} bytes, ${share} of the original's ${before}`;
    return { status: measured <= limit ? "passed" : "failed", measured, limit, message };
  },
};
