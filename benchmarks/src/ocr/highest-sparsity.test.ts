import { describe, expect, it } from "vitest";
import { highestSparsity } from "./highest-sparsity.js";

/** Accuracy 1 up to a sparsity, 0 beyond it; `asked` says what was tried. */
function cliffAt(edge: number, asked: number[] = []) {
  return async (sparsity: number) => {
    asked.push(sparsity);
    return { value: sparsity <= edge ? 1 : 0, standardError: 0 };
  };
}

describe("highestSparsity", () => {
  const grid = [0.1, 0.2, 0.3, 0.4, 0.5];

  it.each(grid.slice(0, -1))("finds a cliff behind %d and the step that falls from it", async (edge) => {
    const { passed, failed } = await highestSparsity(grid, 0.95, cliffAt(edge));
    expect(passed?.sparsity).toBe(edge);
    expect(failed?.sparsity).toBe(grid[grid.indexOf(edge) + 1]);
  });

  it("has nothing that passed, or nothing that failed, where all fail or pass", async () => {
    expect(await highestSparsity(grid, 0.95, cliffAt(0))).toMatchObject({ failed: { sparsity: 0.1 } });
    expect((await highestSparsity(grid, 0.95, cliffAt(0))).passed).toBeUndefined();
    expect((await highestSparsity(grid, 0.95, cliffAt(1))).failed).toBeUndefined();
  });

  it("tries no more than bisection needs", async () => {
    const asked: number[] = [];
    await highestSparsity(grid, 0.95, cliffAt(0.2, asked));
    expect(asked).toEqual([0.3, 0.2]);
  });

  it("takes an accuracy equal to the floor", async () => {
    const { passed } = await highestSparsity([0.5], 0.95, async () => ({ value: 0.95, standardError: 0 }));
    expect(passed?.sparsity).toBe(0.5);
  });
});
