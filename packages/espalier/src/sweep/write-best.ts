import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readModel } from "@espalier/onnx";
import type { ProgressEvent } from "../progress.js";
import { readStatistics } from "../statistics.js";
import { writeTo } from "../write.js";
import type { CellStore } from "./cell-store.js";
import { pruneFor, storedAs } from "./make-model.js";
import type { CellOptions, KeyedCell, ModelSetup } from "./sweep-task.js";

/** What the best model is made from. */
export interface BestRequest {
  readonly folder: string;
  readonly store: CellStore;
  readonly options: CellOptions;
  readonly threads: number;
  readonly onProgress?: ((event: ProgressEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Key in the store of {@link Kept}. */
const BEST = "best";

/** What `best.onnx` was when it was written. */
interface Kept {
  /** Of its cell. */
  readonly key: string;
  readonly digest: string;
}

/** Whether `best.onnx` is the model of a cell, as {@link writeBest} wrote it. */
export function isBest({ key }: KeyedCell, { folder, store }: Pick<BestRequest, "folder" | "store">): boolean {
  const kept = store.find<Kept>(BEST);
  return kept?.key === key && isThere(folder, kept);
}

/**
 * Makes the model of a cell again and writes it as `best.onnx`.
 *
 * @param source the model that is pruned and what criteria look at
 * @throws {EspalierError} `output`
 */
export async function writeBest(
  { cell, key }: KeyedCell,
  { path: original, calibration, statistics }: Pick<ModelSetup, "path" | "calibration" | "statistics">,
  { folder, store, options, threads, onProgress, signal }: BestRequest,
): Promise<void> {
  const path = bestPath(folder);
  onProgress?.({ phase: "best", done: 0, total: 1, item: path });
  const pruned = await pruneFor(cell, readModel(original), options, {
    ...{ calibration, threads },
    ...(statistics && "path" in statistics && { statistics: readStatistics(statistics.path) }),
    ...(signal && { signal }),
  });
  await writeTo(await storedAs(cell.format, pruned.model, signal), path, signal ? { signal } : {});
  store.save(BEST, { key, digest: digestOf(path) } satisfies Kept);
}

/** Removes the `best.onnx` of an earlier budget, so that it is not taken for one of this; a file that is another by now stays. */
export function removeBest({ folder, store }: Pick<BestRequest, "folder" | "store">): void {
  const kept = store.find<Kept>(BEST);
  if (kept === undefined) return;
  if (isThere(folder, kept)) rmSync(bestPath(folder));
  store.remove(BEST);
}

function isThere(folder: string, { digest }: Kept): boolean {
  const path = bestPath(folder);
  return existsSync(path) && digestOf(path) === digest;
}

/** Where the best model of a sweep is. */
export function bestPath(folder: string): string {
  return join(folder, "best.onnx");
}

function digestOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
