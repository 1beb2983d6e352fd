import { TensorProto_DataType } from "@espalier/onnx";
import type { BlockColumn, BlockLayout } from "./block-layout.js";
import type { GraphIndex } from "./graph-index.js";
import type { LoweredForm } from "./layer.js";
import type { LoweredInputs, ProductInput } from "./lowered-inputs.js";
import type { PackedWeight } from "./packed-weight.js";
import type { RewriteWriter } from "./rewrite-writer.js";
import type { ProductSite } from "./sites.js";

/** What the nodes of a lowered weight are written with. */
export interface Lowering {
  readonly index: GraphIndex;
  readonly writer: RewriteWriter;
  readonly inputs: LoweredInputs;
  readonly layout: BlockLayout;
  readonly packed: PackedWeight;
  readonly form: LoweredForm;
  readonly outChannels: number;
  readonly inFeatures: number;
  readonly quantized: boolean;
}

/** Writes the nodes that compute a MatMul or Gemm from the blocks that its weight keeps. */
export function lowerProduct(site: ProductSite, lowering: Lowering): void {
  const { writer, inputs, form, inFeatures, quantized } = lowering;
  const value = site.transposed ? inputs.transposed(site.value) : site.value;
  const input: ProductInput = { value, inFeatures, quantized };
  const inBatch = form === "bmm";
  const product = inBatch ? batchedProduct(site, lowering, input) : columnProducts(site, lowering, input);
  const scaled = site.factor === 1 ? product : multiplied(writer, product, site.factor);
  const isGemm = site.node.opType === "Gemm";
  if (isGemm && !addsBiasItself(site, lowering)) addAddend(site, writer, scaled);
  const shape = isGemm ? undefined : inputs.productShape(value, lowering.outChannels);
  if (shape !== undefined) writer.op("Reshape", [scaled, shape], `${site.node.output[0]}/reshaped`);
  writer.nameLast(lastOutput(site, lowering));
}

/**
 * Whether the bias is added by the lowered product. Only the quantised one does it: ONNX Runtime makes MatMulInteger, Cast,
 * Mul and Add of a block-column one kernel, which saves a pass over the output (13 % of a transformer layer, measured). In
 * f32 an Add behind all columns is as fast.
 */
export function addsBiasItself({ bias, factor }: ProductSite, { quantized }: Pick<Lowering, "quantized">): boolean {
  return quantized && bias !== undefined && factor === 1;
}

function lastOutput(site: ProductSite, lowering: Lowering): string {
  const add = addsBiasItself(site, lowering) ? site.bias?.add : undefined;
  return (add ?? site.node).output[0]!;
}

/** Forms `multi` and `shared`: a product for every run of columns that reads the same inputs. */
function columnProducts(site: ProductSite, lowering: Lowering, input: ProductInput): string {
  const { writer, inputs, layout, packed, quantized } = lowering;
  const label = `${site.node.output[0]}/columns`;
  const parts = layout.runs.map((run) => {
    const rows = inputs.gathered(input, layout, run.kept);
    if (!quantized) return writer.op("MatMul", [rows, packed.floats(run)], label);
    const { zeroPoint } = inputs.quantized(input.value);
    const integers = writer.op("MatMulInteger", [rows, packed.integers(run), zeroPoint], label);
    return dequantized(site, lowering, { integers, input, scales: packed.scales(run), run });
  });
  return parts.length === 1 ? parts[0]! : writer.op("Concat", parts, `${label}/joined`, { axis: 1n });
}

/** Form `bmm`: one batched product, a matrix per block-column. */
function batchedProduct(site: ProductSite, lowering: Lowering, input: ProductInput): string {
  const { writer, inputs, layout, packed, quantized, outChannels } = lowering;
  const label = `${site.node.output[0]}/batch`;
  const rows = inputs.gatheredBatch(input, layout, evenLists(layout));
  const product = quantized
    ? writer.op("MatMulInteger", [rows, packed.integerBatch(), inputs.quantized(input.value).zeroPoint], label)
    : writer.op("MatMul", [rows, packed.floatBatch()], label);
  const byRow = writer.op("Transpose", [product], `${label}/by-row`, { perm: [1n, 0n, 2n] });
  const width = layout.columns.length * layout.columns[0]!.width;
  const flat = writer.op("Reshape", [byRow, writer.integers([-1, width])], `${label}/flat`);
  const cut = width === outChannels ? flat : firstColumns(writer, flat, outChannels);
  if (!quantized) return cut;
  const run = { first: 0, width: outChannels };
  return dequantized(site, lowering, { integers: cut, input, scales: packed.batchScales(), run });
}

/** The lists of kept units, filled up to the longest with unit 0: the packed matrices are zero there. */
function evenLists({ columns }: BlockLayout): readonly (readonly number[])[] {
  const longest = Math.max(...columns.map(({ kept }) => kept.length));
  return columns.map(({ kept }) => [...kept, ...Array<number>(longest - kept.length).fill(0)]);
}

/** The last block-column is narrower than the others: what it has too much goes. */
function firstColumns(writer: RewriteWriter, value: string, count: number): string {
  const range = [writer.integers([0]), writer.integers([count]), writer.integers([1])];
  return writer.op("Slice", [value, ...range], `${value}/cut`);
}

/** Integers of a product → f32, with the bias where it belongs to this product. */
function dequantized(
  site: ProductSite,
  lowering: Lowering,
  part: {
    readonly integers: string;
    readonly input: ProductInput;
    readonly scales: string;
    readonly run: Pick<BlockColumn, "first" | "width">;
  },
): string {
  const { writer, inputs, packed, index } = lowering;
  const label = `${site.node.output[0]}/floats`;
  const { scale } = inputs.quantized(part.input.value);
  const floats = writer.op("Cast", [part.integers], label, { to: BigInt(TensorProto_DataType.FLOAT) });
  const scales = writer.op("Mul", [scale, part.scales], `${label}/scales`);
  const scaled = writer.op("Mul", [floats, scales], `${label}/scaled`);
  if (!addsBiasItself(site, lowering)) return scaled;
  const bias = packed.bias(index.model, site.bias!.tensor, { ...part.run, kept: [] });
  return writer.op("Add", [scaled, bias], `${label}/biased`);
}

function multiplied(writer: RewriteWriter, value: string, factor: number): string {
  const constant = writer.constant("factor", {
    dataType: TensorProto_DataType.FLOAT,
    dims: [],
    data: () => new Uint8Array(Float32Array.of(factor).buffer),
  });
  return writer.op("Mul", [value, constant], `${value}/scaled`);
}

function addAddend({ addend }: ProductSite, writer: RewriteWriter, product: string): void {
  if (addend === undefined) return;
  const value = addend.factor === 1 ? addend.value : multiplied(writer, addend.value, addend.factor);
  writer.op("Add", [product, value], `${product}/added`);
}
