import { encodeModel, type Model } from "@espalier/onnx";
import { type Backend, type Optimization, openRunner, type Sample, type Tensor } from "@espalier/runtime";
import { type Random, random } from "@espalier/testkit";
import { expect } from "vitest";

/** A way to run a model. */
export interface Execution {
  readonly backend: Backend;
  readonly optimization: Optimization;
}

/** Both runtimes, with and without graph optimisation: a lowered graph has to survive both. */
export const EXECUTIONS: readonly Execution[] = (["node", "web"] as const).flatMap((backend) =>
  (["disabled", "all"] as const).map((optimization) => ({ backend, optimization })),
);

/** How a random matrix `[outChannels, inFeatures]` is pruned. */
export interface BlockMatrix {
  readonly outChannels: number;
  readonly inFeatures: number;
  readonly bk: number;
  readonly bn: number;
  /** Fraction of blocks that stay in every block-column. */
  readonly density: number;
  readonly seed?: number;
}

/** A random matrix with balanced blocks of zeros, stored `[inFeatures, outChannels]`. */
export function blockMatrix(cut: BlockMatrix): Float32Array<ArrayBuffer> {
  const { outChannels, inFeatures, bk, bn, density, seed = 1 } = cut;
  const stream = random(seed);
  const values = stream.float32(inFeatures * outChannels);
  const blocks = Math.ceil(inFeatures / bk);
  for (let first = 0; first < outChannels; first += bn) {
    const kept = new Set(shuffled(blocks, stream).slice(0, Math.max(1, Math.round(blocks * density))));
    for (let input = 0; input < inFeatures; input++) {
      if (kept.has(Math.floor(input / bk))) continue;
      values.fill(0, input * outChannels + first, input * outChannels + Math.min(outChannels, first + bn));
    }
  }
  return values;
}

/** The same entries stored `[outChannels, inFeatures]`. */
export function transposed(values: Float32Array, rows: number): Float32Array<ArrayBuffer> {
  const columns = values.length / rows;
  return Float32Array.from(
    { length: values.length },
    (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!,
  );
}

function shuffled(count: number, stream: Random): number[] {
  const order = Array.from({ length: count }, (_, index) => ({ index, key: stream.next() }));
  return order.sort((a, b) => a.key - b.key).map(({ index }) => index);
}

/** A random f32 tensor. */
export function floats(dims: readonly number[], seed = 2): Tensor {
  const count = dims.reduce((product, size) => product * size, 1);
  return { dtype: "float32", dims, data: random(seed).float32(count) };
}

/** What a model computes. */
export async function outputsOf(model: Model, feeds: Sample, execution: Execution): Promise<Record<string, Tensor>> {
  const runner = await openRunner(encodeModel(model), execution);
  try {
    return await runner.run(feeds);
  } finally {
    await runner.close();
  }
}

/**
 * Both models give the same outputs, in both runtimes.
 *
 * @param tolerance largest difference over the largest absolute output: sums of some hundred products in another order
 *   differ by some 2⁻²⁴ · √k; 0 = the same numbers
 */
export async function expectSameOutputs(
  [expected, actual]: readonly [Model, Model],
  feeds: Sample,
  tolerance: number,
  executions = EXECUTIONS,
): Promise<void> {
  for (const execution of executions) {
    const [wanted, found] = [await outputsOf(expected, feeds, execution), await outputsOf(actual, feeds, execution)];
    expect(Object.keys(found)).toEqual(Object.keys(wanted));
    for (const [name, tensor] of Object.entries(wanted)) {
      expect(found[name]!.dims, `${name} with ${JSON.stringify(execution)}`).toEqual(tensor.dims);
      expectClose(tensor, found[name]!, tolerance, `${name} with ${JSON.stringify(execution)}`);
    }
  }
}

function expectClose(wanted: Tensor, found: Tensor, tolerance: number, what: string): void {
  const [a, b] = [wanted.data as Float32Array, found.data as Float32Array];
  let largest = 0;
  let difference = 0;
  for (let index = 0; index < a.length; index++) {
    largest = Math.max(largest, Math.abs(a[index]!));
    const one = Math.abs(a[index]! - b[index]!);
    difference = Number.isNaN(one) ? Number.POSITIVE_INFINITY : Math.max(difference, one);
  }
  expect(difference, what).toBeLessThanOrEqual(tolerance * largest);
}
