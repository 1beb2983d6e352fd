import type { FinishedRow, SweepCell, SweepResult, SweepRow } from "../src/sweep/sweep-result.js";

/** Which sweep to make up. */
export interface SyntheticSweep {
  /** @default one, `use-lite` */
  readonly models?: readonly string[];
  /** @default one, `auto` */
  readonly formats?: readonly string[];
  /** @default present */
  readonly metric?: string | null;
  /** Names of the pruned weights. @default ten of a transformer's */
  readonly layers?: readonly string[];
  readonly budget?: NonNullable<SweepResult["budget"]>;
}

const CRITERIA = { l1: 1, wanda: 0.72, "obs+least-squares": 0.34 } as const;
/** How much worse than free choice a pattern is, and which part of the dense bytes an entry that is kept takes. */
const PATTERNS = {
  unstructured: { harm: 1, bytes: 1.06 },
  "2:4": { harm: 1.55, bytes: 1.03 },
  "4:8": { harm: 1.3, bytes: 1.05 },
  "block:16x4": { harm: 2.4, bytes: 1.005 },
  "blocks:32x256": { harm: 3.2, bytes: 1 },
} as const;
const SPARSITIES = [0.3, 0.5, 0.7, 0.8];
const LAYERS = [0, 1].flatMap((layer) =>
  ["attention/qkv", "attention/output", "ffn/up", "ffn/down"].map((part) => `layer${layer}/${part}/weight`),
);

/**
 * A sweep as large as a real one, 3 criteria × 5 patterns × 4 sparsities, with figures that behave like measured ones: harm grows
 * with sparsity and rigour, bytes shrink, times scatter. Always the same.
 */
export function syntheticSweep(options: SyntheticSweep = {}): SweepResult {
  const { models = ["use-lite"], formats = ["auto"], metric = "top-1 accuracy", budget } = options;
  const rows = models.flatMap((model) => cells(model, formats).map((cell, index) => rowOf(cell, index, options)));
  const score = metric === null ? {} : { score: { mean: 0.698, standardError: 0.0145 } };
  return {
    version: 1,
    originals: models.map((name) => ({ name, bytes: 27_900_000, gzipBytes: 25_900_000, latencyMs: 1.39, ...score })),
    rows: rows.map((row) => (row.status === "done" ? { ...row, pareto: isFront(row, rows) } : row)),
    samples: { calibration: 512, test: 1000 },
    ...(metric !== null && { metric }),
    ...(budget && { budget }),
    command:
      "espalier sweep use-lite.onnx --samples eval/ --patterns unstructured,2:4,4:8,block:16x4,blocks:32x256 -o sweep",
  };
}

function cells(model: string, formats: readonly string[]): SweepCell[] {
  return Object.keys(CRITERIA).flatMap((criterion) =>
    Object.keys(PATTERNS).flatMap((pattern) =>
      (pattern.includes(":") && !pattern.startsWith("b") ? [0.5] : SPARSITIES).flatMap((sparsity) =>
        formats.map((format) => ({ model, criterion, pattern, sparsity, format })),
      ),
    ),
  );
}

function rowOf(cell: SweepCell, index: number, { metric, layers = LAYERS }: SyntheticSweep): SweepRow {
  if (cell.pattern === "blocks:32x256" && cell.sparsity === 0.3) {
    return { ...cell, status: "refused", reason: 'weight "layer0/attention/output/weight" is 256 wide: no block fits' };
  }
  const pattern = PATTERNS[cell.pattern as keyof typeof PATTERNS];
  const error = CRITERIA[cell.criterion as keyof typeof CRITERIA] * pattern.harm * cell.sparsity ** 2.4;
  const drop = 0.62 * Math.min(1, error) - 0.004;
  const bytes =
    cell.format === "dense" ? 27_900_000 : Math.round(8_200_000 + 19_700_000 * (1 - cell.sparsity) * pattern.bytes);
  const ratio = (cell.pattern === "blocks:32x256" ? 1 + 0.9 * cell.sparsity : 1) + 0.03 * Math.sin(7 * index);
  return {
    ...cell,
    status: "done",
    zeros: { ofPruned: cell.sparsity, ofPrunable: cell.sparsity, ofAll: cell.sparsity * 0.7 },
    outputError: error,
    cosine: 1 / (1 + error * error),
    ...(metric !== null && {
      accuracy: {
        mean: 0.698 - drop,
        standardError: 0.0146,
        drop,
        interval: { low: drop - 0.013, high: drop + 0.014 },
      },
    }),
    bytes,
    gzipBytes: Math.round(cell.format === "dense" ? 27_900_000 * (1 - 0.62 * cell.sparsity) : bytes * 0.91),
    latencyMs: 1.39 / ratio,
    speedup: { ratio, interval: { low: ratio - 0.05, high: ratio + 0.05 } },
    layers: layers.map((name, layer) => ({
      name,
      entries: 2 ** 18,
      sparsity: cell.sparsity,
      weightError: (0.3 + 0.02 * layer) * error ** 0.5,
    })),
    skipped: cell.pattern.startsWith("block") ? [{ name: "head/weight", reason: "512 is no multiple of 48" }] : [],
    pareto: false,
    seconds: 3,
  };
}

/** Whether nothing of the same model is at least as good in everything and better in something. */
function isFront(row: FinishedRow, rows: readonly SweepRow[]): boolean {
  const measures = (of: FinishedRow): number[] => [of.accuracy?.drop ?? of.outputError, of.bytes, of.latencyMs];
  const own = measures(row);
  return !rows.some((other) => {
    if (other.status !== "done" || other.model !== row.model) return false;
    const theirs = measures(other);
    return theirs.every((value, axis) => value <= own[axis]!) && theirs.some((value, axis) => value < own[axis]!);
  });
}
