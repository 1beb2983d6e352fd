import { encodeModel, externalDataFiles, type Model } from "@espalier/onnx";
import {
  type Backend,
  isRunnerError,
  type Optimization,
  openRunner,
  type Runner,
  type RunnerOptions,
  randomFeeds,
  type Sample,
  type Tensor,
} from "@espalier/runtime";
import { backendsOf } from "./backends.js";
import type { VerifyOptions } from "./options.js";
import { VerifyError } from "./verify-error.js";

/** A model that was opened, or the reason why the runtime refused it. */
export type Opening = { readonly ok: true; readonly runner: Runner } | { readonly ok: false; readonly problem: string };

/** Outputs by name, or the reason why the run stopped. */
export type RunResult =
  | { readonly ok: true; readonly outputs: Readonly<Record<string, Tensor>> }
  | { readonly ok: false; readonly problem: string };

/** Which of the two models. */
export type Side = "original" | "pruned";

/** What the runtime says when a model is at fault; anything else (no backend, a bad option) is the caller's to mend. */
const MODEL_PROBLEMS = ["load-failed", "unsupported-type", "run-failed", "bad-input", "bad-output"] as const;

/** Made-up feeds are few: they say that a model runs, and nothing about its quality. */
const RANDOM_SAMPLES = 3;

/** Both models as they run on the samples. What is opened stays open until {@link Execution.close}. */
export class Execution {
  /** Where models run; on the first all that is measured once. */
  readonly backends: readonly [Backend, ...Backend[]];
  readonly #options: VerifyOptions;
  /** By side and backend. */
  readonly #openings = new Map<string, Promise<Opening>>();
  #first: Promise<Sample | undefined> | undefined;
  #rest: AsyncIterator<Sample> | Iterator<Sample> | undefined;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.backends = backendsOf(options.backend);
  }

  /** Whether feeds are made up because no samples were given. */
  get random(): boolean {
    return this.#options.samples === undefined;
  }

  /** A model at full optimisation, opened once for each backend. */
  open(side: Side, backend = this.backends[0]): Promise<Opening> {
    const key = `${side} ${backend}`;
    let opening = this.#openings.get(key);
    if (opening === undefined) {
      opening = this.openAt(side, "all", backend);
      this.#openings.set(key, opening);
    }
    return opening;
  }

  /** A model opened anew; the caller closes it. */
  async openAt(side: Side, optimization: Optimization, backend = this.backends[0]): Promise<Opening> {
    const { originalSource, prunedSource } = this.#options;
    const given = side === "original" ? originalSource : prunedSource;
    const options: RunnerOptions = { optimization, backend };
    const model = this.#options[side];
    try {
      const runner = await (given === undefined ? openModel(model, options) : openSource(given, model, options));
      return { ok: true, runner };
    } catch (error) {
      return { ok: false, problem: problemOf(error) };
    }
  }

  /**
   * The first sample, or a random feed; undefined when there are no samples and the original, whose inputs say what to
   * make up, does not open.
   *
   * @throws {VerifyError} `no-samples`
   */
  firstSample(): Promise<Sample | undefined> {
    this.#first ??= this.#readFirst();
    return this.#first;
  }

  /** All samples, for one pass. */
  async *samples(): AsyncGenerator<Sample> {
    const first = await this.firstSample();
    if (first !== undefined) yield first;
    if (this.random) {
      const original = await this.open("original");
      for (let seed = 1; original.ok && seed < RANDOM_SAMPLES; seed++)
        yield randomFeeds(original.runner.inputs, { seed });
      return;
    }
    for (let next = await this.#rest!.next(); !next.done; next = await this.#rest!.next()) yield next.value;
  }

  async #readFirst(): Promise<Sample | undefined> {
    const { samples } = this.#options;
    if (samples === undefined) {
      const original = await this.open("original");
      return original.ok ? randomFeeds(original.runner.inputs, { seed: 0 }) : undefined;
    }
    this.#rest = Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
    const first = await this.#rest.next();
    if (!first.done) return first.value;
    throw new VerifyError("no-samples", "there is not one sample: give at least one, or none at all for random feeds");
  }

  /** Closes what {@link Execution.open} opened, and the samples. */
  async close(): Promise<void> {
    await this.#rest?.return?.();
    for (const opening of this.#openings.values()) {
      // Why one could not be opened was said when it was asked for.
      const opened = await opening.catch(() => undefined);
      if (opened?.ok) await opened.runner.close();
    }
  }
}

/** Runs a model once; what the model is to blame for is a result. */
export async function runOnce(runner: Runner, sample: Sample): Promise<RunResult> {
  try {
    return { ok: true, outputs: await runner.run(sample) };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}

function openModel(model: Model, options: RunnerOptions): Promise<Runner> {
  return openRunner(encodeModel(model), { ...options, externalData: externalDataFiles(model) });
}

/** Bytes do not say where their external data is, the model does; a path finds it by itself. */
function openSource(source: string | Uint8Array, model: Model, options: RunnerOptions): Promise<Runner> {
  if (typeof source === "string") return openRunner(source, options);
  return openRunner(source, { ...options, externalData: externalDataFiles(model) });
}

/**
 * What the runtime says about a model that it refuses.
 *
 * @throws the error itself where it is not the model that is at fault
 */
export function problemOf(error: unknown): string {
  if (MODEL_PROBLEMS.some((code) => isRunnerError(error, code))) return (error as Error).message;
  throw error;
}
