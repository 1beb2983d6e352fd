import type { ComparisonGroup } from "./comparison-group.js";

/** The key of a model's `metadata_props` that holds the pruning record. */
export const PRUNING_RECORD_KEY = "espalier.pruning";

/** How weights were pruned: what it takes to compute the same masks again, apart from statistics. */
export interface PruningOptions {
  /** Name and version of the program that pruned, such as `espalier 0.1.0`. */
  readonly tool: string;
  /** The criterion's name, such as `l1`. */
  readonly criterion: string;
  /** The pattern's spec as the command line writes it, such as `2:4` or `block:16x4`. */
  readonly pattern: string;
  /** Fraction of zeros asked for, in [0, 1); with an allocation over all weights together. */
  readonly sparsity: number;
  /** The comparison group, for patterns that rank entries in one. */
  readonly group?: ComparisonGroup;
  /** The seed, for criteria that draw numbers; a safe integer. */
  readonly seed?: number;
  /** Name of what divided the sparsity among the weights, such as `owl`. @default each weight has `sparsity` */
  readonly allocation?: string;
  /** With an allocation: the fraction of zeros asked for in each weight of the step, in [0, 1). */
  readonly sparsities?: Readonly<Record<string, number>>;
  /**
   * How accuracy was won back: `bias` changed biases alone; `scale`, `obs` and `least-squares` changed the kept entries of
   * weights too. Newer versions may know more. @default what was kept is unchanged
   */
  readonly recover?: string;
}

/** One pruning run over some weights of a model. */
export interface PruningStep extends PruningOptions {
  /** Names of the weights that the run masked, ascending by UTF-16 code unit, none twice. */
  readonly weights: readonly string[];
  /** `sha256:` and 64 hex digits over {@link weightsDigestChunks} of `weights` as they were before the run. */
  readonly originalWeights: string;
  /**
   * With `recover`: names of the tensors besides `weights` that got new values, such as biases; ascending by UTF-16 code unit,
   * none twice. @default none
   */
  readonly changedTensors?: readonly string[];
}

/** What was done to a model, oldest step first. It holds no time stamps, so the same run writes the same bytes. */
export interface PruningRecord {
  readonly version: 1;
  readonly steps: readonly PruningStep[];
}

/** A record that could be read, or one sentence on what is wrong with the text. */
export type ParsedPruningRecord =
  | { readonly ok: true; readonly record: PruningRecord }
  | { readonly ok: false; readonly problem: string };

/** A record is a few levels deep; deeper text would only cost stack where it is written again. */
const MAX_DEPTH = 16;

/**
 * The record as JSON text: keys ascending by UTF-16 code unit at every level, no white space. Equal records give equal
 * text, and keys that a newer version wrote into the object are kept.
 */
export function encodePruningRecord(record: PruningRecord): string {
  return JSON.stringify(withSortedKeys(record));
}

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, withSortedKeys(child)]));
}

/**
 * Reads a record. Anybody can write this metadata entry, so nothing about the text is trusted: the result names what is
 * wrong instead of throwing. Unknown keys are allowed and stay in the record.
 *
 * @param text the metadata value
 */
export function parsePruningRecord(text: string): ParsedPruningRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: "the text is not JSON" };
  }
  const problem = problemOfRecord(value);
  return problem === undefined ? { ok: true, record: value as PruningRecord } : { ok: false, problem };
}

function problemOfRecord(value: unknown): string | undefined {
  if (!isObject(value)) return `expected an object, found ${kindOf(value)}`;
  if (value.version !== 1) return `expected version 1, found ${shown(value.version)}`;
  if (!Array.isArray(value.steps)) return `expected a list of steps, found ${kindOf(value.steps)}`;
  if (isDeeperThan(value, MAX_DEPTH)) return `it is nested more than ${MAX_DEPTH} levels deep`;
  for (const [index, step] of value.steps.entries()) {
    const problem = problemOfStep(step);
    if (problem !== undefined) return `step ${index}: ${problem}`;
  }
  return undefined;
}

function problemOfStep(step: unknown): string | undefined {
  if (!isObject(step)) return `expected an object, found ${kindOf(step)}`;
  for (const [key, rule] of Object.entries(STEP_RULES)) {
    if (!rule.holds(step[key], step)) return `expected ${key} to be ${rule.expected}, found ${shown(step[key])}`;
  }
  return undefined;
}

interface Rule {
  readonly expected: string;
  /** @param step what the value stands in */
  holds(value: unknown, step: Readonly<Record<string, unknown>>): boolean;
}

const isText = (value: unknown): boolean => typeof value === "string";
const isFraction = (value: unknown): boolean => typeof value === "number" && value >= 0 && value < 1;
const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isText) && new Set(value).size === value.length;

const STEP_RULES: Readonly<Record<keyof PruningStep, Rule>> = {
  tool: { expected: "a text", holds: isText },
  criterion: { expected: "a text", holds: isText },
  pattern: { expected: "a text", holds: isText },
  sparsity: { expected: "a fraction in [0, 1)", holds: isFraction },
  group: {
    expected: "row, layer, model or absent",
    holds: (value) => value === undefined || value === "row" || value === "layer" || value === "model",
  },
  seed: { expected: "an integer or absent", holds: (value) => value === undefined || Number.isSafeInteger(value) },
  weights: { expected: "a list of distinct names", holds: isNames },
  originalWeights: {
    expected: '"sha256:" and 64 hex digits',
    holds: (value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value),
  },
  allocation: {
    expected: "a text beside sparsities, or absent like them",
    holds: (value, { sparsities }) => (value === undefined ? sparsities === undefined : isText(value)),
  },
  sparsities: {
    expected: "a fraction in [0, 1) for each of the weights beside an allocation, or absent like it",
    holds: (value, { allocation, weights }) =>
      value === undefined ? allocation === undefined : isObject(value) && isNames(weights) && fits(value, weights),
  },
  recover: { expected: "a text or absent", holds: (value) => value === undefined || isText(value) },
  changedTensors: {
    expected: "a list of distinct names beside recover, or absent",
    holds: (value, { recover }) => value === undefined || (recover !== undefined && isNames(value)),
  },
};

function fits(sparsities: Readonly<Record<string, unknown>>, weights: readonly string[]): boolean {
  const names = Object.keys(sparsities);
  return (
    names.length === weights.length &&
    weights.every((name) => Object.hasOwn(sparsities, name) && isFraction(sparsities[name]))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeperThan(child, levels - 1));
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}

/** The value as JSON, cut where a hostile one would flood the message. */
function shown(value: unknown): string {
  if (typeof value === "object" || value === undefined) return kindOf(value);
  const text = JSON.stringify(value);
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

/** One weight for {@link weightsDigestChunks}. */
export interface DigestedWeight {
  readonly name: string;
  /** Number of element bytes. */
  readonly byteLength: number;
  /**
   * Canonical little-endian element bytes, in pieces of any size; called once, so they may be read from disk there. A piece
   * has to be valid only until the next one is asked for.
   */
  bytes(): Iterable<Uint8Array>;
}

/**
 * The bytes whose SHA-256 is a step's `originalWeights`, piece by piece: for each weight, ascending by UTF-16 code unit of
 * its name, the name in UTF-8, a zero byte, the number of element bytes in decimal, a zero byte, and the element bytes.
 * The hash itself is the caller's: this package knows none.
 */
export function* weightsDigestChunks(weights: Iterable<DigestedWeight>): Generator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  const sorted = [...weights].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const weight of sorted) {
    yield encoder.encode(`${weight.name}\0${weight.byteLength}\0`);
    yield* weight.bytes();
  }
}
