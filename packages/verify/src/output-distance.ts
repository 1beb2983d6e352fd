import type { Tensor } from "@espalier/runtime";
import type { OutputDistance } from "./check.js";
import { outputValues } from "./output-values.js";
import { RowMeter } from "./row-meter.js";

/** Sums over the elements of one or more pairs of outputs; `o` is the original's, `p` the pruned model's. */
interface Sums {
  readonly maxAbs: number;
  /** Σ(p − o)² */
  readonly difference: number;
  /** Σo² */
  readonly original: number;
  /** Σp² */
  readonly pruned: number;
  /** Σpo */
  readonly product: number;
}

/** Adds up how far one output of the pruned model is from the original's, sample by sample. */
export class OutputMeter {
  readonly #name: string;
  readonly #where: string;
  #samples = 0;
  #total: Sums = { maxAbs: 0, difference: 0, original: 0, pruned: 0, product: 0 };
  #cosines = 0;
  readonly #rows = new RowMeter();
  #worst = { sample: 0, relativeL2: Number.NEGATIVE_INFINITY };

  /** @param where of what is compared with, for messages */
  constructor(name: string, where = "in the original") {
    this.#name = name;
    this.#where = where;
  }

  /**
   * Adds the outputs for the next sample.
   *
   * @returns what makes them incomparable, as one sentence: another type or shape, different texts, or a NaN or Infinity
   *   that only one of them has. The same NaN or Infinity in both is no distance.
   */
  add(original: Tensor, pruned: Tensor): string | undefined {
    const problem = mismatch(original, pruned, this.#where);
    if (problem !== undefined) return `output "${this.#name}" of sample ${this.#samples} ${problem}`;
    const [o, p] = [outputValues(original), outputValues(pruned)];
    const sums = o && p ? sumsOf(o, p) : { maxAbs: 0, difference: 0, original: 0, pruned: 0, product: 0 };
    const relativeL2 = relative(sums);
    if (o && p) this.#rows.add(original, o, p);
    if (relativeL2 > this.#worst.relativeL2) this.#worst = { sample: this.#samples, relativeL2 };
    this.#cosines += cosine(sums);
    this.#total = merge(this.#total, sums);
    this.#samples++;
    return undefined;
  }

  /** The distance over all samples so far, at least one. */
  distance(): OutputDistance {
    return {
      name: this.#name,
      maxAbs: this.#total.maxAbs,
      relativeL2: relative(this.#total),
      meanCosine: this.#cosines / this.#samples,
      worstSample: this.#worst.sample,
      worstRelativeL2: this.#worst.relativeL2,
      ...this.#rows.figures(),
    };
  }
}

function mismatch(original: Tensor, pruned: Tensor, where: string): string | undefined {
  const types = [original, pruned].map(({ dtype, dims }) => `${dtype} [${dims.join(", ")}]`);
  if (types[0] !== types[1]) return `is ${types[1]}, ${where} ${types[0]}`;
  const [o, p] = [outputValues(original), outputValues(pruned)];
  if (o === undefined || p === undefined) return differentText(original, pruned, where);
  for (let index = 0; index < o.length; index++) {
    const was = o[index]!;
    const is = p[index]!;
    if ((!Number.isFinite(was) || !Number.isFinite(is)) && !Object.is(was, is)) {
      return `is ${is} at element ${index}, ${where} ${was}`;
    }
  }
  return undefined;
}

function differentText(original: Tensor, pruned: Tensor, where: string): string | undefined {
  const index = Array.from(original.data as readonly string[]).findIndex((text, i) => text !== pruned.data[i]);
  return index < 0 ? undefined : `is another text than ${where} at element ${index}`;
}

function sumsOf(o: ArrayLike<number>, p: ArrayLike<number>): Sums {
  let [maxAbs, difference, original, pruned, product] = [0, 0, 0, 0, 0];
  for (let index = 0; index < o.length; index++) {
    const was = o[index]!;
    const is = p[index]!;
    if (!Number.isFinite(was)) continue; // the same on both sides, see mismatch
    maxAbs = Math.max(maxAbs, Math.abs(is - was));
    difference += (is - was) ** 2;
    original += was * was;
    pruned += is * is;
    product += was * is;
  }
  return { maxAbs, difference, original, pruned, product };
}

function merge(a: Sums, b: Sums): Sums {
  return {
    maxAbs: Math.max(a.maxAbs, b.maxAbs),
    difference: a.difference + b.difference,
    original: a.original + b.original,
    pruned: a.pruned + b.pruned,
    product: a.product + b.product,
  };
}

function relative({ difference, original }: Sums): number {
  return difference === 0 ? 0 : Math.sqrt(difference / original);
}

function cosine({ original, pruned, product }: Sums): number {
  if (original === 0 || pruned === 0) return original === pruned ? 1 : 0;
  return product / Math.sqrt(original * pruned);
}
