import type { FinishedRow } from "../src/sweep/sweep-result.js";

/** What a made-up row has; all else is the same in every row. */
export interface RowFigures {
  readonly outputError?: number;
  readonly drop?: number;
  readonly bytes?: number;
  readonly latencyMs?: number;
  /** Low end, ratio, high end. */
  readonly speedup?: readonly [number, number, number];
}

/** A finished row of a sweep with these figures. */
export function finishedRow({
  outputError = 0,
  drop,
  bytes = 1000,
  latencyMs = 1,
  speedup = [1, 1, 1],
}: RowFigures): FinishedRow {
  const [low, ratio, high] = speedup;
  return {
    ...{ model: "a", criterion: "l1", pattern: "unstructured", sparsity: 0.5, format: "dense", status: "done" },
    zeros: { ofPruned: 0.5, ofPrunable: 0.5, ofAll: 0.5 },
    ...{ outputError, cosine: 1, bytes, gzipBytes: bytes, latencyMs },
    ...(drop !== undefined && { accuracy: { mean: 0, standardError: 0, drop, interval: { low: drop, high: drop } } }),
    speedup: { ratio, interval: { low, high } },
    ...{ layers: [], skipped: [], pareto: true, seconds: 1 },
  };
}
