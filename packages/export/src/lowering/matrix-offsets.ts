import type { PrunableWeight } from "@espalier/onnx";

/** Where the entry (out channel, in-feature) of a weight lies in its buffer: at `ofOut[out] + ofIn[in]`. */
export interface MatrixOffsets {
  /** Length `outChannels`. */
  readonly ofOut: Uint32Array;
  /** Length `inFeatures`. */
  readonly ofIn: Uint32Array;
}

/** The offsets of a weight's matrix: its axes say which index each of them is a digit of. */
export function matrixOffsets({ axes, outChannels, inFeatures }: PrunableWeight): MatrixOffsets {
  const ofOut = new Uint32Array(outChannels);
  const ofIn = new Uint32Array(inFeatures);
  let stride = 1;
  for (const { size, role, step } of [...axes].reverse()) {
    const offsets = role === "out" ? ofOut : ofIn;
    for (let index = 0; index < offsets.length; index++) {
      offsets[index] = offsets[index]! + (Math.floor(index / step) % size) * stride;
    }
    stride *= size;
  }
  return { ofOut, ofIn };
}
