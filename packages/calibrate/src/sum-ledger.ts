import type { Moment, MomentSums, Sum } from "./moment.js";
import { StatisticsError } from "./statistics-error.js";

/**
 * The sums of one moment, shard by shard as they come, in any order. Addition of float64 is not associative, so a shard is
 * added only when all before it are in: `((s0 + s1) + s2) + …`; until then it waits as it is. That makes the total a
 * function of the shards alone, whoever finished them and when.
 */
export class SumLedger {
  readonly moment: Moment;
  #folded = 0;
  #total: Sum | undefined;
  /** Whether nobody else holds the array of the total, so that it may be changed. */
  #isOwn = false;
  readonly #pending = new Map<number, Sum>();

  constructor(moment: Moment) {
    this.moment = moment;
  }

  /** Whether a shard is in. */
  has(shard: number): boolean {
    return shard < this.#folded || this.#pending.has(shard);
  }

  /** @throws {StatisticsError} `shard-twice` */
  add(shard: number, sum: Sum): void {
    this.#refuseTwice(shard);
    this.#pending.set(shard, sum);
    this.#fold();
  }

  /** Takes over what another run has. @throws {StatisticsError} `shard-twice` */
  absorb({ folded, total, pending }: MomentSums): void {
    if (total !== undefined) {
      if (this.#folded > 0) throw twice(0);
      const overlap = [...this.#pending.keys()].find((shard) => shard < folded);
      if (overlap !== undefined) throw twice(overlap);
      this.#folded = folded;
      this.#total = total;
      this.#isOwn = false;
    }
    for (const [shard, sum] of pending) {
      this.#refuseTwice(shard);
      this.#pending.set(shard, sum);
    }
    this.#fold();
  }

  /** What is in now; later additions do not change it. */
  snapshot(): MomentSums {
    const pending = new Map([...this.#pending].sort(([a], [b]) => a - b));
    const total = this.#total;
    this.#isOwn = false;
    return { ...this.moment, folded: this.#folded, ...(total && { total }), pending };
  }

  #refuseTwice(shard: number): void {
    if (this.has(shard)) throw twice(shard);
  }

  #fold(): void {
    for (;;) {
      const next = this.#pending.get(this.#folded);
      if (next === undefined) return;
      this.#pending.delete(this.#folded);
      this.#addToTotal(next);
      this.#folded++;
    }
  }

  #addToTotal(next: Sum): void {
    if (this.#total === undefined) {
      this.#total = next;
      return;
    }
    const values = this.#isOwn ? this.#total.values : this.#total.values.slice();
    addInto(values, next.values);
    this.#total = { count: this.#total.count + next.count, values };
    this.#isOwn = true;
  }
}

/** The sum over the positions of both, in a new array: what was handed out before stays as it is. */
export function addSums(a: Sum, b: Sum): Sum {
  const values = a.values.slice();
  addInto(values, b.values);
  return { count: a.count + b.count, values };
}

function addInto(values: Float64Array, more: Float64Array): void {
  for (let index = 0; index < values.length; index++) values[index]! += more[index]!;
}

function twice(shard: number): StatisticsError {
  const message = `Shard ${shard} is there twice, and it must count once. Leave out one of the files that hold it.`;
  return new StatisticsError("shard-twice", message, { shard });
}
