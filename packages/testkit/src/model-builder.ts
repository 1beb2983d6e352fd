import { create, toBinary } from "@bufbuild/protobuf";
import {
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { dataTypes } from "./tensor-builder.js";

/** What a graph is made of. */
export interface GraphParts {
  /** @default "graph" */
  readonly name?: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
  readonly inputs?: readonly ValueInfoProto[];
  readonly outputs?: readonly ValueInfoProto[];
  readonly valueInfos?: readonly ValueInfoProto[];
}

/** What a model is made of: its main graph, and what stands around it. */
export interface ModelParts extends GraphParts {
  /** Version of ONNX's own operators. @default 17 */
  readonly opset?: number;
  /** @default 8, the first that goes with opset 17 */
  readonly irVersion?: number;
  readonly functions?: readonly FunctionProto[];
  /** Imports of other domains, after ONNX's own. */
  readonly opsetImports?: readonly { readonly domain: string; readonly version: number | bigint }[];
  /** Model-level `metadata_props`, in this order. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Name, element type and shape of an input, an output or a value in between.
 *
 * @param dtype such as `float32` or `int64`
 * @param dims a number fixes a size, a text names a free one
 * @throws {RangeError} when ONNX has no such dtype
 */
export function valueInfo(name: string, dtype: string, dims: readonly (number | string)[]): ValueInfoProto {
  const elemType = dataTypes[dtype];
  if (elemType === undefined) {
    throw new RangeError(`value ${name}: dtype "${dtype}" is none of ${Object.keys(dataTypes).join(", ")}`);
  }
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType, shape: { dim: dims.map(dimension) } } } },
  });
}

function dimension(size: number | string) {
  return typeof size === "string"
    ? { value: { case: "dimParam" as const, value: size } }
    : { value: { case: "dimValue" as const, value: BigInt(size) } };
}

/** A `GraphProto`: the main graph of a model, or the body of an If, Loop or Scan as an attribute of its node. */
export function graph(parts: GraphParts): GraphProto {
  return create(GraphProtoSchema, {
    name: parts.name ?? "graph",
    node: [...parts.nodes],
    initializer: [...(parts.initializers ?? [])],
    input: [...(parts.inputs ?? [])],
    output: [...(parts.outputs ?? [])],
    valueInfo: [...(parts.valueInfos ?? [])],
  });
}

/** A function of a model, which its nodes call by domain and name. */
export interface FunctionParts {
  readonly name: string;
  readonly domain: string;
  /** Names of values. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeProto[];
  /** Version of ONNX's own operators that it imports. @default 17 */
  readonly opset?: number;
}

/** A `FunctionProto`. The model has to import its domain too. */
export function functionBody({ inputs, outputs, nodes, opset = 17, ...names }: FunctionParts): FunctionProto {
  return create(FunctionProtoSchema, {
    ...names,
    input: [...inputs],
    output: [...outputs],
    node: [...nodes],
    opsetImport: [{ domain: "", version: BigInt(opset) }],
  });
}

/** The bytes of an `.onnx` file made of these parts; the same parts give the same bytes. */
export function buildModel(parts: ModelParts): Uint8Array<ArrayBuffer> {
  const opsetImport = [{ domain: "", version: parts.opset ?? 17 }, ...(parts.opsetImports ?? [])];
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(parts.irVersion ?? 8),
    producerName: "espalier-testkit",
    graph: graph(parts),
    opsetImport: opsetImport.map(({ domain, version }) => ({ domain, version: BigInt(version) })),
    functions: [...(parts.functions ?? [])],
    metadataProps: Object.entries(parts.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
  return new Uint8Array(toBinary(ModelProtoSchema, model));
}
