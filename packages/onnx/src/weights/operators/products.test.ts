import { decodeModel, type PrunableWeight, prunableWeights, type WeightAxis } from "@espalier/onnx";
import { buildModel, type ModelParts, node, random, tensor } from "@espalier/testkit";
import { describe, expect, it } from "vitest";

// Every operator is computed twice on whole numbers, where sums are exact: by plain loops that follow the operator's
// definition, and through the matrix that the axes describe. A wrong role, step, order or group gives another answer.

/** The weight "W" of a model with one node, filled with random whole numbers. */
function weightOf(shape: readonly number[], parts: Omit<ModelParts, "initializers">, seed = 1): PrunableWeight {
  const values = whole(
    shape.reduce((product, size) => product * size, 1),
    seed,
  );
  const model = decodeModel(buildModel({ ...parts, initializers: [tensor("W", shape, values)] }));
  const weight = prunableWeights(model).find(({ name }) => name === "W");
  if (!weight?.prunable) throw new Error(`W is not prunable: ${weight?.reason}`);
  return weight;
}

/** Random whole numbers in [-9, 9]. */
function whole(count: number, seed: number): Float32Array {
  const source = random(seed);
  return Float32Array.from({ length: count }, () => source.int(19) - 9);
}

/** The matrix `[outChannels][inFeatures]` that a view describes, straight from the definition of axes. */
function matrixOf(view: PrunableWeight): number[][] {
  const matrix = Array.from({ length: view.outChannels }, () => Array<number>(view.inFeatures).fill(Number.NaN));
  view.read().forEach((value, index) => {
    let [rest, out, feature] = [index, 0, 0];
    for (const { size, role, step } of [...view.axes].reverse()) {
      if (role === "out") out += (rest % size) * step;
      else feature += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    expect(rest).toBe(0);
    matrix[out]![feature] = value;
  });
  return matrix;
}

/** Multiplies every group with its own features: `features(group)` is `[inFeatures][positions]`; the result `[outChannels][positions]`. */
function multiply(view: PrunableWeight, features: (group: number) => number[][]): number[][] {
  const perGroup = view.outChannels / view.groups;
  return matrixOf(view).map((row, out) => {
    const inputs = features(Math.floor(out / perGroup));
    expect(inputs.length).toBe(row.length);
    return inputs[0]!.map((_, position) => row.reduce((sum, value, f) => sum + value * inputs[f]![position]!, 0));
  });
}

/** All index tuples below `sizes`, the last running fastest. */
function tuples(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((tuple) => Array.from({ length: size }, (_, index) => [...tuple, index])),
    [[]],
  );
}

/** Reads a row-major array; 0 outside of it. */
function at(values: ArrayLike<number>, sizes: readonly number[], index: readonly number[]): number {
  let position = 0;
  for (const [axis, size] of sizes.entries()) {
    if (index[axis]! < 0 || index[axis]! >= size) return 0;
    position = position * size + index[axis]!;
  }
  return values[position]!;
}

const out = (size: number, step = 1): WeightAxis => ({ size, role: "out", step });
const features = (size: number, step = 1): WeightAxis => ({ size, role: "in", step });
const kernel = (size: number): WeightAxis => ({ size, role: "kernel", step: 1 });

describe("MatMul", () => {
  const cases: [string, number[], "left" | "right", Parameters<typeof node>[3], string, WeightAxis[]][] = [
    ["[K, N]", [3, 4], "right", {}, "MatMul", [features(3), out(4)]],
    ["[batch, batch, K, N]", [2, 2, 3, 5], "right", {}, "MatMul", [out(4, 5), features(3), out(5)]],
    ["[M, K]", [4, 3], "left", {}, "MatMul", [out(4), features(3)]],
    ["[batch, M, K]", [2, 4, 3], "left", {}, "MatMul", [out(8), features(3)]],
    ["[N, K] of FusedMatMul", [2, 4, 3], "right", { transB: 1 }, "FusedMatMul", [out(8), features(3)]],
    ["[K, M] of FusedMatMul", [3, 4], "left", { transA: 1 }, "FusedMatMul", [features(3), out(4)]],
    [
      "[M, K] of FusedMatMul with the other side transposed",
      [4, 3],
      "left",
      { transB: 1 },
      "FusedMatMul",
      [out(4), features(3)],
    ],
  ];
  it.each(cases)("multiplies with %s", (_, shape, side, attributes, op, axes) => {
    const domain = op === "MatMul" ? "" : "com.microsoft";
    const inputs = side === "right" ? ["x", "W"] : ["W", "x"];
    const weight = weightOf(shape, { nodes: [node(op, inputs, ["y"], attributes, { domain })] });
    const batch = shape.slice(0, -2).reduce((product, size) => product * size, 1);
    const [rows, columns] = shape.slice(-2) as [number, number];
    const rowsAreIn =
      (side === "right") !== (Object.keys(attributes ?? {})[0] === (side === "right" ? "transB" : "transA"));
    const [k, channels] = rowsAreIn ? [rows, columns] : [columns, rows];
    const x = whole(batch * k * 2, 2); // one [K, 2] per matrix of the batch
    const w = weight.read();
    const expected = tuples([batch, channels, 2]).map(([b, c, p]) => {
      let sum = 0;
      for (let f = 0; f < k; f++)
        sum +=
          at(w, [batch, rows, columns], [b!, ...(rowsAreIn ? [f, c!] : [c!, f])]) * at(x, [batch, k, 2], [b!, f, p!]);
      return sum;
    });
    const inputsOf = (b: number) =>
      tuples([k]).map(([f]) => [at(x, [batch, k, 2], [b, f!, 0]), at(x, [batch, k, 2], [b, f!, 1])]);
    expect(multiply(weight, inputsOf).flat()).toEqual(expected);
    expect(weight).toMatchObject({ outChannels: batch * channels, inFeatures: k, groups: batch, axes });
  });
});

describe("Gemm", () => {
  const cases: [string, number[], string[], Record<string, number>, WeightAxis[]][] = [
    ["B [K, N]", [3, 4], ["x", "W"], {}, [features(3), out(4)]],
    ["B [N, K] with transB", [4, 3], ["x", "W"], { transB: 1, transA: 1 }, [out(4), features(3)]],
    ["A [M, K]", [4, 3], ["W", "x"], { transB: 1 }, [out(4), features(3)]],
    ["A [K, M] with transA", [3, 4], ["W", "x"], { transA: 1 }, [features(3), out(4)]],
  ];
  it.each(cases)("multiplies with %s", (_, shape, inputs, attributes, axes) => {
    for (const domain of ["", "com.microsoft"]) {
      const op = domain === "" ? "Gemm" : "FusedGemm";
      const weight = weightOf(shape, { nodes: [node(op, inputs, ["y"], attributes, { domain })] });
      expect(weight).toMatchObject({ outChannels: 4, inFeatures: 3, groups: 1, axes });
      const w = weight.read();
      const x = [2, -3, 5];
      const rowsAreIn = shape[0] === 3;
      const expected = [0, 1, 2, 3].map((o) =>
        x.reduce((sum, value, f) => sum + value * w[rowsAreIn ? f * 4 + o : o * 3 + f]!, 0),
      );
      expect(multiply(weight, () => x.map((value) => [value])).flat()).toEqual(expected);
    }
  });
});

interface ConvCase {
  readonly channels: number;
  readonly outChannels: number;
  readonly group: number;
  readonly kernel: number[];
  readonly size: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pads: number[];
}

const CONVOLUTIONS: Record<string, ConvCase> = {
  "1-D": { channels: 2, outChannels: 3, group: 1, kernel: [3], size: [7], strides: [2], dilations: [1], pads: [1] },
  "2-D": {
    channels: 3,
    outChannels: 4,
    group: 1,
    kernel: [2, 3],
    size: [6, 7],
    strides: [2, 1],
    dilations: [1, 2],
    pads: [1, 2],
  },
  "3-D": {
    channels: 2,
    outChannels: 2,
    group: 1,
    kernel: [2, 1, 3],
    size: [3, 2, 4],
    strides: [1, 1, 1],
    dilations: [1, 1, 1],
    pads: [0, 0, 1],
  },
  grouped: {
    channels: 6,
    outChannels: 4,
    group: 2,
    kernel: [2, 2],
    size: [4, 3],
    strides: [1, 1],
    dilations: [1, 1],
    pads: [0, 0],
  },
  depthwise: {
    channels: 3,
    outChannels: 6,
    group: 3,
    kernel: [3, 2],
    size: [4, 4],
    strides: [1, 2],
    dilations: [1, 1],
    pads: [1, 1],
  },
};

describe("Conv", () => {
  it.each(Object.entries(CONVOLUTIONS))("multiplies patches with a %s kernel, kernel positions fastest", (_, c) => {
    const perGroup = c.channels / c.group;
    const shape = [c.outChannels, perGroup, ...c.kernel];
    const attributes = { group: c.group, strides: c.strides, dilations: c.dilations, pads: [...c.pads, ...c.pads] };
    const weight = weightOf(shape, { nodes: [node("Conv", ["x", "W"], ["y"], attributes)] });
    const x = whole(
      c.size.reduce((product, size) => product * size, c.channels),
      2,
    );
    const places = tuples(
      c.size.map(
        (size, d) => Math.floor((size + 2 * c.pads[d]! - c.dilations[d]! * (c.kernel[d]! - 1) - 1) / c.strides[d]!) + 1,
      ),
    );
    const input = (channel: number, place: number[], offset: number[]) =>
      at(
        x,
        [c.channels, ...c.size],
        [channel, ...place.map((p, d) => p * c.strides[d]! + offset[d]! * c.dilations[d]! - c.pads[d]!)],
      );
    const expected = tuples([c.outChannels]).map(([o]) =>
      places.map((place) => {
        const group = Math.floor((o! * c.group) / c.outChannels);
        let sum = 0;
        for (const [channel, ...offset] of tuples([perGroup, ...c.kernel])) {
          sum +=
            at(weight.read(), shape, [o!, channel!, ...offset]) * input(group * perGroup + channel!, place, offset);
        }
        return sum;
      }),
    );
    // A row of patches per (channel, kernel position), the position running fastest.
    const patches = (group: number) =>
      tuples([perGroup, ...c.kernel]).map(([channel, ...offset]) =>
        places.map((place) => input(group * perGroup + channel!, place, offset)),
      );
    expect(multiply(weight, patches)).toEqual(expected);
    expect(weight.groups).toBe(c.group);
  });

  it("has one kernel axis, and an input axis even where a group has a single channel", () => {
    const axesOf = (shape: number[], attributes: Record<string, number>, op = "Conv", domain = "") =>
      weightOf(shape, { nodes: [node(op, ["x", "W"], ["y"], attributes, { domain })] }).axes;
    expect(axesOf([4, 2, 3, 3], { group: 2 })).toEqual([out(4), features(2, 9), kernel(9)]);
    expect(axesOf([4, 1, 3, 5], { group: 4 })).toEqual([out(4), features(1, 15), kernel(15)]);
    expect(axesOf([4, 2, 1, 1], {})).toEqual([out(4), features(2)]);
    expect(axesOf([4, 2, 3], {}, "FusedConv", "com.microsoft")).toEqual([out(4), features(2, 3), kernel(3)]);
  });
});

describe("ConvTranspose", () => {
  const cases: [string, number[], number, number, WeightAxis[]][] = [
    ["one group", [3, 2, 2, 3], 1, 2, [features(3, 6), out(2), kernel(6)]],
    ["two groups", [4, 3, 2, 3], 2, 6, [out(2, 3), features(2, 6), out(3), kernel(6)]],
    ["a group for each channel", [2, 3, 1, 2], 2, 6, [out(6), features(1, 2), kernel(2)]],
  ];
  it.each(cases)("spreads every input channel with %s", (_, shape, group, outChannels, axes) => {
    const weight = weightOf(shape, { nodes: [node("ConvTranspose", ["x", "W"], ["y"], { group })] });
    expect(weight).toMatchObject({ outChannels, groups: group, axes });
    const [channels, perGroup, kh, kw] = shape as [number, number, number, number];
    const size = [2, 3];
    const x = whole(channels * 6, 2);
    const grid = tuples([size[0]! + kh - 1, size[1]! + kw - 1]);
    const expected = tuples([outChannels]).map(() => grid.map(() => 0));
    for (const [c, row, column, o, i, j] of tuples([channels, ...size, perGroup, kh, kw]) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ][]) {
      const target = Math.floor((c * group) / channels) * perGroup + o;
      const cell = (row + i) * (size[1]! + kw - 1) + column + j;
      expected[target]![cell]! += at(weight.read(), shape, [c, o, i, j]) * at(x, [channels, ...size], [c, row, column]);
    }
    // What output cell (y, x) takes from kernel position (i, j) is the input at (y − i, x − j).
    const inputs = (g: number) =>
      tuples([channels / group, kh, kw]).map(([c, i, j]) =>
        grid.map(([y, z]) => at(x, [channels, ...size], [(g * channels) / group + c!, y! - i!, z! - j!])),
      );
    expect(multiply(weight, inputs)).toEqual(expected);
  });
});

describe("LSTM, GRU and RNN", () => {
  const cases: [string, number][] = [
    ["LSTM", 4],
    ["GRU", 3],
    ["RNN", 1],
  ];
  it.each(cases)("%s: both directions of W read the same inputs, every direction of R its own state", (op, gates) => {
    const hidden = 2;
    const shape = [2, gates * hidden, 3];
    const w = weightOf(shape, {
      nodes: [node(op, ["x", "W", "r"], ["y"], { hidden_size: hidden, direction: "bidirectional" })],
    });
    const r = weightOf(shape, {
      nodes: [node(op, ["x", "w", "W"], ["y"], { hidden_size: hidden, direction: "bidirectional" })],
    });
    for (const weight of [w, r]) {
      expect(weight).toMatchObject({
        outChannels: 2 * gates * hidden,
        inFeatures: 3,
        axes: [out(2 * gates * hidden), features(3)],
      });
    }
    expect([w.groups, r.groups]).toEqual([1, 2]);
    const states = [
      [1, -2, 3],
      [4, 5, -6],
    ];
    const product = (direction: number, state: readonly number[]) =>
      tuples([gates * hidden]).map(([row]) =>
        state.reduce((sum, value, f) => sum + value * at(r.read(), shape, [direction, row!, f]), 0),
      );
    const expected = [...product(0, states[0]!), ...product(1, states[1]!)];
    expect(multiply(r, (direction) => states[direction]!.map((value) => [value])).flat()).toEqual(expected);
  });
});

describe("Einsum", () => {
  const SIZES: Record<string, number> = { b: 2, i: 3, j: 4, k: 3, n: 5, h: 2, d: 3, t: 2, "*": 2 };
  /** `*` stands for the single dimension that the ellipsis covers in a case. */
  const sizesOf = (labels: string) => [...labels].map((label) => SIZES[label]!);
  const cases: [string, string, string, string, 0 | 1, number, WeightAxis[]][] = [
    ["bij,jk->bik", "bij", "jk", "bik", 1, 1, [features(4), out(3)]],
    ["jk , bij -> bik", "bij", "jk", "bik", 0, 1, [features(4), out(3)]],
    ["bij,jk", "bij", "jk", "bik", 1, 1, [features(4), out(3)]],
    ["bi,ni->bn", "bi", "ni", "bn", 1, 1, [out(5), features(3)]],
    ["bthd,hdn->btn", "bthd", "hdn", "btn", 1, 1, [features(6), out(5)]],
    ["btdh,hnd->btn", "btdh", "hnd", "btn", 1, 1, [features(2, 3), out(5), features(3)]],
    ["btn,nhd->bthd", "btn", "nhd", "bthd", 1, 1, [features(5), out(6)]],
    ["btn,hnd->bthd", "btn", "hnd", "bthd", 1, 1, [out(2, 3), features(5), out(3)]],
    ["bhk,hkn->bhn", "bhk", "hkn", "bhn", 1, 2, [out(2, 5), features(3), out(5)]],
    ["bhk,nkh->bhn", "bhk", "nkh", "bhn", 1, 2, [out(5), features(3), out(2, 5)]],
    ["bhk,hk->bh", "bhk", "hk", "bh", 1, 2, [out(2), features(3)]],
    ["...k,nk->...n", "*k", "nk", "*n", 1, 1, [out(5), features(3)]],
    ["b...k,...kn->b...n", "b*k", "*kn", "b*n", 1, 2, [out(2, 5), features(3), out(5)]],
    ["bk,k...n->b...n", "bk", "k*n", "b*n", 1, 1, [features(3), out(10)]],
  ];
  it.each(cases)("is the matrix product %s", (equation, data, labels, output, input, groups, axes) => {
    const inputs = input === 1 ? ["x", "W"] : ["W", "x"];
    const weight = weightOf(sizesOf(labels), { nodes: [node("Einsum", inputs, ["y"], { equation })] });
    expect(weight).toMatchObject({ groups, axes });
    const all = [...new Set(data + labels)];
    const x = whole(
      sizesOf(data).reduce((product, size) => product * size, 1),
      2,
    );
    const pick = (wanted: string, tuple: number[]) => [...wanted].map((label) => tuple[all.indexOf(label)]!);
    const sums = new Map<string, number>();
    const throughMatrix = new Map<string, number>();
    const matrix = matrixOf(weight);
    // Out channels count groups, then the rest of the result's labels; in-features what is summed: all in the order of the weight.
    const kept = [...labels].filter((label) => output.includes(label));
    const channels = [
      ...kept.filter((label) => data.includes(label)),
      ...kept.filter((label) => !data.includes(label)),
    ].join("");
    const summed = [...labels].filter((label) => !output.includes(label)).join("");
    const indexOf = (wanted: string, tuple: number[]) =>
      pick(wanted, tuple).reduce((index, digit, axis) => index * sizesOf(wanted)[axis]! + digit, 0);
    for (const tuple of tuples(sizesOf(all.join("")))) {
      const target = pick(output, tuple).join();
      const value = at(x, sizesOf(data), pick(data, tuple));
      sums.set(target, (sums.get(target) ?? 0) + value * at(weight.read(), sizesOf(labels), pick(labels, tuple)));
      throughMatrix.set(
        target,
        (throughMatrix.get(target) ?? 0) + value * matrix[indexOf(channels, tuple)]![indexOf(summed, tuple)]!,
      );
    }
    expect(throughMatrix).toEqual(sums);
  });
});
