import { matrixLayout } from "@espalier/core";
import type { PrunableWeight } from "@espalier/onnx";
import type { LinearNode } from "./linear-node.js";

/** Which channels of a weight have an entry that is not zero: 1, else 0. */
export interface UsedChannels {
  /** Length `outChannels`. */
  readonly out: Uint8Array;
  /** Length `inChannels`. */
  readonly in: Uint8Array;
}

/** Finds out about weights once each. */
export class ChannelUse {
  readonly #known = new Map<PrunableWeight, UsedChannels>();

  /** @throws {OnnxError} when the weight cannot be read */
  of({ weight, positions, inChannels }: LinearNode): UsedChannels {
    const known = this.#known.get(weight);
    if (known !== undefined) return known;
    const { outOffsets, featureOffsets } = matrixLayout(weight);
    const values = weight.read();
    const used = { out: new Uint8Array(outOffsets.length), in: new Uint8Array(inChannels) };
    const channelOf = Uint32Array.from(featureOffsets, (_, input) => Math.floor(input / positions));
    const rowOf = Uint32Array.from(outOffsets.keys());
    // The inner loop runs along memory.
    const outInside = outOffsets.length > 1 && (featureOffsets.length === 1 || outOffsets[1]! < featureOffsets[1]!);
    const [outer, inner] = outInside ? [featureOffsets, outOffsets] : [outOffsets, featureOffsets];
    const [outerUsed, innerUsed] = outInside ? [used.in, used.out] : [used.out, used.in];
    const [outerOf, innerOf] = outInside ? [channelOf, rowOf] : [rowOf, channelOf];
    for (let a = 0; a < outer.length; a++) {
      for (let b = 0; b < inner.length; b++) {
        if (values[outer[a]! + inner[b]!] === 0) continue;
        outerUsed[outerOf[a]!] = 1;
        innerUsed[innerOf[b]!] = 1;
      }
    }
    this.#known.set(weight, used);
    return used;
  }
}
