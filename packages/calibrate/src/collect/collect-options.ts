import type { Backend } from "@espalier/runtime";
import { StatisticsError } from "../statistics-error.js";
import type { CollectionProgress } from "./collection-progress.js";

/** What to measure: sums depend on these options, and on nothing else beside model and samples. */
export interface MeasureOptions {
  /**
   * Names of the weights, as `prunableWeights` gives them; each of them must be measurable.
   * @default every prunable weight that can be measured; the others are listed in `skipped`
   */
  readonly weights?: readonly string[];
  /**
   * Most samples in one run of the model. More may be faster and takes more memory; sequences of different lengths never
   * share a run. A model that fixes its batch size needs exactly that.
   * @default 1
   */
  readonly batch?: number;
  /** Samples in a shard. @default 32 */
  readonly shardSize?: number;
  /** Name of an input such as `attention_mask`: positions where it is 0 do not count. @default every position counts */
  readonly mask?: string;
  /** Also collect Gram matrices `XᵀX`: much more time and memory. @default false */
  readonly gram?: boolean;
}

/** Options of {@link collectStatistics}. */
export interface CollectOptions extends MeasureOptions {
  /** Worker threads, each with a copy of the model that runs on one core. @default the number of cores */
  readonly threads?: number;
  /** Run only the shards whose number leaves `index` when divided by `of`: the part of one machine. @default all */
  readonly shard?: ShardSelection;
  /**
   * Bytes that Gram matrices may take, all copies counted: of the totals, in workers and on their way. Weights are measured
   * in as many passes over the samples as that needs.
   * @default 2e9
   */
  readonly memory?: number;
  /** Statistics file, written after each shard. Replaced if it exists. @default none */
  readonly output?: string;
  /** Statistics file of an earlier run (or of several, merged), whose shards are taken over. @default none */
  readonly resumeFrom?: string;
  /** How often a shard is tried again on a fresh worker. @default 2 */
  readonly retries?: number;
  /** Called after every shard. @default nothing */
  readonly onProgress?: (progress: CollectionProgress) => void;
  /** Stops the run; finished shards are in `output`. @default never */
  readonly signal?: AbortSignal;
}

/** Options of {@link collectInThisThread}. */
export interface InThreadOptions extends MeasureOptions {
  /** @default "node" in Node, "web" elsewhere */
  readonly backend?: Backend;
  /** Called after every shard. @default nothing */
  readonly onProgress?: (progress: CollectionProgress) => void;
  /** Stops the run between two shards. @default never */
  readonly signal?: AbortSignal;
}

/** Some of the shards: those whose number leaves `index` when divided by `of`. */
export interface ShardSelection {
  /** Integer from 0 to `of` − 1. */
  readonly index: number;
  /** Integer of at least 1. */
  readonly of: number;
}

/** {@link MeasureOptions} with every default filled in. */
export interface ResolvedMeasureOptions {
  readonly weights: readonly string[] | undefined;
  readonly batch: number;
  readonly shardSize: number;
  readonly mask: string | null;
  readonly gram: boolean;
}

const DEFAULT_SHARD_SIZE = 32;
const DEFAULT_MEMORY = 2e9;
const DEFAULT_RETRIES = 2;

/** @throws {StatisticsError} `bad-option` */
export function resolveMeasureOptions(options: MeasureOptions): ResolvedMeasureOptions {
  return {
    weights: options.weights,
    batch: integer("batch", options.batch ?? 1, 1),
    shardSize: integer("shardSize", options.shardSize ?? DEFAULT_SHARD_SIZE, 1),
    mask: options.mask ?? null,
    gram: options.gram ?? false,
  };
}

/** How to work, with every default filled in; sums do not depend on it. */
export interface ResolvedWorkOptions {
  readonly threads: number;
  readonly shard: ShardSelection;
  readonly memory: number;
  readonly retries: number;
}

/**
 * @param cores default number of threads
 * @throws {StatisticsError} `bad-option`
 */
export function resolveWorkOptions(options: CollectOptions, cores: number): ResolvedWorkOptions {
  const shard = options.shard ?? { index: 0, of: 1 };
  integer("shard.of", shard.of, 1);
  integer("shard.index", shard.index, 0);
  if (shard.index >= shard.of) throw badOption("shard.index", shard.index, `less than shard.of, which is ${shard.of}`);
  return {
    threads: integer("threads", options.threads ?? cores, 1),
    shard: { index: shard.index, of: shard.of },
    memory: integer("memory", options.memory ?? DEFAULT_MEMORY, 1),
    retries: integer("retries", options.retries ?? DEFAULT_RETRIES, 0),
  };
}

function integer(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badOption(option, value, `an integer of at least ${least}`);
}

function badOption(option: string, value: unknown, expected: string): StatisticsError {
  return new StatisticsError("bad-option", `${option}: found ${String(value)}, expected ${expected}.`);
}
