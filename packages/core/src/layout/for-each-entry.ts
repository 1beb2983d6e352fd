import type { WeightView } from "../weight-view.js";
import { matrixLayout } from "./matrix-layout.js";

/**
 * Out channels visited together. Where the buffer is `[K, N]`, neighbouring out channels share a cache line (16 floats);
 * one channel at a time would load every line 16 times. Where it is `[N, K]`, 16 streams are still few.
 */
export const CHANNELS_AT_ONCE = 16;

/**
 * Visits every entry of the matrix with its buffer index. The order depends on `outChannels` and `inFeatures` alone, not
 * on the layout, so sums taken along the way are the same for a weight and its transpose: 16 out channels at a time,
 * feature by feature.
 */
export function forEachEntry(
  view: WeightView,
  visit: (index: number, outChannel: number, inFeature: number) => void,
): void {
  const { outOffsets, featureOffsets } = matrixLayout(view);
  for (let first = 0; first < view.outChannels; first += CHANNELS_AT_ONCE) {
    const end = Math.min(first + CHANNELS_AT_ONCE, view.outChannels);
    for (let feature = 0; feature < view.inFeatures; feature++) {
      const offset = featureOffsets[feature]!;
      for (let channel = first; channel < end; channel++) visit(offset + outOffsets[channel]!, channel, feature);
    }
  }
}
