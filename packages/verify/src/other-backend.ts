import type { Backend, Sample, Tensor } from "@espalier/runtime";
import type { BackendFinding } from "./check.js";
import { type Opening, type RunResult, runOnce } from "./execution.js";
import { OutputMeter } from "./output-distance.js";

/** The pruned model on another backend than the first, compared with what it puts out there. */
export class OtherBackend {
  readonly #backend: Backend;
  readonly #opening: Opening;
  readonly #meters: ReadonlyMap<string, OutputMeter>;
  #problem: string | undefined;

  /**
   * @param first the backend to compare with
   * @param outputs names of the outputs to compare
   */
  constructor(backend: Backend, opening: Opening, first: Backend, outputs: readonly string[]) {
    this.#backend = backend;
    this.#opening = opening;
    this.#meters = new Map(outputs.map((name) => [name, new OutputMeter(name, `on ${first}`)]));
    if (!opening.ok) this.#problem = `does not open: ${opening.problem}`;
  }

  /** Runs the next sample; nothing any more once a problem is known. */
  async run(sample: Sample): Promise<RunResult | undefined> {
    return this.#opening.ok && this.#problem === undefined ? runOnce(this.#opening.runner, sample) : undefined;
  }

  /**
   * Adds the outputs of that sample.
   *
   * @param index of the sample
   * @param expected the first backend's outputs
   */
  add(index: number, expected: Readonly<Record<string, Tensor>>, result: RunResult | undefined): void {
    if (result === undefined) return;
    this.#problem = result.ok ? this.#measure(expected, result.outputs) : `stops at sample ${index}: ${result.problem}`;
  }

  #measure(expected: Readonly<Record<string, Tensor>>, found: Readonly<Record<string, Tensor>>): string | undefined {
    for (const [name, meter] of this.#meters) {
      const problem = meter.add(expected[name]!, found[name]!);
      if (problem !== undefined) return `differs: ${problem}`;
    }
    return undefined;
  }

  /** What was found over all samples so far, at least one. */
  finding(): BackendFinding {
    if (this.#problem !== undefined) return { backend: this.#backend, problem: this.#problem };
    return { backend: this.#backend, outputs: [...this.#meters.values()].map((meter) => meter.distance()) };
  }
}
