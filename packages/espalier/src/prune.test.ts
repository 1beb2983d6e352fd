import { l1, nm, type Pattern, unstructured } from "@espalier/core";
import { decodeModel } from "@espalier/onnx";
import { buildModel, node, random, tensor } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import type { ProgressEvent } from "./progress.js";
import { prune } from "./prune.js";

/** Three weights of different sizes, the largest in the middle. */
const shapes: readonly (readonly [string, number, number])[] = [
  ["c", 8, 4],
  ["a", 4, 16],
  ["b", 16, 2],
];

function threeLayers(): Uint8Array {
  const stream = random(3);
  return buildModel({
    nodes: [node("MatMul", ["x", "c"], ["h"]), node("MatMul", ["h", "a"], ["g"]), node("MatMul", ["g", "b"], ["y"])],
    initializers: shapes.map(([name, rows, columns]) => tensor(name, [rows, columns], stream.float32(rows * columns))),
  });
}

async function eventsOf(pattern: Pattern): Promise<string[]> {
  const events: ProgressEvent[] = [];
  await prune(threeLayers(), { criterion: l1(), pattern, onProgress: (event) => events.push(event) });
  return events.map(({ phase, done, total, item }) => `${phase} ${done}/${total} ${item}`);
}

describe("prune", () => {
  it("tells of every weight in every phase, with the name of the weight that is done", async () => {
    const applyAndCount = ["apply 1/3 a", "apply 2/3 b", "apply 3/3 c", "count 1/3 c", "count 2/3 a", "count 3/3 b"];
    expect(await eventsOf(nm(2, 4))).toEqual(["masks 1/3 c", "masks 2/3 a", "masks 3/3 b", ...applyAndCount]);
    expect(await eventsOf(unstructured(0.5, { group: "model" }))).toEqual(["masks 3/3 b", ...applyAndCount]);
  });

  it.each(["masks", "apply", "count"])("stops between two weights in the phase %s", async (phase) => {
    const controller = new AbortController();
    let last = "";
    const stopped = prune(threeLayers(), {
      criterion: l1(),
      pattern: nm(2, 4),
      signal: controller.signal,
      onProgress: (event) => {
        last = `${event.phase} ${event.done}`;
        if (event.phase === phase && event.done === 2) controller.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    expect(last).toBe(`${phase} 2`);
  });

  it("chooses the same masks for weights that share memory as for each alone", async () => {
    const options = { criterion: l1(), pattern: unstructured(0.25) };
    const together = await prune(threeLayers(), options);
    for (const [name] of shapes) {
      const alone = await prune(threeLayers(), { ...options, include: [name] });
      expect(alone.masks.get(name)).toEqual(together.masks.get(name));
    }
  });

  // 2^50 entries and no data; as much memory as they would take is nowhere.
  it.each([nm(2, 4), unstructured(0.5), unstructured(0.5, { group: "row" }), unstructured(0.5, { group: "model" })])(
    "refuses a weight whose dims lie with the reason, whatever the pattern",
    async (pattern) => {
      const lying = Object.assign(tensor("c", [0], new Float32Array(0)), { dims: [2n ** 25n, 2n ** 25n] });
      const model = decodeModel(buildModel({ nodes: [node("MatMul", ["x", "c"], ["y"])], initializers: [lying] }));
      await expect(prune(model, { criterion: l1(), pattern })).rejects.toMatchObject({
        name: "OnnxError",
        code: "shape-mismatch",
      });
    },
  );
});
