import { type Axis, type ComparisonGroup, type Pattern, prunedCount } from "@espalier/core";
import type { MatrixProducts } from "../blas/matrix-products.js";
import { type Eliminated, type Elimination, eliminateColumns } from "./eliminate-columns.js";
import type { FactoredGroup, GroupProblem } from "./group-problem.js";
import { selectByPattern, selectCount, selectCounts } from "./select-in-block.js";
import { shareOut } from "./share-out.js";

/** Columns in which an unstructured pattern ranks at a time, as SparseGPT does. */
const BLOCK = 128;

/** Chooses within columns `first` to `first + width` of a group; see {@link Elimination}. */
type Choose = Elimination["choose"];

/**
 * N:M in every group: each run of M input channels is decided when elimination reaches it, separately for each kernel
 * position.
 */
export function chooseNOfM(
  groups: readonly FactoredGroup[],
  pattern: Pattern,
  m: number,
  kernelSize: number,
  products: MatrixProducts,
): Promise<Eliminated[]> {
  const axes: Axis[] = [
    { role: "in", size: m, step: kernelSize },
    { role: "kernel", size: kernelSize, step: 1 },
  ];
  return eliminateAll(groups, m * kernelSize, products, ({ outputs }) => {
    return (_first, _width, importance) => selectByPattern(pattern, outputs, axes, importance);
  });
}

/**
 * Zeros anywhere: blocks of 128 columns one after the other, in each of which the entries are ranked over all rows (group
 * `layer`) or in each row (group `row`). Over the whole weight, or the whole row, exactly `prunedCount` go.
 */
export function chooseUnstructured(
  groups: readonly FactoredGroup[],
  sparsity: number,
  group: ComparisonGroup,
  products: MatrixProducts,
): Promise<Eliminated[]> {
  if (group === "row") {
    return eliminateAll(groups, BLOCK, products, (problem) => {
      const counts = countsOfRows(problem, sparsity);
      return (first, _, importance) =>
        selectCounts(
          importance,
          counts.map((blocks) => blocks[first / BLOCK]!),
        );
    });
  }
  const counts = countsOfBlocks(groups, sparsity);
  return eliminateAll(groups, BLOCK, products, (_, index) => {
    return (first, _width, importance) => selectCount(importance, counts[index]![first / BLOCK]!);
  });
}

async function eliminateAll(
  groups: readonly FactoredGroup[],
  choice: number,
  products: MatrixProducts,
  chooseIn: (problem: FactoredGroup, index: number) => Choose,
): Promise<Eliminated[]> {
  const eliminated: Eliminated[] = [];
  for (const [index, problem] of groups.entries()) {
    const { outputs, features, frozen, unpruned, damped } = problem;
    const choose = chooseIn(problem, index);
    const task = { outputs, features, frozen, start: unpruned, factor: damped.factor, choice, choose };
    eliminated.push(await eliminateColumns(task, products));
  }
  return eliminated;
}

/** How many entries go in each block of each group, in all `prunedCount` of the weight. */
function countsOfBlocks(groups: readonly GroupProblem[], sparsity: number): number[][] {
  const zeros = groups.map(({ frozen, outputs, features }) => zerosInBlocks(frozen, outputs, features));
  const sizes = groups.map(({ outputs, features }) => blockWidths(features).map((width) => width * outputs));
  const total = groups.reduce((sum, { frozen }) => sum + frozen.length, 0);
  const shares = shareOut(prunedCount(total, sparsity), sizes.flat(), zeros.flat());
  return sizes.map(({ length }) => shares.splice(0, length));
}

/** How many entries go in each block of each row, in all `prunedCount` of the row. */
function countsOfRows({ frozen, outputs, features }: GroupProblem, sparsity: number): number[][] {
  const count = prunedCount(features, sparsity);
  const widths = blockWidths(features);
  return Array.from({ length: outputs }, (_, row) => {
    const flags = frozen.subarray(row * features, (row + 1) * features);
    return shareOut(count, widths, zerosInBlocks(flags, 1, features));
  });
}

function blockWidths(features: number): number[] {
  const blocks = Math.ceil(features / BLOCK);
  return Array.from({ length: blocks }, (_, block) => Math.min(BLOCK, features - block * BLOCK));
}

function zerosInBlocks(frozen: Uint8Array, outputs: number, features: number): number[] {
  const zeros = new Array<number>(Math.ceil(features / BLOCK)).fill(0);
  for (let row = 0; row < outputs; row++) {
    for (let feature = 0; feature < features; feature++) {
      if (frozen[row * features + feature] === 1) zeros[Math.floor(feature / BLOCK)]!++;
    }
  }
  return zeros;
}
