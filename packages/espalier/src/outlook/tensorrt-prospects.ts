import { tensorRtSize } from "@espalier/export";
import type { PrunableWeight } from "@espalier/onnx";
import type { Prospect, Prospectus } from "./outlook.js";

/** End-to-end gains that NVIDIA and others report for 2:4 on Ampere and later. */
const REPORTED = [1.05, 1.27] as const;

/** Smallest part of the weights' entries in layers that are large enough, from which a gain can be expected to show. */
const LEAST_SHARE = 0.3;

/** 2:4 for sparse tensor cores; nothing else is faster there. */
export function tensorRtProspects({ weights }: Prospectus): readonly Prospect[] {
  const sizes = weights.map((weight) => ({ weight, ...tensorRtSize(weight) }));
  const eligible = sizes.filter(({ eligible }) => eligible);
  const worthwhile = eligible.filter(({ worthwhile }) => worthwhile);
  const all = entriesOf(weights);
  const share = entriesOf(worthwhile.map(({ weight }) => weight)) / Math.max(1, all);
  const counts = `${eligible.length} of ${weights.length} weights have the sizes, ${worthwhile.length} of them (${Math.round(100 * share)} % of all entries) are large enough`;
  const first = sizes.find((one) => !one.eligible);
  const why = first === undefined ? "" : `; "${first.weight.name}": ${first.reason}`;
  const what = "2:4, export --target tensorrt";
  const twoOfFour: Prospect =
    share < LEAST_SHARE
      ? { what, verdict: "no", size: 1, speedup: [1, 1], reason: `${counts}${why}` }
      : {
          what,
          verdict: "maybe",
          size: 1,
          speedup: REPORTED,
          reason: `${counts}${why}. Others report ${REPORTED.join(" to ")} times end to end; TensorRT uses the zeros only where its own timing favours them. The file stays dense`,
        };
  const reason = "its sparse kernels know 2:4 only";
  return [twoOfFour, { what: "any other pattern", verdict: "no", size: 1, speedup: [1, 1], reason }];
}

function entriesOf(weights: readonly PrunableWeight[]): number {
  return weights.reduce((sum, { outChannels, inFeatures }) => sum + outChannels * inFeatures, 0);
}
