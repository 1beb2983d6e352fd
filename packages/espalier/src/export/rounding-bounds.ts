import type { PrunableWeight } from "@espalier/onnx";

/** What float32 arithmetic adds to a bound: scale and product are rounded to 24 bits. */
const SLACK = 1 + 2 ** -16;

/**
 * How far rounding may move each entry of a weight: `f16` by half a unit in the last of 11 bits (2⁻²⁵ below the normal
 * numbers), `int8` by half a scale, which is 1/254 of the largest magnitude of its out channel.
 *
 * @param values in buffer order
 * @returns buffer index → bound
 */
export function roundingBounds(
  { axes, outChannels }: Pick<PrunableWeight, "axes" | "outChannels">,
  values: Float32Array | Float64Array,
  format: "f16" | "int8",
): (index: number) => number {
  if (format === "f16") return (index) => Math.max(Math.abs(values[index]!) * 2 ** -11, 2 ** -25) * SLACK;
  const channelOf = outChannelOf(axes);
  const largest = new Float64Array(outChannels);
  for (let index = 0; index < values.length; index++) {
    const channel = channelOf(index);
    largest[channel] = Math.max(largest[channel]!, Math.abs(values[index]!));
  }
  return (index) => (largest[channelOf(index)]! / 254) * SLACK + 2 ** -126;
}

function outChannelOf(axes: PrunableWeight["axes"]): (index: number) => number {
  const inwards = [...axes].reverse();
  return (index) => {
    let channel = 0;
    let rest = index;
    for (const { role, size, step } of inwards) {
      if (role === "out") channel += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    return channel;
  };
}
