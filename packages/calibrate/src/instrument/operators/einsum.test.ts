import { type ModelParts, node, random, tensor, valueInfo } from "@espalier/testkit";
import { describe, expect, it } from "vitest";
import { expectLaidOut, laidOutRun } from "../../../test-support/laid-out-run.js";
import { expectMeasured, float32, measuredRun } from "../../../test-support/measured-run.js";
import { at, indices, type Patches } from "../../../test-support/patches.js";

interface EinsumCase {
  readonly equation: string;
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly weightIsFirst?: boolean;
  /** Labels of the groups and of the features, in the order of the weight. */
  readonly groups: string;
  readonly features: string;
}

const CASES: readonly EinsumCase[] = [
  { equation: "bsk,kn->bsn", x: [2, 3, 4], weight: [4, 5], groups: "", features: "k" },
  { equation: "bks , nk", x: [2, 4, 3], weight: [5, 4], groups: "", features: "k" },
  // Attention output: heads and their width are features together, in the order of the weight.
  { equation: "bhsd,dhn->bsn", x: [2, 2, 3, 4], weight: [4, 2, 5], groups: "", features: "dh" },
  { equation: "nk,bks->bns", x: [2, 4, 3], weight: [5, 4], weightIsFirst: true, groups: "", features: "k" },
  { equation: "bske,eknm->bsenm", x: [2, 3, 4, 2], weight: [2, 4, 2, 3], groups: "e", features: "k" },
];

/** Straight from the labels: one number for each group, feature and position. */
function patchesOf({ equation, x, groups, features, weightIsFirst }: EinsumCase, data: Float32Array): Patches[] {
  const labels = [...equation.replaceAll(" ", "").split("->")[0]!.split(",")[weightIsFirst ? 1 : 0]!];
  const sizesOf = (some: readonly string[]) => some.map((label) => x[labels.indexOf(label)]!);
  const positions = labels.filter((label) => !groups.includes(label) && !features.includes(label));
  return [...indices(sizesOf([...groups]))].map((group) =>
    [...indices(sizesOf(positions))].map((position) =>
      [...indices(sizesOf([...features]))].map((feature) => {
        const index = labels.map((label) => {
          if (groups.includes(label)) return group[groups.indexOf(label)]!;
          return features.includes(label) ? feature[features.indexOf(label)]! : position[positions.indexOf(label)]!;
        });
        return at({ dims: x, data }, index);
      }),
    ),
  );
}

async function measure(one: EinsumCase, x = one.x) {
  const stream = random(13);
  const size = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
  const data = stream.float32(size(x));
  const rank = [...one.equation.replaceAll(" ", "").split("->").at(-1)!].length;
  const model: ModelParts = {
    nodes: [node("Einsum", one.weightIsFirst ? ["W", "x"] : ["x", "W"], ["y"], { equation: one.equation })],
    initializers: [tensor("W", one.weight, stream.float32(size(one.weight)))],
    inputs: [
      valueInfo(
        "x",
        "float32",
        x.map((_, axis) => `d${axis}`),
      ),
    ],
    outputs: [
      valueInfo(
        "y",
        "float32",
        Array.from({ length: one.equation.includes("->") ? rank : 3 }, (_, axis) => `y${axis}`),
      ),
    ],
  };
  const feeds = { x: float32(x, data) };
  const run = await measuredRun(model, feeds, { gram: one.groups === "" });
  return { ...run, laidOut: await laidOutRun(model, feeds), data };
}

describe("instrument, Einsum", () => {
  for (const one of CASES) {
    it(`measures ${one.equation}`, async () => {
      const { weights, laidOut, data } = await measure(one);
      expectMeasured(weights.get("W"), patchesOf(one, data));
      if (one.groups === "") expectLaidOut(laidOut.get("W"), patchesOf(one, data));
    });
  }

  it("repeats a size of 1, as the product does", async () => {
    const { weights, data } = await measure(CASES[0]!, [2, 3, 1]);
    const repeated = [...data].map((value) => Array<number>(4).fill(value));
    expectMeasured(weights.get("W"), [repeated]);
  });

  it("has no sums where the equation has an ellipsis", async () => {
    const { instrumentation } = await measure({ ...CASES[0]!, equation: "...k,kn->...n" });
    expect(instrumentation.unsupported).toEqual([{ name: "W", reason: "its Einsum has an ellipsis" }]);
  });
});
