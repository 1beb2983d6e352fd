import { selectSmallest } from "../kernels/index.js";
import { CHANNELS_AT_ONCE } from "../layout/for-each-entry.js";
import { matrixLayout } from "../layout/matrix-layout.js";
import { Mask } from "../mask/mask.js";
import type { WeightMask } from "../mask/weight-mask.js";
import { prunedCount } from "../pruned-count.js";
import type { WeightView } from "../weight-view.js";

/** Prunes the `prunedCount(inFeatures, sparsity)` least important entries of every out channel, lower buffer index first. */
export function selectInRows(view: WeightView, importance: Float32Array, sparsity: number): WeightMask {
  const { outOffsets, featureOffsets } = matrixLayout(view);
  // In buffer order, so that the lower buffer index goes first among equals whatever the order of the features.
  featureOffsets.sort();
  const width = view.inFeatures;
  const count = prunedCount(width, sparsity);
  const bits = new Uint8Array(Math.ceil(importance.length / 8));
  const rows = new Float32Array(CHANNELS_AT_ONCE * width);
  const rowBits = new Uint8Array(Math.ceil(width / 8));
  for (let first = 0; first < view.outChannels; first += CHANNELS_AT_ONCE) {
    const channels = outOffsets.subarray(first, first + CHANNELS_AT_ONCE);
    gather(importance, channels, featureOffsets, rows);
    for (let row = 0; row < channels.length; row++) {
      selectSmallest(rows.subarray(row * width, (row + 1) * width), count, rowBits);
      scatter(rowBits, channels[row]!, featureOffsets, bits);
    }
  }
  return { mask: Mask.adopt(importance.length, bits), raggedBlocks: 0 };
}

/** Copies some rows of the matrix, each made contiguous. */
function gather(importance: Float32Array, channels: Uint32Array, features: Uint32Array, rows: Float32Array): void {
  const width = features.length;
  for (let position = 0; position < width; position++) {
    const feature = features[position]!;
    for (let row = 0; row < channels.length; row++) {
      rows[row * width + position] = importance[feature + channels[row]!]!;
    }
  }
}

function scatter(rowBits: Uint8Array, channel: number, features: Uint32Array, bits: Uint8Array): void {
  for (let position = 0; position < features.length; position++) {
    const index = channel + features[position]!;
    bits[index >>> 3]! |= ((rowBits[position >> 3]! >> (position & 7)) & 1) << (index & 7);
  }
}
