import {
  type Consumer,
  type NodeProto,
  type PrunableWeight,
  type TensorProto,
  TensorProto_DataType,
} from "@espalier/onnx";
import { describeNode, floatAttribute, type GraphIndex, intAttribute, isOnnx } from "./graph-index.js";
import type { ConvSite, ProductSite, Site } from "./sites.js";

/** The first versions of ONNX's operators that have all that lowered products (Pad, Slice) and convolutions (Concat) need. */
const MIN_OPSET = { product: 11, conv: 4 } as const;

/** Operators through which a matrix may reach its readers: they only move entries, and it stays a matrix. */
const MATRIX_PASSAGES: ReadonlySet<string> = new Set(["Identity", "Transpose"]);

/** The same for the kernel of a convolution, whose dimensions have to stay where they are. */
const KERNEL_PASSAGES: ReadonlySet<string> = new Set(["Identity"]);

/** The nodes at which a weight can be lowered: all that read it. Otherwise the reason why it has to stay as it is. */
export function findSites(weight: PrunableWeight, index: GraphIndex): readonly Site[] | string {
  const refusal = refusalOf(weight);
  if (refusal !== undefined) return refusal;
  const sites: Site[] = [];
  for (const consumer of weight.consumers) {
    const site = siteOf(consumer, weight, index);
    if (typeof site !== "string") sites.push(site);
    else if (weight.consumers.length === 1) return `${describeNode(consumer.proto)} ${site}`;
    else return `${weight.consumers.length} nodes read it, and ${describeNode(consumer.proto)} ${site}`;
  }
  return sites;
}

function refusalOf({ dtype, axisConflict, groups }: PrunableWeight): string | undefined {
  if (dtype !== "float32") return `its values are ${dtype}: only float32 is lowered`;
  if (axisConflict !== undefined) return axisConflict;
  if (groups !== 1) return `it has ${groups} groups with inputs of their own`;
  return undefined;
}

function siteOf({ proto, op, input, scope }: Consumer, weight: PrunableWeight, index: GraphIndex): Site | string {
  if (scope !== "main") return `stands in ${scope}: only the main graph is lowered`;
  if (op !== "MatMul" && op !== "Gemm" && op !== "Conv") return "is none of MatMul, Gemm and Conv";
  if (input !== 1) return "has it as its left operand";
  const minimum = MIN_OPSET[op === "Conv" ? "conv" : "product"];
  if (index.opset < minimum)
    return `is of opset ${index.opset}, and its lowered operators are there from ${minimum} on`;
  const obstacle = obstacleTo(proto.input[1]!, op === "Conv" ? KERNEL_PASSAGES : MATRIX_PASSAGES, index);
  if (obstacle !== undefined) return obstacle;
  if (op === "Conv") return convSite(proto, weight, index);
  if (weight.shape.length !== 2) return `reads it with ${weight.shape.length} dimensions`;
  return op === "Gemm" ? gemmSite(proto, weight, index) : matMulSite(proto, weight, index);
}

/** What keeps the constant behind a value from being read as it is stored. */
function obstacleTo(value: string, passages: ReadonlySet<string>, index: GraphIndex): string | undefined {
  let name = value;
  for (;;) {
    if (index.constant(name) !== undefined) return undefined;
    if (index.isDefault(name)) return "reads the default of an input, which callers may replace";
    const node = index.producer(name);
    if (node === undefined) return "reads it as no initializer of the main graph";
    if (!isOnnx(node) || !passages.has(node.opType)) return `reads it through ${describeNode(node)}`;
    name = node.input[0] ?? "";
  }
}

function matMulSite(node: NodeProto, weight: PrunableWeight, index: GraphIndex): ProductSite {
  const base = { kind: "product", node, value: node.input[0]!, transposed: false, factor: 1 } as const;
  const bias = biasBehind(node.output[0]!, weight.outChannels, index);
  return bias === undefined ? base : { ...base, bias };
}

/** The bias that an Add with nothing else to do adds to a product. */
function biasBehind(product: string, outChannels: number, index: GraphIndex): ProductSite["bias"] {
  const add = index.soleReader(product);
  if (add?.opType !== "Add" || !isOnnx(add)) return undefined;
  const other = add.input[0] === product ? add.input[1]! : add.input[0]!;
  const tensor = vectorBehind(other, outChannels, index);
  return tensor && { tensor, add };
}

function gemmSite(node: NodeProto, weight: PrunableWeight, index: GraphIndex): ProductSite {
  const base = {
    kind: "product",
    node,
    value: node.input[0]!,
    transposed: intAttribute(node, "transA", 0) !== 0,
    factor: floatAttribute(node, "alpha", 1),
  } as const;
  const addend = node.input[2] ?? "";
  const beta = floatAttribute(node, "beta", 1);
  if (addend === "" || beta === 0) return base;
  const tensor = beta === 1 ? vectorBehind(addend, weight.outChannels, index) : undefined;
  return { ...base, addend: { value: addend, factor: beta }, ...(tensor && { bias: { tensor } }) };
}

function convSite(node: NodeProto, weight: PrunableWeight, index: GraphIndex): ConvSite | string {
  const kernel = weight.shape.slice(2);
  const biasName = node.input[2] ?? "";
  const bias = vectorBehind(biasName, weight.outChannels, index);
  if (biasName !== "" && bias === undefined) return "has a bias that is computed";
  const normalized = index.readers(node.output[0]!).some(({ opType }) => opType === "BatchNormalization");
  const base = { kind: "conv", node, value: node.input[0]!, kernel, normalized } as const;
  return bias === undefined ? base : { ...base, bias };
}

/** A constant f32 vector with an entry per out channel. */
function vectorBehind(value: string, length: number, index: GraphIndex): TensorProto | undefined {
  const tensor = index.constant(value);
  if (tensor?.dataType !== TensorProto_DataType.FLOAT) return undefined;
  return tensor.dims.length === 1 && tensor.dims[0] === BigInt(length) ? tensor : undefined;
}

/**
 * The rows that the product of a site multiplies in one run, as far as the model declares them: free sizes beside declared
 * ones count as 1 (a batch of one); undefined where nothing is declared, and for convolutions.
 */
export function declaredRows(site: Site, index: GraphIndex): number | undefined {
  if (site.kind === "conv") return undefined;
  const dims = index.dims(site.value);
  if (dims === undefined) return undefined;
  const rows = site.transposed ? dims.slice(1) : dims.slice(0, -1);
  if (!rows.some((size) => size !== undefined)) return undefined;
  return rows.reduce<number>((product, size) => product * (size ?? 1), 1);
}
