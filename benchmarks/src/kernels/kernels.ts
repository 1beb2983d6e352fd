// Kernels are no part of core's interface, so this suite imports them from inside the package.
import type { Kernels } from "../../../packages/core/src/kernels/kernels.js";
import { simdKernels } from "../../../packages/core/src/kernels/simd/simd-kernels.js";
import { typescriptKernels } from "../../../packages/core/src/kernels/typescript/typescript-kernels.js";
import { type TimedCase, timedSuite } from "../timed-suite.js";
import { normalValues } from "./normal-values.js";

/** A square matrix of 2²⁴ entries, 64 MiB: larger than the caches. */
const SIDE = 4096;
const LENGTH = SIDE * SIDE;

const implementations: Record<string, Kernels | undefined> = { simd: simdKernels(), typescript: typescriptKernels };

/** What pruning costs beyond touching the data: every case in multiples of copying the array once. */
export const kernels = timedSuite({
  name: "kernels",
  unit: "copies",
  note: "2²⁴ float32 (normal) as a 4096 × 4096 matrix, one thread; one copy = `Float32Array.set` of the array.",
  rounds: 15,
  cases() {
    const values = normalValues(LENGTH, 1);
    const importance = values.map(Math.abs);
    const out = new Float32Array(LENGTH);
    const copy: TimedCase = { name: "copy", run: () => out.set(values) };
    const cases = Object.entries(implementations).flatMap(([name, implementation]) =>
      implementation === undefined ? [] : casesOf(name, implementation, values, importance, out),
    );
    return [copy, ...cases];
  },
});

function casesOf(
  implementation: string,
  kernels: Kernels,
  values: Float32Array,
  importance: Float32Array,
  out: Float32Array,
): TimedCase[] {
  const bits = new Uint8Array(LENGTH / 8);
  const half = LENGTH / 2;
  const quarters = [0, 1, 2, 3].map((index) => importance.subarray((index * LENGTH) / 4, ((index + 1) * LENGTH) / 4));
  const quarterBits = quarters.map((_, index) => bits.subarray((index * LENGTH) / 32, ((index + 1) * LENGTH) / 32));
  const isSimd = implementation === "simd";
  const named = (name: string, run: () => void, limit?: number): TimedCase => ({
    name: `${name}/${implementation}`,
    run,
    // The limits are for what runs by default.
    ...(isSimd && limit !== undefined && { limit }),
  });
  const nm = (n: number, m: number, inner: number): (() => void) => {
    return () => kernels.nmMaskAndApply(values, LENGTH / SIDE / inner, SIDE, inner, n, m, bits, out);
  };
  return [
    named("2:4-and-apply/contiguous", nm(2, 4, 1), 4),
    named("2:4-and-apply/strided", nm(2, 4, SIDE), 5),
    named("4:8-and-apply/contiguous", nm(4, 8, 1)),
    named("4:8-and-apply/strided", nm(4, 8, SIDE)),
    named("select-half-and-apply", () => kernels.selectAndApply(values, half, bits, out), 10),
    named("select-half", () => kernels.selectSmallest(importance, half, bits)),
    named("select-half-across-four", () =>
      kernels.selectSmallestAcross(
        quarters.map(({ length }) => length),
        (index) => quarters[index]!,
        half,
        (index) => quarterBits[index]!,
      ),
    ),
    named("select-half-of-each-row", () => {
      for (let row = 0; row < SIDE; row++) {
        const rowBits = bits.subarray((row * SIDE) / 8, ((row + 1) * SIDE) / 8);
        kernels.selectSmallest(importance.subarray(row * SIDE, (row + 1) * SIDE), SIDE / 2, rowBits);
      }
    }),
    named("apply", () => kernels.applyMaskBits(values, bits, out)),
  ];
}
