import type { PrunableWeight, WeightAxis } from "@espalier/onnx";

/** Largest magnitude of a stored integer. Without −128 the range is symmetric. */
const LARGEST = 127;

/** Smallest scale, the smallest normal float32: runtimes may take smaller numbers for 0. */
const SMALLEST_SCALE = 2 ** -126;

/** A weight in 8 bits: `element ≈ integer · scale[out channel]`. */
export interface Quantized {
  readonly integers: Int8Array<ArrayBuffer>;
  /** One for each out channel: largest magnitude / 127, rounded to float32. */
  readonly scales: Float32Array<ArrayBuffer>;
}

/**
 * Rounds a weight to 8 bits per out channel: `integer = round(element / scale)`, so that an element moves by at most half a
 * scale.
 *
 * @param values in buffer order, finite
 */
export function quantized(
  { outChannels, axes }: Pick<PrunableWeight, "outChannels" | "axes">,
  values: Float32Array | Float64Array,
): Quantized {
  const largest = new Float64Array(outChannels);
  forEachRun(axes, (start, end, first, step) => {
    for (let index = start, channel = first; index < end; index++, channel += step) {
      const size = Math.abs(values[index]!);
      if (size > largest[channel]!) largest[channel] = size;
    }
  });
  const scales = Float32Array.from(largest, (size) => Math.max(size / LARGEST, SMALLEST_SCALE));
  const integers = new Int8Array(values.length);
  forEachRun(axes, (start, end, first, step) => {
    for (let index = start, channel = first; index < end; index++, channel += step) {
      const integer = Math.round(values[index]! / scales[channel]!);
      integers[index] = Math.max(-LARGEST, Math.min(LARGEST, integer));
    }
  });
  return { integers, scales };
}

/** Visits the runs of the innermost axis: buffer indices, the out channel of the first, and how it grows. */
function forEachRun(
  axes: readonly WeightAxis[],
  visit: (start: number, end: number, channel: number, step: number) => void,
): void {
  const inner = axes.at(-1)!;
  const outer = axes.slice(0, -1).reverse();
  const runs = outer.reduce((product, { size }) => product * size, 1);
  for (let run = 0; run < runs; run++) {
    let channel = 0;
    let rest = run;
    for (const { role, size, step } of outer) {
      if (role === "out") channel += (rest % size) * step;
      rest = Math.floor(rest / size);
    }
    visit(run * inner.size, (run + 1) * inner.size, channel, inner.role === "out" ? inner.step : 0);
  }
}
