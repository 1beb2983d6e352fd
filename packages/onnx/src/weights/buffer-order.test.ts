import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BufferOrder, layoutOverBuffer, reshape, rowMajor, shapeOf } from "./buffer-order.js";
import type { MatrixLayout, WeightAxis } from "./matrix-layout.js";

/** The buffer index of every entry, in the sequence in which the tensor holds them. */
function indicesOf(order: BufferOrder): number[] {
  return order
    .flat()
    .reduce<number[]>(
      (all, { size, stride }) =>
        all.flatMap((index) => Array.from({ length: size }, (_, step) => index + step * stride)),
      [0],
    );
}

/** A tensor that really moves its entries. */
interface Moved {
  readonly shape: readonly number[];
  readonly entries: readonly number[];
}

function transposed({ shape, entries }: Moved, perm: readonly number[]): Moved {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const result = perm.reduce<number[]>(
    (all, axis) =>
      all.flatMap((index) => Array.from({ length: shape[axis]! }, (_, step) => index + step * strides[axis]!)),
    [0],
  );
  return { shape: perm.map((axis) => shape[axis]!), entries: result.map((index) => entries[index]!) };
}

describe("reshape", () => {
  it("merges dimensions of an untouched tensor and cuts them anywhere", () => {
    const order = reshape(rowMajor([4, 9]), [6, 6]);
    expect(order).toEqual([[{ size: 6, stride: 6 }], [{ size: 6, stride: 1 }]]);
  });

  it("keeps what a transposed dimension is made of", () => {
    const transpose = [...rowMajor([2, 3])].reverse();
    expect(reshape(transpose, [6])).toEqual([
      [
        { size: 3, stride: 1 },
        { size: 2, stride: 3 },
      ],
    ]);
    expect(reshape(transpose, [3, 1, 2])).toEqual([[{ size: 3, stride: 1 }], [], [{ size: 2, stride: 3 }]]);
  });

  it("gives up where a cut goes through entries that are not evenly spaced", () => {
    expect(reshape([...rowMajor([2, 3])].reverse(), [2, 3])).toBeUndefined();
  });

  it("gives up when the number of entries changes", () => {
    expect(reshape(rowMajor([2, 3]), [2])).toBeUndefined();
    expect(reshape(rowMajor([2, 3]), [2, 3, 2])).toBeUndefined();
  });
});

const shapes = fc.array(fc.constantFrom(1, 2, 3, 4, 6), { minLength: 1, maxLength: 4 });

/** Random transpositions and reshapes, done both ways; where the order cannot follow, the way ends. */
const journeys = shapes.chain((shape) =>
  fc.tuple(
    fc.constant(shape),
    fc.array(fc.tuple(fc.boolean(), fc.infiniteStream(fc.nat({ max: 5 }))), { maxLength: 5 }),
  ),
);

function travel([shape, steps]: [number[], [boolean, Iterable<number>][]]): { order: BufferOrder; moved: Moved } {
  const size = shape.reduce((product, factor) => product * factor, 1);
  let order = rowMajor(shape);
  let moved: Moved = { shape, entries: Array.from({ length: size }, (_, index) => index) };
  for (const [isTranspose, numbers] of steps) {
    const choices = numbers[Symbol.iterator]();
    const choose = (limit: number): number => choices.next().value! % limit;
    if (isTranspose) {
      const perm = moved.shape.map((_, axis) => axis);
      for (let axis = perm.length - 1; axis > 0; axis--) {
        const other = choose(axis + 1);
        [perm[axis], perm[other]] = [perm[other]!, perm[axis]!];
      }
      moved = transposed(moved, perm);
      order = perm.map((axis) => order[axis]!);
      continue;
    }
    const wanted: number[] = [];
    for (let rest = size; rest > 1 || wanted.length === 0; ) {
      const divisors = [1, 2, 3, 4, 6, 8, 9, 12, rest].filter((divisor) => rest % divisor === 0);
      const next = wanted.length > 3 ? rest : divisors[choose(divisors.length)]!;
      wanted.push(next);
      rest /= next;
    }
    const cut = reshape(order, wanted);
    if (cut === undefined) break;
    order = cut;
    moved = { ...moved, shape: wanted };
  }
  return { order, moved };
}

describe("an order of entries", () => {
  it("says where every entry lies, whatever transpositions and reshapes came before", () => {
    fc.assert(
      fc.property(journeys, (journey) => {
        const { order, moved } = travel(journey);
        expect(shapeOf(order)).toEqual(moved.shape);
        expect(indicesOf(order)).toEqual(moved.entries);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

/** Out channel and in-feature of the entry at a row-major position. */
function cellOf(axes: readonly WeightAxis[], position: number): { out: number; feature: number } {
  let [rest, out, feature] = [position, 0, 0];
  for (const { size, role, step } of [...axes].reverse()) {
    if (role === "out") out += (rest % size) * step;
    else feature += (rest % size) * step;
    rest = Math.floor(rest / size);
  }
  return { out, feature };
}

describe("layoutOverBuffer", () => {
  const matrix = (rows: number, columns: number): MatrixLayout => ({
    outChannels: columns,
    inFeatures: rows,
    groups: 1,
    axes: [
      { size: rows, role: "in", step: 1 },
      { size: columns, role: "out", step: 1 },
    ],
  });

  it("splits an axis at the dimensions of the buffer, adapts the steps and puts the pieces back in order", () => {
    // Buffer [2, 3, 5]; the operator sees [3, 2·5] as [in 3, out 10]: the outer 2 steps over 5 out channels each.
    const [two, three, five] = rowMajor([2, 3, 5]);
    const seen = reshape([three!, two!, five!], [3, 10])!;
    expect(layoutOverBuffer(matrix(3, 10), seen)?.axes).toEqual([
      { size: 2, role: "out", step: 5 },
      { size: 3, role: "in", step: 1 },
      { size: 5, role: "out", step: 1 },
    ]);
  });

  it("merges pieces that lie behind each other again", () => {
    const [a, b, c] = rowMajor([2, 3, 5]);
    expect(layoutOverBuffer(matrix(5, 6), reshape([c!, a!, b!], [5, 6])!)?.axes).toEqual([
      { size: 6, role: "out", step: 1 },
      { size: 5, role: "in", step: 1 },
    ]);
  });

  it("gives up when the matrix is cut where the buffer is not", () => {
    const flat = reshape([...rowMajor([2, 3])].reverse(), [6])!;
    expect(layoutOverBuffer(matrix(2, 3), flat)).toBeUndefined();
    expect(layoutOverBuffer(matrix(3, 2), flat)?.axes).toEqual([
      { size: 2, role: "out", step: 1 },
      { size: 3, role: "in", step: 1 },
    ]);
  });

  it("gives every entry of the buffer the cell that the operator gives it", () => {
    let aligned = 0;
    fc.assert(
      fc.property(journeys, fc.nat({ max: 4 }), (journey, cut) => {
        const { order, moved } = travel(journey);
        const rows = moved.shape.slice(0, cut).reduce((product, size) => product * size, 1);
        const layout = matrix(rows, moved.entries.length / rows);
        const over = layoutOverBuffer(layout, order);
        if (over === undefined) return;
        aligned++;
        const expected = moved.entries.map((index, position) => [index, cellOf(layout.axes, position)]);
        expect(moved.entries.map((index) => [index, cellOf(over.axes, index)])).toEqual(expected);
      }),
      { seed: 1, numRuns: 500 },
    );
    // Cuts at dimensions of what the operator sees are always possible.
    expect(aligned).toBe(500);
  });
});
