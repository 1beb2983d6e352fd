import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { EspalierError } from "../errors.js";
import { type ExportFormat, FORMATS } from "../export/export-options.js";
import type { ProgressEvent } from "../progress.js";
import type { WeightSelection } from "../select-weights.js";
import { VERSION } from "../version.js";
import { type AccuracyAsked, requireAccuracy } from "./accuracy-asked.js";
import { type Budget, parseBudget } from "./budget.js";
import { parseMethod } from "./parse-method.js";
import { planCells } from "./plan-cells.js";
import type { SweepCell } from "./sweep-result.js";
import type { SweepSampleSources } from "./sweep-samples.js";

/** What to combine, and what to measure it on. `include` and `exclude` choose the weights that are pruned. */
export interface SweepOptions extends WeightSelection, SweepSampleSources, AccuracyAsked {
  /** Paths of `.onnx` files, with different file names. */
  readonly models: readonly string[];
  /** `l1`, `l2`, `wanda`, `random`, `obs`; with a recovery after a plus: `obs+least-squares`, … @default l1, wanda, obs+least-squares */
  readonly criteria?: readonly string[];
  /** `unstructured`, `2:4`, `block:16x4`, `blocks:32x256`, `rows`, `columns`, … */
  readonly patterns: readonly string[];
  /** Fractions of zeros in [0, 1). N:M has its own and takes none of them. @default none, for patterns that are all N:M */
  readonly sparsities?: readonly number[];
  /** How models are stored. @default auto */
  readonly formats?: readonly ExportFormat[];
  /** An input such as `attention_mask`: positions where it is 0 do not count in calibration. @default every position counts */
  readonly mask?: string;
  /** Of the criterion `random`. @default 0 */
  readonly seed?: number;
  /** How often each model is timed, in turns with its original; at least 10 for an interval that says something. @default 30 */
  readonly latencyRuns?: number;
  /** Worker threads, each with one model on one core. Rows do not depend on it, times apart. @default the number of cores */
  readonly threads?: number;
  /** Conditions that the best model must meet, such as `drop<=0.01,bytes<=5MB`. @default no model is written */
  readonly budget?: string;
  /** Where everything goes: made where it does not exist; what it holds of an earlier, or killed, sweep is taken over. */
  readonly folder: string;
  /** For the result: the command that makes it again. @default names the SDK */
  readonly command?: string;
  /** Called now and then. @default nothing */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Stops the sweep; finished cells are kept. @default never */
  readonly signal?: AbortSignal;
}

/** {@link SweepOptions}, checked, with every default filled in. */
export interface ResolvedSweep extends SweepOptions {
  /** By name, in order. */
  readonly paths: ReadonlyMap<string, string>;
  readonly cells: readonly SweepCell[];
  readonly latencyRuns: number;
  readonly threads: number;
  readonly command: string;
  readonly limits: Budget | undefined;
}

const DEFAULT_CRITERIA = ["l1", "wanda", "obs+least-squares"];
const DEFAULT_LATENCY_RUNS = 30;

/**
 * @throws {EspalierError} `usage` for options that are none or contradict each other
 * @throws {CoreError} `invalid-pattern`, `invalid-sparsity`
 */
export function resolveSweep(options: SweepOptions): ResolvedSweep {
  const {
    criteria = DEFAULT_CRITERIA,
    patterns,
    sparsities = [],
    formats = ["auto"],
    budget,
    labels,
    metric,
  } = options;
  const { latencyRuns = DEFAULT_LATENCY_RUNS, threads = availableParallelism() } = options;
  requireUse(criteria, options);
  for (const format of formats) requireFormat(format);
  requireCount("threads", threads);
  requireCount("latencyRuns", latencyRuns);
  requireAccuracy(options, labels !== undefined);
  const paths = namesOf(options.models);
  const cells = [...paths.keys()].flatMap((model) => planCells(model, { criteria, patterns, sparsities, formats }));
  return {
    ...options,
    ...{ paths, cells, latencyRuns, threads },
    command: options.command ?? `sweep() of espalier ${VERSION}`,
    limits: budget === undefined ? undefined : parseBudget(budget, labels !== undefined || metric !== undefined),
  };
}

/** @throws {EspalierError} `usage` for a criterion that is none, or an option that no criterion has a use for */
function requireUse(criteria: readonly string[], { mask, seed }: SweepOptions): void {
  const methods = criteria.map((criterion) => parseMethod(criterion, seed));
  if (mask !== undefined && methods.every(({ needs }) => needs === "nothing")) {
    throw usage(`the mask ${mask} is for calibration, and ${criteria.join(", ")} look at weights alone: leave it out`);
  }
  if (seed !== undefined && !methods.some(({ criterion }) => "seed" in criterion)) {
    throw usage(`a seed was given, and ${criteria.join(", ")} draw nothing: leave it out, or add random`);
  }
}

function namesOf(models: readonly string[]): ReadonlyMap<string, string> {
  if (models.length === 0) throw usage("there are no models: give at least one");
  const paths = new Map<string, string>();
  for (const path of models) {
    const name = basename(path).replace(/\.onnx$/, "");
    const other = paths.get(name);
    if (other !== undefined)
      throw usage(`${other} and ${path} would both be called ${name}: give files of different names`);
    paths.set(name, path);
  }
  return paths;
}

function requireFormat(format: string): void {
  if ((FORMATS as readonly string[]).includes(format)) return;
  throw usage(`the format is ${JSON.stringify(format)}, expected ${FORMATS.join(", ")}`);
}

function requireCount(option: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw usage(`${option} is ${value}, expected a whole number from 1`);
}

function usage(message: string): EspalierError {
  return new EspalierError("usage", message);
}
