import {
  type Criterion,
  computeMasks,
  denseMatrix,
  hash,
  l1,
  l2,
  Mask,
  nm,
  random,
  refusalReason,
  resolvePattern,
  rows,
  type Statistics,
  unstructured,
  type WeightView,
  wanda,
} from "@espalier/core";
import { describe, expect, it } from "vitest";
import { coreErrorOf } from "../test-support/errors.js";
import { PATTERN_CASES } from "../test-support/pattern-cases.js";
import { matMul, viewOf } from "../test-support/views.js";

const matrix = (name: string, values: number[]): WeightView =>
  denseMatrix(name, Float32Array.from(values), 1, values.length);

/** A criterion that says what it is told, whatever the weight. */
const saying = (...scores: number[]): Criterion => ({ ...l1(), name: "said", score: () => Float32Array.from(scores) });

describe("computeMasks", () => {
  it("answers in the order of the weights, each by itself", () => {
    const views = [matrix("z", [1, 2]), matrix("a", [40, 30])];
    const masks = computeMasks(views, { criterion: l1(), pattern: unstructured(0.5) });
    expect([...masks]).toEqual([
      ["z", { mask: Mask.from([0, 1]), raggedBlocks: 0 }],
      ["a", { mask: Mask.from([1, 0]), raggedBlocks: 0 }],
    ]);
  });

  it("has nothing to say about no weights", () => {
    expect(computeMasks([], { criterion: l1(), pattern: unstructured(0.5, { group: "model" }) }).size).toBe(0);
  });

  it("does not let other weights or their order change a weight's mask", () => {
    const views = [matrix("a", new Array(40).fill(1)), matrix("b", new Array(40).fill(1))];
    const request = { criterion: random(1), pattern: unstructured(0.5) };
    const both = computeMasks(views, request);
    expect(computeMasks(views.toReversed(), request).get("a")).toEqual(both.get("a"));
    expect(computeMasks(views.slice(0, 1), request).get("a")).toEqual(both.get("a"));
    expect(hash(both.get("a")!.mask)).not.toBe(hash(both.get("b")!.mask));
  });

  it("reads one weight at a time, and every pass over the model in order", () => {
    const reads: string[] = [];
    const watched = ["a", "b"].map((name) => ({
      ...matrix(name, [3, 1, 2]),
      read: () => {
        reads.push(name);
        return new Float32Array([3, 1, 2]);
      },
    }));
    computeMasks(watched, { criterion: l1(), pattern: unstructured(0.5) });
    expect(reads).toEqual(["a", "b"]);
    reads.length = 0;
    computeMasks(watched, { criterion: l1(), pattern: unstructured(0.5, { group: "model" }) });
    expect(new Set(reads)).toEqual(new Set(["a", "b"]));
  });

  it("lists every weight that cannot take the pattern, and reads none", () => {
    const unread = (view: WeightView): WeightView => ({
      ...view,
      read: () => {
        throw new Error("read");
      },
    });
    const views = [matrix("a", new Array(6).fill(1)), matrix("b", new Array(8).fill(1)), matrix("c", [1])].map(unread);
    const error = coreErrorOf(() => computeMasks(views, { criterion: l1(), pattern: nm(2, 4) }));
    expect(error.code).toBe("unsupported");
    expect(error.refusals).toEqual([
      { name: "a", reason: "its 6 input channels are no multiple of 4" },
      { name: "c", reason: "its 1 input channels are no multiple of 4" },
    ]);
    expect(error.message).toBe(
      "2 of 3 weights cannot be pruned with l1 and 2:4: " +
        '"a": its 6 input channels are no multiple of 4; "c": its 1 input channels are no multiple of 4. ' +
        "Exclude them or choose another pattern or criterion",
    );
  });

  it("never falls back to magnitude where statistics are missing", () => {
    const statistics: Statistics = new Map([["a", { sumOfSquares: new Float64Array([1, 1]), count: 1 }]]);
    const views = [matrix("a", [1, 2]), matrix("b", [1, 2])];
    const error = coreErrorOf(() =>
      computeMasks(views, { criterion: wanda(), pattern: unstructured(0.5), statistics }),
    );
    expect(error.refusals).toEqual([{ name: "b", reason: "wanda needs statistics and there are none for it" }]);
  });

  it("refuses NaN in a weight, naming it and the index", () => {
    const views = [matrix("a", [1, 2]), matrix("b", [1, Number.NaN])];
    for (const group of ["layer", "row", "model"] as const) {
      const error = coreErrorOf(() => computeMasks(views, { criterion: l1(), pattern: unstructured(0, { group }) }));
      expect(error).toMatchObject({ code: "not-finite", weight: "b", index: 1 });
    }
  });

  it("takes −0 from a criterion for the 0 it is", () => {
    const masks = computeMasks([matrix("a", [1, 2, 3])], { criterion: saying(1, -0, 2), pattern: unstructured(0.3) });
    expect(masks.get("a")!.mask).toEqual(Mask.from([1, 0, 1]));
  });

  it.each([
    ["NaN", [1, Number.NaN], "not-finite"],
    ["Infinity", [1, Number.POSITIVE_INFINITY], "not-finite"],
    ["a negative number", [1, -0.5], "invalid-criterion"],
  ])("refuses %s from a criterion, naming weight and index", (_, scores, code) => {
    const request = { criterion: saying(...(scores as number[])), pattern: unstructured(0.5) };
    expect(coreErrorOf(() => computeMasks([matrix("a", [1, 2])], request))).toMatchObject({
      code,
      weight: "a",
      index: 1,
    });
  });

  it("refuses importance of another length", () => {
    const request = { criterion: saying(1), pattern: unstructured(0.5) };
    expect(coreErrorOf(() => computeMasks([matrix("a", [1, 2])], request)).code).toBe("shape-mismatch");
  });

  it("refuses two weights of one name, of which one would get the other's mask", () => {
    const views = [matrix("a", [1]), matrix("a", [2])];
    const error = coreErrorOf(() => computeMasks(views, { criterion: l1(), pattern: unstructured(0.5) }));
    expect(error).toMatchObject({ code: "duplicate-weight", weight: "a" });
  });

  it("refuses a view whose axes do not fill its matrix", () => {
    const view = { ...viewOf("a", matMul(2, 3), [1, 2, 3, 4, 5, 6]), outChannels: 2 };
    expect(coreErrorOf(() => computeMasks([view], { criterion: l1(), pattern: rows(0.5) })).code).toBe(
      "shape-mismatch",
    );
  });
});

describe("computeMasks with scratch memory", () => {
  /** A view that reads into the memory it is given, as weights on disk do. */
  const onDisk = (name: string, values: number[], double = false): WeightView => ({
    ...matrix(name, values),
    read: (into) => {
      const Values = double ? Float64Array : Float32Array;
      const fits = into !== undefined && into.byteLength >= values.length * Values.BYTES_PER_ELEMENT;
      const array = fits ? new Values(into, 0, values.length) : new Values(values.length);
      array.set(values);
      return array;
    },
  });
  const views = [
    onDisk("a", [1, -2, 3, 4, 9, -6, 7, 8]),
    onDisk("b", [8, 7, 6, 0]),
    onDisk("c", [3, -5, 0.5, 4], true),
  ];
  const statistics: Statistics = new Map(
    [8, 4, 4].map((length, which) => [
      "abc"[which]!,
      { sumOfSquares: Float64Array.from({ length }, (_, i) => (i * 5) % 7), count: 2 },
    ]),
  );

  it.each(PATTERN_CASES.filter(({ channelMultiple }) => 4 % (channelMultiple ?? 1) === 0))(
    "makes the same masks as without, whatever the size of the memory: $name",
    ({ build }) => {
      for (const criterion of [l1(), l2(), wanda(), random(3)]) {
        const request = { criterion, pattern: build(50), statistics };
        const expected = computeMasks(views, request);
        // Too small for all, for the first, for the f64 one; large enough.
        for (const size of [0, 16, 31, 32, 100]) {
          const scratch = new ArrayBuffer(size);
          new Uint8Array(scratch).fill(0xff); // NaNs, should anybody read what was there
          expect(computeMasks(views, { ...request, scratch })).toEqual(expected);
        }
      }
    },
  );

  it("reads and scores f32 weights nowhere else", () => {
    const scratch = new ArrayBuffer(32);
    const places: unknown[] = [];
    const watching: Criterion = {
      ...l1(),
      score: (view, values, found, into) => {
        places.push(values.buffer === scratch, into === values);
        return l1().score(view, values, found, into);
      },
    };
    computeMasks(views.slice(0, 2), { criterion: watching, pattern: unstructured(0.5), scratch });
    expect(places).toEqual([true, true, true, true]);
  });

  it("never scores over an array that a view handed out as its own", () => {
    const own = Float32Array.of(-4, 3, -2, 1);
    const view = denseMatrix("w", own, 1, 4);
    computeMasks([view], { criterion: l1(), pattern: unstructured(0.5), scratch: new ArrayBuffer(16) });
    expect(own).toEqual(Float32Array.of(-4, 3, -2, 1));
  });

  it("lets a criterion ignore it", () => {
    const request = { criterion: saying(1, 3, 2, 4), pattern: unstructured(0.5), scratch: new ArrayBuffer(16) };
    expect(computeMasks([onDisk("w", [9, 9, 9, 9])], request).get("w")!.mask).toEqual(Mask.from([0, 1, 0, 1]));
  });
});

describe("refusalReason", () => {
  const torn = viewOf("w", matMul(2, 2), [1, 2, 3, 4], { axisConflict: "consumers disagree" });
  const statistics: Statistics = new Map([["w", { sumOfSquares: new Float64Array(2), count: 1 }]]);

  it("lets a weight with conflicting axes be pruned by magnitude in one group", () => {
    expect(refusalReason(torn, { criterion: l1(), pattern: unstructured(0.5) })).toBeUndefined();
    expect(refusalReason(torn, { criterion: l1(), pattern: unstructured(0.5, { group: "model" }) })).toBeUndefined();
  });

  it("refuses it where the criterion's own default group is rows", () => {
    const request = { criterion: { ...l1(), defaultGroup: "row" as const }, pattern: unstructured(0.5) };
    expect(refusalReason(torn, request)).toContain("consumers disagree");
  });

  it("refuses it where the criterion needs statistics, whatever the group", () => {
    const request = { criterion: wanda(), pattern: unstructured(0.5, { group: "layer" }), statistics };
    expect(refusalReason(torn, request)).toBe("wanda needs to know its input features: consumers disagree");
  });
});

describe("resolvePattern", () => {
  it("fills in the criterion's group where the pattern leaves it open", () => {
    expect(resolvePattern(unstructured(0.5), wanda())).toMatchObject({ group: "row", sparsity: 0.5 });
    expect(resolvePattern(unstructured(0.5), l1()).group).toBe("layer");
  });

  it("leaves every other choice alone", () => {
    expect(resolvePattern(unstructured(0.5, { group: "model" }), wanda()).group).toBe("model");
    expect(resolvePattern(nm(2, 4), wanda()).group).toBeUndefined();
  });
});
