import { batch, type Sample, type Tensor } from "@espalier/runtime";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const ids = (...values: number[]): Tensor => ({
  dtype: "int64",
  dims: [1, values.length],
  data: BigInt64Array.from(values.map(BigInt)),
});
const samplesOf = (...rows: number[][]): Sample[] => rows.map((row) => ({ ids: ids(...row) }));
const shapes = (samples: Sample[], size: number) => [...batch(samples, size)].map((feed) => feed.ids!.dims);

describe("batch", () => {
  it("joins samples of one shape along their first axis, the last batch smaller", () => {
    expect([...batch(samplesOf([1, 2], [3, 4], [5, 6]), 2)]).toEqual([
      { ids: { dtype: "int64", dims: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) } },
      { ids: ids(5, 6) },
    ]);
  });

  it("starts a new batch where a size changes, and keeps the order", () => {
    expect(shapes(samplesOf([1], [2], [3, 4], [5], [6]), 3)).toEqual([
      [2, 1],
      [1, 2],
      [2, 1],
    ]);
  });

  it("starts a new batch when only one of several inputs differs, in size, rank or dtype", () => {
    const a = ids(1);
    const others: Tensor[] = [
      { dtype: "int32", dims: [1, 1], data: Int32Array.of(1) },
      { dtype: "int64", dims: [1, 1, 1], data: BigInt64Array.of(1n) },
      ids(1, 2),
    ];
    for (const b of others)
      expect([
        ...batch(
          [
            { a, b: ids(1) },
            { a, b },
          ],
          2,
        ),
      ]).toHaveLength(2);
    expect([
      ...batch(
        [
          { a, b: ids(1) },
          { a, c: ids(1) },
        ],
        2,
      ),
    ]).toHaveLength(2);
    expect([...batch([{ a }, { a, b: ids(1) }], 2)]).toHaveLength(2);
  });

  it("joins text, bools and samples that are batches already", () => {
    const row = (rows: number, ...texts: string[]): Sample => ({
      text: { dtype: "string", dims: [rows], data: texts },
      flag: { dtype: "bool", dims: [rows, 1], data: new Uint8Array(rows).fill(1) },
    });
    expect([...batch([row(1, "a"), row(2, "b", "c")], 5)]).toEqual([
      {
        text: { dtype: "string", dims: [3], data: ["a", "b", "c"] },
        flag: { dtype: "bool", dims: [3, 1], data: Uint8Array.of(1, 1, 1) },
      },
    ]);
  });

  it("leaves samples with a scalar alone, for it has no axis to join along", () => {
    const scalar: Sample = { t: { dtype: "float32", dims: [], data: Float32Array.of(1) } };
    expect([...batch([scalar, scalar], 2)]).toEqual([scalar, scalar]);
  });

  it("gives nothing for nothing, and reads no further than it must", () => {
    expect([...batch([], 4)]).toEqual([]);
    let read = 0;
    const endless = (function* () {
      for (;;) {
        read++;
        yield { ids: ids(1) };
      }
    })();
    expect(batch(endless, 3).next().value!.ids!.dims).toEqual([3, 1]);
    expect(read).toBeLessThanOrEqual(4);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a size of %d", (size) => {
    expect(() => [...batch(samplesOf([1]), size)]).toThrow(RangeError);
  });

  it("loses and reorders nothing, whatever the lengths and the size", () => {
    const rows = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 3 }), { maxLength: 20 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 6 }), (lengths, size) => {
        const feeds = [...batch(samplesOf(...lengths), size)];
        const back = feeds.flatMap(({ ids: { dims, data } = ids() }) =>
          Array.from({ length: dims[0]! }, (_, i) => [
            ...(data as BigInt64Array).subarray(i * dims[1]!, (i + 1) * dims[1]!),
          ]),
        );
        expect(back).toEqual(lengths.map((row) => row.map(BigInt)));
        expect(feeds.every(({ ids: feed }) => feed!.dims[0]! <= size)).toBe(true);
        // No two neighbours could have been one batch.
        for (let i = 1; i < feeds.length; i++) {
          const [a, b] = [feeds[i - 1]!.ids!.dims, feeds[i]!.ids!.dims];
          expect(a[0] === size || a[1] !== b[1]).toBe(true);
        }
      }),
      { seed: 15, numRuns: 300 },
    );
  });
});
