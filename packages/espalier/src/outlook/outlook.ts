import type { ExportTarget } from "@espalier/export";
import { type Model, modelSize, type PrunableWeight, prunableWeights } from "@espalier/onnx";
import { EspalierError } from "../errors.js";
import { openModel } from "../open-model.js";
import { blockProspect } from "./block-prospect.js";
import { expandingProspects } from "./expanding-prospects.js";
import { tensorRtProspects } from "./tensorrt-prospects.js";

/** What one way of pruning would bring on a target. */
export interface Prospect {
  /** The pattern and how it is exported: `2:4, export --format nm`. */
  readonly what: string;
  /** Whether it pays there. */
  readonly verdict: "yes" | "maybe" | "no";
  /** Expected size of the file, as a fraction of the model's; computed from shapes and the encoding. */
  readonly size: number;
  /** Expected factor of the weights' products, `[least, most]`; 1 where nothing changes. */
  readonly speedup: readonly [least: number, most: number];
  /** One or two sentences: which weights, what it costs, what limits it. */
  readonly reason: string;
}

/** What pruning would bring on a target, before anything is pruned. */
export interface Outlook {
  readonly target: ExportTarget;
  readonly prospects: readonly Prospect[];
}

/** What prospects are computed from. */
export interface Prospectus {
  readonly weights: readonly PrunableWeight[];
  readonly modelBytes: number;
  readonly target: ExportTarget;
  /** Rows that products multiply in a run; undefined where nobody says. */
  readonly rows: number | undefined;
}

/**
 * Whether pruning will help on a target: smaller files, faster runs, or neither, from the shapes of the weights and from what was
 * measured for these shapes. Nothing is pruned and nothing is run.
 *
 * @param rows rows that products multiply in one run, such as batch × tokens @default unknown: the slowest case counts
 * @throws {EspalierError} `usage` for rows that are none
 * @throws {OnnxError} when the file is no usable ONNX model
 */
export function outlook(model: string | Uint8Array | Model, target: ExportTarget, rows?: number): Outlook {
  if (rows !== undefined && !(Number.isSafeInteger(rows) && rows >= 1)) {
    throw new EspalierError("usage", `rows is ${rows}, expected at least 1`);
  }
  const opened = openModel(model);
  const weights = prunableWeights(opened).filter((weight): weight is PrunableWeight => weight.prunable);
  const prospectus = { weights, modelBytes: modelSize(opened), target, rows };
  const prospects =
    target === "tensorrt"
      ? tensorRtProspects(prospectus)
      : [zerosAlone(prospectus), ...expandingProspects(prospectus), blockProspect(prospectus)];
  return { target, prospects };
}

function zerosAlone({ target }: Prospectus): Prospect {
  const reason = `${target} multiplies by zeros like by other numbers: only gzip or brotli on the way make use of them, and then as much as an encoding does`;
  return { what: "zeros, written as they are", verdict: "no", size: 1, speedup: [1, 1], reason };
}
