import { decodeModel, type Model } from "@espalier/onnx";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { layerChanges as changesOf } from "./layer-changes.js";

/** x → a → b → c, three MatMuls of 2 × 2; `c` may have another name. */
function chain(a: number[], b: number[], { last = "c" } = {}) {
  return decodeModel(
    buildModel({
      nodes: [node("MatMul", ["x", "a"], ["h"]), node("MatMul", ["h", "b"], ["i"]), node("MatMul", ["i", last], ["y"])],
      initializers: [
        tensor("a", [2, 2], Float32Array.from(a)),
        tensor("b", [2, 2], Float32Array.from(b)),
        tensor(last, [2, 2], Float32Array.of(1, 1, 1, 1)),
      ],
      inputs: [valueInfo("x", "float32", ["n", 2])],
      outputs: [valueInfo("y", "float32", ["n", 2])],
    }),
  );
}

/** As a model whose weights are all stored as they are is read. */
const layerChanges = (original: Model, model: Model, pictured: number) =>
  changesOf(original, { model, tensors: new Map(), unread: [], dropped: new Set(), nested: new Map() }, pictured);

describe("layerChanges", () => {
  it("measures zeros and how far values moved: ‖(3, 4, 0, 0) − (0, 4, 0, 0)‖ / 5 = 0.6", () => {
    const { changed, unchanged } = layerChanges(
      chain([3, 4, 0, 0], [1, 2, 3, 4]),
      chain([0, 4, 0, -0], [1, 2, 3, 4]),
      0,
    );
    expect(changed).toEqual([
      {
        name: "a",
        outChannels: 2,
        inFeatures: 2,
        zeros: { before: 0.5, after: 0.75 },
        weightError: 0.6,
        stored: { how: "dense", bytes: 16, bytesBefore: 16 },
      },
    ]);
    expect(unchanged).toBe(2);
  });

  it("has pictures of the largest weights only, the first among equals", () => {
    const { changed } = layerChanges(chain([1, 1, 1, 1], [1, 1, 1, 1]), chain([0, 1, 1, 1], [0, 1, 1, 1]), 1);
    expect(changed.map(({ name, pictures }) => [name, pictures !== undefined])).toEqual([
      ["a", true],
      ["b", false],
    ]);
    expect([...changed[0]!.pictures!.masks.corner.levels]).toEqual([0, 1, 1, 1]);
  });

  it("names the weights that have no counterpart", () => {
    const before = chain([1, 1, 1, 1], [1, 1, 1, 1]);
    const { unmatched, unchanged } = layerChanges(before, chain([1, 1, 1, 1], [1, 1, 1, 1], { last: "other" }), 8);
    expect({ unmatched, unchanged }).toEqual({ unmatched: ["c"], unchanged: 2 });
  });

  it("has moved as far as its own size where it was all zeros", () => {
    const { changed } = layerChanges(chain([0, 0, 0, 0], [1, 1, 1, 1]), chain([1, 0, 0, 0], [1, 1, 1, 1]), 0);
    expect(changed[0]!.weightError).toBe(1);
  });
});
