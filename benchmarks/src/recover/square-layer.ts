import type { LayerTask, MatrixProducts, Moments } from "@espalier/recover";
import { type Random, random } from "@espalier/testkit";

/** What is measured: the compensation against the layer's own outputs, and the one against those of the dense model. */
export type Method = "obs" | "least-squares";

/** Positions the moments sum up, for each input: twice as many, so that nothing is singular. */
const POSITIONS = 2;
/** Of so many positions one is held back, for least squares to choose its pull by. */
const HELD_BACK = 8;
/** Inputs of a real layer hang together; these share so many factors. */
const FACTORS = 16;

/** A square weight of size K, half of it to go, chosen by OBS within its rows, with inputs that are correlated. */
export async function squareLayer(size: number, method: Method, products: MatrixProducts): Promise<LayerTask> {
  const stream = random(size);
  const values = stream.float32(size * size);
  const positions = POSITIONS * size;
  const moments = (count: number) => momentsOf(count, size, method, stream, products);
  return {
    weight: "square",
    outChannels: size,
    inFeatures: size,
    groups: 1,
    axes: [
      { size, role: "out", step: 1 },
      { size, role: "in", step: 1 },
    ],
    values,
    dense: values,
    fit: [await moments(positions - positions / HELD_BACK)],
    held: [await moments(positions / HELD_BACK)],
    pattern: { spec: "unstructured", sparsity: 0.5, group: "row" },
    method,
    intercept: true,
  };
}

/** With `least-squares` the inputs in the pruned model differ from those in the dense one by noise. */
async function momentsOf(
  count: number,
  size: number,
  method: Method,
  stream: Random,
  products: MatrixProducts,
): Promise<Moments> {
  const shape = { m: size, n: size, k: count, transA: true };
  const pruned = await inputs(count, size, stream, products);
  const gram = Float64Array.from(await products.multiply(pruned, pruned, shape));
  const sum = columnSums(pruned, size);
  if (method === "obs") return { count, gram, sum, denseSum: sum };
  const noise = stream.float32(pruned.length);
  const dense = pruned.map((value, index) => value + 0.2 * noise[index]!);
  const cross = Float64Array.from(await products.multiply(pruned, dense, shape));
  return { count, gram, cross, sum, denseSum: columnSums(dense, size) };
}

/** Row-major `[count, size]`. */
async function inputs(count: number, size: number, stream: Random, products: MatrixProducts): Promise<Float32Array> {
  const factors = stream.float32(count * FACTORS);
  const loadings = stream.float32(FACTORS * size).map((value) => value / Math.sqrt(FACTORS));
  const shared = await products.multiply(factors, loadings, { m: count, n: size, k: FACTORS });
  const own = stream.float32(count * size);
  return shared.map((value, index) => value + own[index]!);
}

function columnSums(matrix: Float32Array, size: number): Float64Array {
  const sums = new Float64Array(size);
  for (let index = 0; index < matrix.length; index++) sums[index % size]! += matrix[index]!;
  return sums;
}
