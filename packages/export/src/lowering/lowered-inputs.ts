import { TensorProto_DataType } from "@espalier/onnx";
import type { GraphIndex } from "./graph-index.js";
import type { RewriteWriter } from "./rewrite-writer.js";

/** What a value is quantised to. */
export interface QuantizedInput {
  /** uint8, of the shape of the value. */
  readonly integers: string;
  /** f32 scalar. */
  readonly scale: string;
  /** uint8 scalar. */
  readonly zeroPoint: string;
}

/** A value that products read: `[…, inFeatures]`. */
export interface ProductInput {
  readonly value: string;
  readonly inFeatures: number;
  /** Whether it is quantised first. */
  readonly quantized: boolean;
}

/** How the features of an input are cut. */
export interface InputCut {
  readonly unit: number;
  readonly units: number;
}

/**
 * The shapes in which lowered operators read their inputs. Everything is computed once, at its first reader: weights that
 * share an input (query, key and value) share its quantisation, its reshaping, and its gathering where they keep the same.
 */
export class LoweredInputs {
  readonly #index: GraphIndex;
  readonly #writer: RewriteWriter;
  readonly #known = new Map<string, string>();
  readonly #quantized = new Map<string, QuantizedInput>();

  constructor(index: GraphIndex, writer: RewriteWriter) {
    this.#index = index;
    this.#writer = writer;
  }

  /** `[rows, kept · unit]`: the kept units of every row. */
  gathered(input: ProductInput, cut: InputCut, kept: readonly number[]): string {
    return this.#once(["gathered", input, cut.unit, kept], () => {
      const whole = kept.length === cut.units && cut.unit * cut.units === input.inFeatures;
      if (whole) return this.#flat(input, [-1, input.inFeatures]);
      const indices = this.#writer.integers(kept);
      const units = this.#writer.op("Gather", [this.#units(input, cut), indices], label(input, "gathered"), {
        axis: 1n,
      });
      return this.#reshape(units, [-1, kept.length * cut.unit], label(input, "kept"));
    });
  }

  /** `[block-columns, rows, kept · unit]`: the kept units of every block-column, each list of the same length. */
  gatheredBatch(input: ProductInput, cut: InputCut, kept: readonly (readonly number[])[]): string {
    return this.#once(["batch", input, cut.unit, kept], () => {
      const indices = this.#writer.integers(kept.flat());
      const units = this.#writer.op("Gather", [this.#units(input, cut), indices], label(input, "gathered"), {
        axis: 1n,
      });
      const shape = [-1, kept.length, kept[0]!.length * cut.unit];
      const rows = this.#reshape(units, shape, label(input, "kept"));
      const byColumn = this.#writer.op("Transpose", [rows], label(input, "by-column"), { perm: [1n, 0n, 2n] });
      // Changes nothing, but keeps ONNX Runtime 1.30 from fusing Transpose and MatMul: without rows the fused kernel divides
      // by zero and takes the process down.
      return this.#reshape(byColumn, [kept.length, -1, kept[0]!.length * cut.unit], label(input, "batch"));
    });
  }

  /** `[batch, kept channels, …]` of an input `[batch, channels, …]`. */
  channels(value: string, channels: number, kept: readonly number[]): string {
    if (kept.length === channels) return value;
    return this.#once(["channels", value, kept], () =>
      this.#writer.op("Gather", [value, this.#writer.integers(kept)], `${value}/channels`, { axis: 1n }),
    );
  }

  /** The value quantised to uint8 over its whole range, as dense dynamic quantisation does it. */
  quantized(value: string): QuantizedInput {
    const known = this.#quantized.get(value);
    if (known !== undefined) return known;
    const labels = ["quantized", "scale", "zero-point"].map((part) => `${value}/${part}`);
    const [integers, scale, zeroPoint] = this.#writer.ops("DynamicQuantizeLinear", [value], labels);
    const quantized = { integers: integers!, scale: scale!, zeroPoint: zeroPoint! };
    this.#quantized.set(value, quantized);
    return quantized;
  }

  /** `[columns, rows]` of an input `[rows, columns]`. */
  transposed(value: string): string {
    return this.#once(["transposed", value], () =>
      this.#writer.op("Transpose", [value], `${value}/transposed`, { perm: [1n, 0n] }),
    );
  }

  /**
   * The shape `[…, outChannels]` that a product of an input `[…, inFeatures]` has, as an int64 value; undefined where it is
   * `[rows, outChannels]` already. Where the model does not declare it, it is computed when the model runs.
   */
  productShape(value: string, outChannels: number): string | undefined {
    const batch = this.#index.dims(value)?.slice(0, -1);
    if (batch?.length === 1) return undefined;
    const free = batch?.filter((size) => size === undefined || size === 0).length ?? 2;
    if (batch !== undefined && free <= 1) {
      return this.#writer.integers([...batch.map((size) => size || -1), outChannels]);
    }
    return this.#once(["shape", value, outChannels], () =>
      this.#writer.op("Concat", [this.#batchShape(value), this.#writer.integers([outChannels])], `${value}/shape`, {
        axis: 0n,
      }),
    );
  }

  /** All sizes of a value but the last. */
  #batchShape(value: string): string {
    return this.#once(["batch-shape", value], () => {
      // Shape has had `start` and `end` since opset 15.
      if (this.#index.opset >= 15) return this.#writer.op("Shape", [value], `${value}/batch-shape`, { end: -1n });
      const shape = this.#writer.op("Shape", [value], `${value}/whole-shape`);
      const range = [this.#writer.integers([0]), this.#writer.integers([-1])];
      return this.#writer.op("Slice", [shape, ...range], `${value}/batch-shape`);
    });
  }

  /** `[rows, units, unit]`. */
  #units(input: ProductInput, { unit, units }: InputCut): string {
    const missing = unit * units - input.inFeatures;
    if (missing === 0) return this.#flat(input, [-1, units, unit]);
    return this.#once(["padded", input, unit], () =>
      this.#reshape(this.#padded(input, missing), [-1, units, unit], label(input, "units")),
    );
  }

  /** `[rows, inFeatures + missing]`. What stands behind the features makes no difference: the weight is zero there. */
  #padded(input: ProductInput, missing: number): string {
    const rows = this.#flat(input, [-1, input.inFeatures]);
    const { FLOAT, UINT8 } = TensorProto_DataType;
    const zero = this.#writer.constant("zero", {
      dataType: input.quantized ? UINT8 : FLOAT,
      dims: [],
      data: () => new Uint8Array(input.quantized ? 1 : 4),
    });
    return this.#writer.op("Pad", [rows, this.#writer.integers([0, 0, 0, missing]), zero], label(input, "padded"));
  }

  #flat(input: ProductInput, shape: readonly number[]): string {
    const value = input.quantized ? this.quantized(input.value).integers : input.value;
    return this.#once(["flat", value, shape], () => this.#reshape(value, shape, label(input, "units")));
  }

  #reshape(value: string, shape: readonly number[], name: string): string {
    return this.#writer.op("Reshape", [value, this.#writer.integers(shape)], name);
  }

  #once(key: readonly unknown[], make: () => string): string {
    const text = JSON.stringify(key);
    const known = this.#known.get(text) ?? make();
    this.#known.set(text, known);
    return known;
  }
}

function label({ value, quantized }: ProductInput, part: string): string {
  return `${value}/${part}${quantized ? "-integers" : ""}`;
}
