import { describe, expect, it } from "vitest";
import { patternOf, planCells } from "./plan-cells.js";
import { tasksOf } from "./tasks-of.js";

const GRID = {
  criteria: ["l1", "wanda", "obs+least-squares"],
  patterns: ["unstructured", "2:4", "4:8", "block:16x4", "blocks:32x256"],
  sparsities: [0.3, 0.5, 0.7, 0.8],
  formats: ["dense", "bitmask"],
};

describe("planCells", () => {
  // Three patterns at four sparsities and two that fix theirs: 14 for each of 3 criteria, in 2 formats.
  it("makes one cell of a pattern that fixes its sparsity, one for each sparsity of the others", () => {
    const cells = planCells("m", GRID);
    expect(cells).toHaveLength(84);
    expect(cells.filter(({ pattern }) => pattern === "2:4").map(({ sparsity }) => sparsity)).toEqual(
      Array(6).fill(0.5),
    );
    expect(cells.slice(0, 3)).toEqual([
      { model: "m", criterion: "l1", pattern: "unstructured", sparsity: 0.3, format: "dense" },
      { model: "m", criterion: "l1", pattern: "unstructured", sparsity: 0.3, format: "bitmask" },
      { model: "m", criterion: "l1", pattern: "unstructured", sparsity: 0.5, format: "dense" },
    ]);
  });

  it("makes a cell once that is asked for twice, and needs no sparsity for N:M", () => {
    const grid = { criteria: ["l1", "l1"], patterns: ["1:4", "1:4"], sparsities: [], formats: ["auto"] };
    expect(planCells("m", grid)).toMatchObject([{ pattern: "1:4", sparsity: 0.75 }]);
  });

  it.each([
    [{ criteria: [] }, /no criteria/],
    [{ patterns: [] }, /no patterns/],
    [{ formats: [] }, /no formats/],
    [{ sparsities: [] }, /no sparsities/],
    [{ sparsities: [0.5, 1] }, /\[0, 1\)/],
    [{ sparsities: [-0.1] }, /-0\.1/],
    [{ patterns: ["unstructured", "diagonal"] }, /diagonal/],
    [{ patterns: ["4:2"] }, /4:2/],
  ])("refuses %j", (part, message) => {
    expect(() => planCells("m", { ...GRID, ...part })).toThrow(message);
  });
});

describe("patternOf", () => {
  it("is the pattern at the sparsity of the cell", () => {
    expect(patternOf({ pattern: "block:2x2", sparsity: 0.3 })).toMatchObject({ spec: "block:2x2", sparsity: 0.3 });
    expect(patternOf({ pattern: "2:4", sparsity: 0.5 })).toMatchObject({ spec: "2:4", sparsity: 0.5 });
  });
});

describe("tasksOf", () => {
  it("puts the formats of a pruned model together, and what takes longest first", () => {
    const tasks = tasksOf(planCells("m", GRID).map((cell, index) => ({ cell, key: String(index) })));
    expect(tasks).toHaveLength(42);
    for (const task of tasks) expect(task.map(({ cell }) => cell.format)).toEqual(["dense", "bitmask"]);
    const criteria = tasks.map(([first]) => first!.cell.criterion);
    expect(criteria.slice(0, 14)).toEqual(Array(14).fill("obs+least-squares"));
    expect(criteria.slice(14)).not.toContain("obs+least-squares");
  });
});
