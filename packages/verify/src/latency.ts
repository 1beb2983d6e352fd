import { type Execution, runOnce } from "./execution.js";
import { measureLatency } from "./measure-latency.js";
import type { VerifyOptions } from "./options.js";
import type { BackendLatency, Latency } from "./verification.js";

/** Turns where a speedup is asked for and their number is not: a median of 30 moves by some tenth of the spread of times. */
const DEFAULT_TURNS = 30;

/** Times both models on the first sample, as often as options ask; undefined where nobody asks or one of them does not run. */
export async function latencyOf(
  options: VerifyOptions,
  execution: Execution,
  backend = execution.backends[0],
): Promise<Latency | undefined> {
  const runs = options.latencyRuns ?? (options.minSpeedup === undefined ? 0 : DEFAULT_TURNS);
  if (runs === 0) return undefined;
  const [original, pruned] = [await execution.open("original", backend), await execution.open("pruned", backend)];
  const sample = await execution.firstSample();
  if (!original.ok || !pruned.ok || sample === undefined) return undefined;
  for (const { runner } of [original, pruned]) if (!(await runOnce(runner, sample)).ok) return undefined;
  return measureLatency(original.runner, pruned.runner, sample, runs);
}

/** The same on all backends but the first. */
export async function otherLatencies(options: VerifyOptions, execution: Execution): Promise<readonly BackendLatency[]> {
  const [, ...others] = execution.backends;
  const found: BackendLatency[] = [];
  for (const backend of others) {
    const latency = await latencyOf(options, execution, backend);
    if (latency !== undefined) found.push({ backend, ...latency });
  }
  return found;
}
