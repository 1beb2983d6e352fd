import { forEachEntry, type WeightView } from "@espalier/core";
import type { InkPicture } from "./png.js";

/** Pixels along the longer side of an overview. */
const OVERVIEW = 96;

/** Entries along a side of the corner: eight groups of 2:4, two blocks of 16. */
const CORNER = 32;

/** A mask, seen from afar and from near. Out channels run down, in-features across; ink is what was kept. */
export interface MaskPictures {
  /** Ink says which part of the entries under a pixel was kept, in sixteenths. */
  readonly overview: InkPicture;
  /** The least and the largest part of it, as fractions. */
  readonly density: { readonly least: number; readonly most: number };
  /** The first out channels and in-features, a pixel each. */
  readonly corner: InkPicture;
}

/**
 * Pictures of where a weight is not zero.
 *
 * @param values of the weight, in buffer order
 */
export function maskPictures(view: WeightView, values: ArrayLike<number>): MaskPictures {
  const [width, height] = [Math.min(OVERVIEW, view.inFeatures), Math.min(OVERVIEW, view.outChannels)];
  const kept = new Float64Array(width * height);
  const total = new Float64Array(width * height);
  const corner = blankCorner(view);
  forEachEntry(view, (index, outChannel, inFeature) => {
    const y = Math.floor((outChannel * height) / view.outChannels);
    const x = Math.floor((inFeature * width) / view.inFeatures);
    total[y * width + x]!++;
    if (values[index] === 0) return;
    kept[y * width + x]!++;
    if (outChannel < corner.height && inFeature < corner.width) {
      corner.levels[outChannel * corner.width + inFeature] = 1;
    }
  });
  const densities = kept.map((count, pixel) => count / total[pixel]!);
  return {
    overview: { width, height, depth: 4, levels: Uint8Array.from(densities, (density) => Math.round(15 * density)) },
    density: { least: Math.min(...densities), most: Math.max(...densities) },
    corner,
  };
}

function blankCorner({ inFeatures, outChannels }: WeightView): InkPicture {
  const [width, height] = [Math.min(CORNER, inFeatures), Math.min(CORNER, outChannels)];
  return { width, height, depth: 1, levels: new Uint8Array(width * height) };
}
