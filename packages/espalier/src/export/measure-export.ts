import { type Model, type PrunableWeight, tensorBytes } from "@espalier/onnx";
import { compressedModelSize, compressedSize, measureModels } from "@espalier/verify";
import { breathe } from "../progress.js";
import type { ResolvedExport } from "./export-options.js";
import type { ExportedWeight, ExportReport } from "./export-report.js";
import { LARGEST_IN_MEMORY } from "./exported-files.js";
import { storedParts } from "./stored-parts.js";

/** Both models, and the weights of the given one that the report is about. */
export interface MeasuredExport {
  /** Its path, where it has one. */
  readonly source: string | Model;
  readonly given: Model;
  readonly exported: Model;
  readonly weights: readonly PrunableWeight[];
}

/** An odd number, so that the median is a process that was. */
const PROCESSES = 3;

/** Says what is measured now, and how much was before. */
type OnStep = (done: number, item: string) => void;

/** Completes a report with what files and weights take compressed, and with what loading takes. */
export async function withMeasurements(
  report: ExportReport,
  models: MeasuredExport,
  options: ResolvedExport,
): Promise<ExportReport> {
  if (Math.max(report.bytes, report.bytesBefore) > LARGEST_IN_MEMORY) {
    return { ...report, loading: { problem: "the model is too large to be compressed or loaded for a report" } };
  }
  const total = 1 + models.weights.length + 2 * PROCESSES;
  const onStep: OnStep = (done, item) => options.onProgress?.({ phase: "measure", done, total, item });
  onStep(0, "files");
  const before = await compressedModelSize(models.given);
  const after = await compressedModelSize(models.exported);
  return {
    ...report,
    gzipBytesBefore: before.gzip,
    gzipBytes: after.gzip,
    brotliBytesBefore: before.brotli,
    brotliBytes: after.brotli,
    weights: await compressedWeights(report.weights, models, options.signal, onStep),
    loading: await loadingOf(models, options, onStep),
  };
}

async function compressedWeights(
  rows: readonly ExportedWeight[],
  { given, exported, weights }: MeasuredExport,
  signal: AbortSignal | undefined,
  onStep: OnStep,
): Promise<readonly ExportedWeight[]> {
  const parts = storedParts(
    given,
    exported,
    weights.map(({ name }) => name),
  );
  const tensors = new Map(weights.map(({ name, tensor }) => [name, tensor]));
  const measured: ExportedWeight[] = [];
  for (const row of rows) {
    await breathe(signal);
    onStep(measured.length + 1, row.name);
    const stored = parts.get(row.name)!.map((tensor) => tensorBytes(exported, tensor));
    const [before, after] = await Promise.all([
      compressedSize(tensorBytes(given, tensors.get(row.name)!)),
      stored.length === 0 ? { gzip: 0, brotli: 0 } : compressedSize(Buffer.concat(stored)),
    ]);
    measured.push({
      ...row,
      gzipBytesBefore: before.gzip,
      gzipBytesAfter: after.gzip,
      brotliBytesBefore: before.brotli,
      brotliBytesAfter: after.brotli,
    });
  }
  return measured;
}

async function loadingOf(
  { source, exported, weights }: MeasuredExport,
  { target, signal }: ResolvedExport,
  onStep: OnStep,
): Promise<NonNullable<ExportReport["loading"]>> {
  if (target === "tensorrt") {
    return { problem: "TensorRT builds an engine from the file; it is not here, so nothing was loaded in it" };
  }
  const found = await measureModels([source, exported], {
    backend: target === "ort-web" ? "web" : "node",
    processes: PROCESSES,
    ...(signal && { signal }),
    onProgress: ({ done }) => onStep(1 + weights.length + done, "loading"),
  });
  if (!found.ok) return { problem: found.problem };
  const [before, after] = found.loadings;
  return { before: before!, after: after! };
}
