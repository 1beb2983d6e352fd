import { type Dim, keyOf } from "./dim.js";

/** Text of derived sizes above which they are not told apart any more: only very deep networks come there. */
const LONGEST_NAME = 300;

/** Names sizes that are known only when the model runs. The same name always stands for the same number. */
export class Symbols {
  #count = 0;
  /** Sizes that say nothing about tokens: those of images, and what is computed from them. */
  readonly #independent = new Set<string>();

  /** A size of which nothing is known. */
  fresh(): Dim {
    return [`#${this.#count++}`];
  }

  /** A size of an input that has no tokens. */
  independent(name: string): Dim {
    this.#independent.add(name);
    return [name];
  }

  /** A size computed from others: the same computation gives the same size. */
  derived(rule: string, from: readonly Dim[]): Dim {
    const name = `${rule}(${from.map(keyOf).join(",")})`;
    if (name.length > LONGEST_NAME) return this.fresh();
    return from.flat().every((factor) => this.isIndependent(factor)) ? this.independent(name) : [name];
  }

  /** Whether a factor is a number or a size that says nothing about tokens. */
  isIndependent(factor: number | string): boolean {
    return typeof factor === "number" || this.#independent.has(factor);
  }

  /** Whether nothing is known of a size. */
  isFresh(dim: Dim): boolean {
    return dim.length === 1 && typeof dim[0] === "string" && dim[0].startsWith("#");
  }
}
