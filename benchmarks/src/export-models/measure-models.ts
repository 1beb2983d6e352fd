import { readFileSync } from "node:fs";
import { type Loading, measureLoading } from "@espalier/runtime";
import { type CompressedSize, compressedSize } from "@espalier/verify";
import type { Sample } from "espalier";
import { timeRuns } from "../export/time-runs.js";

/** Backends in the order of the columns, and how often models run on them in turns: web is some times slower. */
export const BACKENDS = [
  { backend: "node", rounds: 31 },
  { backend: "web", rounds: 11 },
] as const;

/** An odd number, so that the median is a process that was. */
const PROCESSES = 3;

/** What a model on disk costs. */
export interface ModelCost {
  readonly size: CompressedSize & { readonly raw: number };
  /** One for each of {@link BACKENDS}. */
  readonly onBackends: readonly { readonly loading: Loading; readonly runs: readonly number[] }[];
}

/** Measures models side by side: all take turns in what is timed. */
export async function measureModels(paths: readonly string[], feeds: Sample): Promise<readonly ModelCost[]> {
  const measured: { loadings: readonly Loading[]; runs: ReturnType<typeof timeRuns> }[] = [];
  for (const { backend, rounds } of BACKENDS) {
    const loadings = await measureLoading(paths, { backend, processes: PROCESSES });
    const runs = timeRuns({ backend, optimization: "all", rounds, feeds, paths });
    measured.push({ loadings, runs });
  }
  const costs = paths.map(async (path, index): Promise<ModelCost> => {
    const onBackends = measured.map(({ loadings, runs }) => ({ loading: loadings[index]!, runs: runs[index]! }));
    const bytes = readFileSync(path);
    return { size: { raw: bytes.length, ...(await compressedSize(bytes)) }, onBackends };
  });
  return Promise.all(costs);
}
