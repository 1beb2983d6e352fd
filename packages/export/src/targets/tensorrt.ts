import { conforms, nm } from "@espalier/core";
import type { PrunableWeight } from "@espalier/onnx";

/** Whether TensorRT can use the zeros of a weight. */
export interface TensorRtEligibility {
  readonly eligible: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** apex and ModelOpt leave layers alone whose outputs or inputs are no multiples of these. */
const OUTPUT_MULTIPLE = 8;
const INPUT_MULTIPLE = 16;

/** With fewer channels the sparse kernels are seldom faster. */
const WORTHWHILE_CHANNELS = 256;

/** Whether a weight has the sizes that sparse kernels take, whatever its zeros are. */
export interface TensorRtSize extends TensorRtEligibility {
  /** Whether it is so large that a gain is likely. */
  readonly worthwhile: boolean;
}

/** Looks at a weight's shape alone: outputs, input channels, groups of four. @see {@link tensorRtEligibility} */
export function tensorRtSize(weight: PrunableWeight): TensorRtSize {
  const { axes, outChannels } = weight;
  const inputs = axes.reduce((all, { role, size }) => (role === "in" ? all * size : all), 1);
  const refused = (reason: string): TensorRtSize => ({ eligible: false, worthwhile: false, reason });
  const cannot = nm(2, 4).eligibility(weight);
  if (cannot !== undefined) return refused(`no 2:4: ${cannot}`);
  if (outChannels % OUTPUT_MULTIPLE !== 0) {
    return refused(`its ${outChannels} outputs are no multiple of ${OUTPUT_MULTIPLE}`);
  }
  if (inputs % INPUT_MULTIPLE !== 0)
    return refused(`its ${inputs} input channels are no multiple of ${INPUT_MULTIPLE}`);
  const worthwhile = Math.min(inputs, outChannels) >= WORTHWHILE_CHANNELS;
  const note = worthwhile ? "" : `; gains are seldom seen below ${WORTHWHILE_CHANNELS} channels`;
  return { eligible: true, worthwhile, reason: `its ${inputs} input channels${note}` };
}

/**
 * Whether two of every four consecutive entries along the reduction axis are zero (of a convolution: input channels, for
 * every output channel and kernel position), and outputs and inputs have sizes that sparse kernels take. TensorRT still uses
 * them only where its own timing says that they are faster.
 *
 * @see TensorRT Developer Guide, "Structured Sparsity"
 * @throws {OnnxError} when the weight cannot be read
 */
export function tensorRtEligibility(weight: PrunableWeight): TensorRtEligibility {
  const cannot = nm(2, 4).eligibility(weight);
  if (cannot !== undefined) return { eligible: false, reason: `no 2:4: ${cannot}` };
  const found = conforms(weight.read(), weight, nm(2, 4));
  if (!found.ok) return { eligible: false, reason: `no 2:4 along its inputs: ${found.message}` };
  const { eligible, reason } = tensorRtSize(weight);
  return { eligible, reason: eligible ? `2:4 holds along ${reason}` : `2:4 holds, but ${reason}` };
}
