import type { NodeProto, TensorProto } from "onnx-buf";
import { type AttributeValue, node } from "./node-builder.js";
import { tensor } from "./tensor-builder.js";

/** Gives the trained (or random) tensor that a graph asks for by name and shape. */
export type WeightSupplier = (name: string, dims: readonly number[]) => TensorProto;

/** Collects nodes and initializers while a graph is written from its inputs to its outputs. */
export interface GraphWriter {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Adds a node with one output, both called `name`, and returns that name. */
  op(
    name: string,
    type: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string;
  /** Adds a `Split` of the last axis into equal parts and returns `name/0`, `name/1`, … */
  split(name: string, input: string, sizes: readonly number[]): readonly string[];
  /** Adds an initializer from the supplier and returns its name. */
  weight(name: string, dims: readonly number[]): string;
  /** Adds an int64 initializer (a shape, axes); a plain number makes a scalar. */
  integers(name: string, values: number | readonly number[]): string;
  /** Adds a f32 scalar initializer. */
  scalar(name: string, value: number): string;
}

/** Opens an empty graph whose weights come from `supply`. */
export function graphWriter(supply: WeightSupplier): GraphWriter {
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const add = (initializer: TensorProto) => {
    initializers.push(initializer);
    return initializer.name;
  };
  const integers = (name: string, values: number | readonly number[]) => {
    const list = typeof values === "number" ? [values] : values;
    return add(tensor(name, typeof values === "number" ? [] : [list.length], BigInt64Array.from(list, BigInt)));
  };
  return {
    nodes,
    initializers,
    op(name, type, inputs, attributes = {}) {
      nodes.push(node(type, inputs, [name], attributes, { name }));
      return name;
    },
    split(name, input, sizes) {
      const outputs = sizes.map((_, index) => `${name}/${index}`);
      nodes.push(node("Split", [input, integers(`${name}/sizes`, sizes)], outputs, { axis: -1 }, { name }));
      return outputs;
    },
    weight: (name, dims) => add(supply(name, dims)),
    integers,
    scalar: (name, value) => add(tensor(name, [], new Float32Array([value]))),
  };
}

/** `input · weight + bias` as MatMul and Add; the weights are called `name/weight` `[inFeatures, outChannels]` and `name/bias`. */
export function addLinear(
  writer: GraphWriter,
  name: string,
  input: string,
  inFeatures: number,
  outChannels: number,
): string {
  const weight = writer.weight(`${name}/weight`, [inFeatures, outChannels]);
  const product = writer.op(`${name}/matmul`, "MatMul", [input, weight]);
  return writer.op(`${name}/add`, "Add", [product, writer.weight(`${name}/bias`, [outChannels])]);
}
