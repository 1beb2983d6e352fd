import { nm } from "@espalier/core";
import { LEAST_SAVING } from "@espalier/export";
import { type PrunableWeight, tensorByteLength } from "@espalier/onnx";
import type { Prospect, Prospectus } from "./outlook.js";

/** What expanding takes when a model is loaded, in nanoseconds an element. @see docs/export-formats.md */
const LOADING_COST = { least: 10, most: 30 } as const;

/** A weight that is stored as its non-zeros and an index. */
interface Encoding {
  readonly what: string;
  readonly takes: (weight: PrunableWeight) => boolean;
  /** Bytes an element, of `v` bytes each. @see docs/export-formats.md */
  readonly bytes: (v: number) => number;
}

const ENCODINGS: readonly Encoding[] = [
  {
    what: "2:4, export --format nm",
    takes: (weight) => nm(2, 4).eligibility(weight) === undefined,
    bytes: (v) => 0.5 * v + 1 / 12,
  },
  { what: "unstructured 50 %, export --format bitmask", takes: () => true, bytes: (v) => 0.5 * v + 1 / 8 },
  { what: "unstructured 80 %, export --format bitmask", takes: () => true, bytes: (v) => 0.2 * v + 1 / 8 },
];

/** Weights that unpack themselves while the model is loaded: smaller files, and the same speed. */
export function expandingProspects(prospectus: Prospectus): readonly Prospect[] {
  return ENCODINGS.map((encoding) => prospectOf(encoding, prospectus));
}

function prospectOf({ what, takes, bytes }: Encoding, { weights, modelBytes }: Prospectus): Prospect {
  const taken = weights.filter(takes);
  const saved = taken.reduce(
    (sum, weight) => sum + tensorByteLength(weight.tensor) - entries(weight) * bytes(bytesEach(weight)),
    0,
  );
  const size = 1 - saved / modelBytes;
  const elements = taken.reduce((sum, weight) => sum + entries(weight), 0);
  const [least, most] = [LOADING_COST.least, LOADING_COST.most].map((cost) => ((cost * elements) / 1e6).toFixed(0));
  const share = `${taken.length} of ${weights.length} weights`;
  return size > 1 - LEAST_SAVING
    ? { what, verdict: "no", size, speedup: [1, 1], reason: `${share} can be stored so, too small a part of the file` }
    : {
        what,
        verdict: "yes",
        size,
        speedup: [1, 1],
        reason: `${share}; as fast as dense, and loading takes some ${least} to ${most} ms more`,
      };
}

function entries({ shape }: PrunableWeight): number {
  return shape.reduce((product, size) => product * size, 1);
}

function bytesEach(weight: PrunableWeight): number {
  return tensorByteLength(weight.tensor) / entries(weight);
}
