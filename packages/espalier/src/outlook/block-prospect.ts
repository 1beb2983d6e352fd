import { type BlockLayer, chooseForm, type ExportTarget } from "@espalier/export";
import { type PrunableWeight, tensorByteLength } from "@espalier/onnx";
import type { Prospect, Prospectus } from "./outlook.js";

const BLOCKS = { bk: 32, bn: 256 } as const;
const DENSITY = 0.5;
const WHAT = "blocks:32x256 50 %, export --format blocks";

/** Half of the blocks of every matrix left out: smaller and faster where matrices are large enough. */
export function blockProspect({ weights, modelBytes, target, rows }: Prospectus): Prospect {
  const products = weights.filter(isProduct);
  const gains = products.flatMap((weight) => {
    const { form, speedup = 1 } = chooseForm(layerOf(weight, target, rows));
    return form === "dense" ? [] : [{ weight, speedup }];
  });
  if (gains.length === 0) {
    const why =
      products.length === 0
        ? "there is no MatMul or Gemm with a constant weight"
        : `none of the ${products.length} products is measured to be faster at its size`;
    const conv = products.length < weights.length ? "; convolutions gain only where whole channels go" : "";
    return { what: WHAT, verdict: "no", size: 1, speedup: [1, 1], reason: `${why}${conv}` };
  }
  const saved = gains.reduce((sum, { weight }) => sum + (1 - DENSITY) * tensorByteLength(weight.tensor), 0);
  const speedups = gains.map(({ speedup }) => speedup);
  const covered =
    gains.reduce((sum, { weight }) => sum + entries(weight), 0) /
    weights.reduce((sum, weight) => sum + entries(weight), 0);
  return {
    what: WHAT,
    verdict: covered >= 0.5 ? "yes" : "maybe",
    size: 1 - saved / modelBytes,
    speedup: [Math.min(...speedups), Math.max(...speedups)],
    reason:
      `${gains.length} of ${weights.length} weights, ${percent(covered)} of their entries, with ${rows === undefined ? "any number of" : rows} rows a run; ` +
      "of the run, only these products gain. Blocks cost far more accuracy than single weights: recover, and look at the drop",
  };
}

/** As `lowerBlocks` would see it, every block-column keeping other blocks. */
function layerOf(
  { name, outChannels, inFeatures }: PrunableWeight,
  target: ExportTarget,
  rows: number | undefined,
): BlockLayer {
  return {
    weight: name,
    blocks: BLOCKS,
    op: "product",
    outChannels,
    inFeatures,
    positions: 1,
    unit: Math.min(BLOCKS.bk, inFeatures),
    width: Math.min(BLOCKS.bn, outChannels),
    runs: Math.ceil(outChannels / BLOCKS.bn),
    density: DENSITY,
    rows,
    target: target === "ort-web" ? "ort-web" : "ort-node",
    values: "f32",
    forms: outChannels <= BLOCKS.bn ? ["shared"] : ["multi", "bmm"],
  };
}

function isProduct({ consumers, groups, inFeatures }: PrunableWeight): boolean {
  return groups === 1 && inFeatures >= 2 * BLOCKS.bk && consumers.every(({ op }) => op === "MatMul" || op === "Gemm");
}

function entries({ outChannels, inFeatures }: PrunableWeight): number {
  return outChannels * inFeatures;
}

function percent(fraction: number): string {
  return `${Math.round(100 * fraction)} %`;
}
