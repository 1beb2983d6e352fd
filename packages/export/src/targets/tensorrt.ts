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

/**
 * Whether two of every four consecutive entries along the reduction axis are zero (of a convolution: input channels, for
 * every output channel and kernel position), and outputs and inputs have sizes that sparse kernels take. TensorRT still uses
 * them only where its own timing says that they are faster.
 *
 * @see TensorRT Developer Guide, "Structured Sparsity"
 * @throws {OnnxError} when the weight cannot be read
 */
export function tensorRtEligibility(weight: PrunableWeight): TensorRtEligibility {
  const refused = (reason: string): TensorRtEligibility => ({ eligible: false, reason });
  const inputs = weight.axes.reduce((all, { role, size }) => (role === "in" ? all * size : all), 1);
  const cannot = nm(2, 4).eligibility(weight);
  if (cannot !== undefined) return refused(`no 2:4: ${cannot}`);
  const found = conforms(weight.read(), weight, nm(2, 4));
  if (!found.ok) return refused(`no 2:4 along its inputs: ${found.message}`);
  if (weight.outChannels % OUTPUT_MULTIPLE !== 0) {
    return refused(`2:4 holds, but its ${weight.outChannels} outputs are no multiple of ${OUTPUT_MULTIPLE}`);
  }
  if (inputs % INPUT_MULTIPLE !== 0) {
    return refused(`2:4 holds, but its ${inputs} input channels are no multiple of ${INPUT_MULTIPLE}`);
  }
  const small = Math.min(inputs, weight.outChannels) < WORTHWHILE_CHANNELS;
  const note = small ? `; gains are seldom seen below ${WORTHWHILE_CHANNELS} channels` : "";
  return { eligible: true, reason: `2:4 holds along its ${inputs} input channels${note}` };
}
