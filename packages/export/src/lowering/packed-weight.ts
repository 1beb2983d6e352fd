import type { Model } from "@espalier/onnx";
import { type PrunableWeight, type TensorProto, TensorProto_DataType, tensorValues } from "@espalier/onnx";
import type { BlockColumn, BlockLayout } from "./block-layout.js";
import { packColumn, packInto } from "./pack-column.js";
import { columnScales, quantizeColumns } from "./quantize-columns.js";
import type { RewriteWriter } from "./rewrite-writer.js";
import type { WeightReader } from "./weight-values.js";

/** What the constants of a lowered weight are made from. */
export interface WeightSource {
  readonly weight: PrunableWeight;
  readonly layout: BlockLayout;
  readonly reader: WeightReader;
}

/** The packed constants of one weight: each made when it is first asked for, its bytes only when they are written. */
export class PackedWeight {
  /** Bytes of all constants so far. */
  bytes = 0;
  readonly #source: WeightSource;
  readonly #writer: RewriteWriter;
  readonly #names = new Map<string, string>();

  constructor(source: WeightSource, writer: RewriteWriter) {
    this.#source = source;
    this.#writer = writer;
  }

  /** f32 `[kept inputs, width]` of a block-column. */
  floats(column: BlockColumn): string {
    return this.#constant(`columns/${column.first}`, TensorProto_DataType.FLOAT, this.#dims(column), () =>
      this.#pack(column),
    );
  }

  /** The same quantised: int8 `[kept inputs, width]`, see {@link quantizeColumns}. */
  integers(column: BlockColumn): string {
    return this.#constant(`integers/${column.first}`, TensorProto_DataType.INT8, this.#dims(column), () => {
      const packed = this.#pack(column);
      return quantizeColumns(packed, columnScales(packed, column.width));
    });
  }

  /** f32 `[width]`: the scales of {@link integers}. */
  scales(column: BlockColumn): string {
    return this.#constant(`scales/${column.first}`, TensorProto_DataType.FLOAT, [column.width], () =>
      columnScales(this.#pack(column), column.width),
    );
  }

  /** f32 `[block-columns, kept inputs, width]`: all block-columns, filled up with zeros to the largest of them. */
  floatBatch(): string {
    const { columns, rows, width } = this.#batch();
    return this.#constant("batch", TensorProto_DataType.FLOAT, [columns.length, rows, width], () => this.#packBatch());
  }

  /** int8 of the shape of {@link floatBatch}. */
  integerBatch(): string {
    const { columns, rows, width } = this.#batch();
    return this.#constant("integer-batch", TensorProto_DataType.INT8, [columns.length, rows, width], () => {
      const packed = this.#packBatch();
      const integers = new Int8Array(packed.length);
      for (let start = 0; start < packed.length; start += rows * width) {
        const one = packed.subarray(start, start + rows * width);
        integers.set(quantizeColumns(one, columnScales(one, width)), start);
      }
      return integers;
    });
  }

  /** f32 `[outChannels]`: the scales of all columns of {@link integerBatch}. */
  batchScales(): string {
    const { outChannels } = this.#source.weight;
    return this.#constant("batch-scales", TensorProto_DataType.FLOAT, [outChannels], () => {
      const scales = new Float32Array(outChannels);
      for (const column of this.#source.layout.columns) {
        scales.set(columnScales(this.#pack(column), column.width), column.first);
      }
      return scales;
    });
  }

  /** f32 `[bn, channels, kernel…]`: a smaller convolution kernel with the input channels that a block-column keeps. */
  kernel(column: BlockColumn, kernelDims: readonly number[]): string {
    const dims = [column.width, column.kept.length, ...kernelDims];
    return this.#constant(`kernels/${column.first}`, TensorProto_DataType.FLOAT, dims, () =>
      transposed(this.#pack(column), column.width),
    );
  }

  /** f32 `[width]`: the piece of a bias `[outChannels]` that belongs to a block-column. */
  bias(model: Model, bias: TensorProto, { first, width }: BlockColumn): string {
    const label = `bias/${bias.name}/${first}`;
    return this.#constant(label, TensorProto_DataType.FLOAT, [width], () =>
      Float32Array.from(tensorValues(model, bias).subarray(first, first + width)),
    );
  }

  #pack(column: BlockColumn): Float32Array<ArrayBuffer> {
    const { weight, layout, reader } = this.#source;
    return packColumn(reader.read(weight), column, layout.unit);
  }

  #dims({ kept, width }: BlockColumn): readonly number[] {
    return [kept.length * this.#source.layout.unit, width];
  }

  #batch() {
    const { columns, unit } = this.#source.layout;
    const rows = unit * Math.max(...columns.map(({ kept }) => kept.length));
    return { columns, rows, width: Math.max(...columns.map((column) => column.width)) };
  }

  #packBatch(): Float32Array<ArrayBuffer> {
    const { weight, layout, reader } = this.#source;
    const { columns, rows, width } = this.#batch();
    const packed = new Float32Array(columns.length * rows * width);
    const values = reader.read(weight);
    for (const [index, column] of columns.entries()) {
      const start = index * rows * width;
      packInto(packed.subarray(start, start + rows * width), values, column, { unit: layout.unit, rowLength: width });
    }
    return packed;
  }

  #constant(label: string, dataType: number, dims: readonly number[], compute: () => ArrayBufferView): string {
    const known = this.#names.get(label);
    if (known !== undefined) return known;
    const data = (): Uint8Array => asBytes(compute());
    const name = this.#writer.constant(`${this.#source.weight.name}/${label}`, { dataType, dims, data });
    this.#names.set(label, name);
    const size = dataType === TensorProto_DataType.FLOAT ? 4 : 1;
    this.bytes += dims.reduce((product, length) => product * length, size);
    return name;
  }
}

/** Typed arrays are little-endian wherever Node and browsers run, as ONNX stores numbers. */
function asBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Row-major `[rows, width]` → `[width, rows]`. */
function transposed(matrix: Float32Array, width: number): Float32Array {
  const rows = matrix.length / width;
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let out = 0; out < width; out++) result[out * rows + row] = matrix[row * width + out]!;
  }
  return result;
}
