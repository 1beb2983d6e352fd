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
      this.#total = this.#total ? addSums(this.#total, next) : next;
      this.#folded++;
    }
  }
}

/** The sum over the positions of both, in a new array: what was handed out before stays as it is. */
export function addSums(a: Sum, b: Sum): Sum {
  const values = a.values.slice();
  for (let index = 0; index < values.length; index++) values[index]! += b.values[index]!;
  return { count: a.count + b.count, values };
}

function twice(shard: number): StatisticsError {
  const message = `Shard ${shard} is there twice, and it must count once. Leave out one of the files that hold it.`;
  return new StatisticsError("shard-twice", message, { shard });
}
