import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failure } from "../test/failure.js";
import { MOMENTS, shardSum } from "../test/statistics-content.js";
import { SumLedger } from "./sum-ledger.js";

const [SQUARES] = MOMENTS;
const moment = SQUARES!;

function ledgerOf(shards: readonly number[]): SumLedger {
  const ledger = new SumLedger(moment);
  for (const shard of shards) ledger.add(shard, shardSum(moment, shard));
  return ledger;
}

describe("SumLedger", () => {
  it("adds shards in the order of their numbers, whatever the order in which they come", () => {
    const one = { kind: "squares", weights: [{ name: "w", groups: 1, inFeatures: 1 }] } as const;
    const ledger = new SumLedger(one);
    for (const [shard, value] of [
      [2, 0.3],
      [1, 0.2],
      [0, 0.1],
    ] as const) {
      ledger.add(shard, { count: 1, values: Float64Array.of(value) });
    }
    // (0.1 + 0.2) + 0.3; as they came, (0.3 + 0.2) + 0.1 would be 0.6.
    expect(ledger.snapshot().total).toEqual({ count: 3, values: Float64Array.of(0.6000000000000001) });
  });

  it("holds shards behind a gap as they are", () => {
    const { folded, total, pending } = ledgerOf([4, 0, 1, 3]).snapshot();
    expect(folded).toBe(2);
    expect(total!.count).toBe(8);
    expect([...pending]).toEqual([
      [3, shardSum(moment, 3)],
      [4, shardSum(moment, 4)],
    ]);
  });

  it("has no total before the first shard", () => {
    expect(ledgerOf([1]).snapshot()).toMatchObject({ folded: 0, pending: new Map([[1, shardSum(moment, 1)]]) });
    expect(ledgerOf([1]).snapshot()).not.toHaveProperty("total");
  });

  it("gives snapshots that later shards do not change", () => {
    const ledger = ledgerOf([0, 2]);
    const before = ledger.snapshot();
    const values = before.total!.values.slice();
    ledger.add(1, shardSum(moment, 1));
    expect(before.total!.values).toEqual(values);
    expect([...before.pending.keys()]).toEqual([2]);
    expect(ledger.snapshot().folded).toBe(3);
  });

  it("does not change the sums that it is given", () => {
    const first = shardSum(moment, 0);
    const ledger = new SumLedger(moment);
    ledger.add(0, first);
    ledger.add(1, shardSum(moment, 1));
    expect(first).toEqual(shardSum(moment, 0));
  });

  it.each([
    ["one that was added to the total", 0],
    ["one that waits", 3],
  ])("refuses a shard twice: %s", (_, shard) => {
    const error = failure(() => ledgerOf([0, 1, 3]).add(shard, shardSum(moment, shard)));
    expect(error).toMatchObject({ code: "shard-twice", context: { shard } });
  });

  it.each([
    ["two totals", [0, 1], [0], 0],
    ["a total over what waits", [2], [0, 1, 2], 2],
    ["what waits in a total", [0, 1, 2], [1], 1],
    ["what waits in both", [2, 5], [5], 5],
  ])("refuses to absorb a shard twice: %s", (_, mine, others, shard) => {
    const other = ledgerOf(others).snapshot();
    expect(failure(() => ledgerOf(mine).absorb(other))).toMatchObject({ code: "shard-twice", context: { shard } });
  });

  it("ends with the same bits however shards are spread over ledgers and in which order these are absorbed", () => {
    const whole = ledgerOf([0, 1, 2, 3, 4, 5, 6, 7]).snapshot();
    const owners = fc.array(fc.nat({ max: 3 }), { minLength: 8, maxLength: 8 });
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    fc.assert(
      fc.property(owners, order, (owner, ledgers) => {
        const merged = new SumLedger(moment);
        for (const number of ledgers)
          merged.absorb(ledgerOf([7, 6, 5, 4, 3, 2, 1, 0].filter((s) => owner[s] === number)).snapshot());
        expect(merged.snapshot()).toEqual(whole);
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
