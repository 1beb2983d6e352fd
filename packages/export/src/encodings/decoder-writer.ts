import {
  type AttributeInit,
  elementSize,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NewTensor,
  type NodeProto,
  TensorProto_DataType,
  type ValueInfoProto,
} from "@espalier/onnx";
import type { Decoder } from "./encoding.js";

/** Tables and nodes that the decoders of all weights of a model share, by name. */
export class SharedParts {
  readonly #root: string;
  readonly #initializers = new Map<string, NewTensor>();
  readonly #nodes = new Map<string, NodeProto>();

  /** @param root what the names begin with */
  constructor(root: string) {
    this.#root = root;
  }

  /** The name of the tensor called so; made when it is asked for the first time. */
  tensor(name: string, make: () => Omit<NewTensor, "name">): string {
    const full = `${this.#root}/${name}`;
    if (!this.#initializers.has(full)) this.#initializers.set(full, { name: full, ...make() });
    return full;
  }

  /** The same of a node with one output. */
  node(name: string, make: (output: string) => NodeProto): string {
    const full = `${this.#root}/${name}`;
    if (!this.#nodes.has(full)) this.#nodes.set(full, make(full));
    return full;
  }

  /** All of them so far. */
  parts(): Decoder {
    return { initializers: [...this.#initializers.values()], nodes: [...this.#nodes.values()], valueInfos: [] };
  }
}

/** Collects the nodes and initializers of one weight's decoder. */
export class DecoderWriter {
  readonly shared: SharedParts;
  /** Version of ONNX's operators that the nodes may use. */
  readonly opset: number;
  readonly #prefix: string;
  readonly #initializers: NewTensor[];
  readonly #nodes: NodeProto[];
  readonly #valueInfos: ValueInfoProto[];

  /**
   * @param prefix what the names of this weight's parts begin with
   * @param around where all is collected; @default here
   */
  constructor(prefix: string, shared: SharedParts, opset: number, around?: DecoderWriter) {
    this.#prefix = prefix;
    this.shared = shared;
    this.opset = opset;
    this.#initializers = around === undefined ? [] : around.#initializers;
    this.#nodes = around === undefined ? [] : around.#nodes;
    this.#valueInfos = around === undefined ? [] : around.#valueInfos;
  }

  /** A writer for a part of the weight, under names of its own; what it adds is added here. */
  within(name: string): DecoderWriter {
    return new DecoderWriter(`${this.#prefix}/${name}`, this.shared, this.opset, this);
  }

  /** Adds a node with one output and returns the output's name. */
  op(
    name: string,
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInit>> = {},
    output?: string,
  ): string {
    const own = `${this.#prefix}/${name}`;
    // The node that computes the weight is not called as the weight is: a node of the model may be.
    const label = output === undefined ? own : `${this.#prefix}/result`;
    this.#nodes.push(makeNode(type, inputs, [output ?? own], attributes, { name: label }));
    return output ?? own;
  }

  /** Adds an initializer and returns its name. */
  tensor(name: string, tensor: Omit<NewTensor, "name">, output = `${this.#prefix}/${name}`): string {
    this.#initializers.push({ name: output, ...tensor });
    return output;
  }

  /**
   * Declares the shape of a value, where it depends on data: ONNX Runtime (from 1.27 on) computes nodes when it loads a model
   * only where it knows before how large the result is.
   */
  declare(name: string, dataType: number, shape: readonly number[]): void {
    this.#valueInfos.push(makeValueInfo(name, dataType, shape));
  }

  /** The value in another shape. */
  reshape(name: string, input: string, shape: readonly number[], output?: string): string {
    return this.op(name, "Reshape", [input, this.integers(shape)], {}, output);
  }

  /** The value with another element type. */
  cast(name: string, input: string, dataType: number, output?: string): string {
    return this.op(name, "Cast", [input], { to: BigInt(dataType) }, output);
  }

  /** A shared int64 list. */
  integers(values: readonly number[]): string {
    const data = () => new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    const name = `integers/${values.join("x") || "none"}`;
    return this.shared.tensor(name, () => ({ dataType: TensorProto_DataType.INT64, dims: [values.length], data }));
  }

  /** A shared int32 table; `[]` is a scalar. */
  table(name: string, dims: readonly number[], values: () => Int32Array<ArrayBuffer>): string {
    const data = () => new Uint8Array(values().buffer);
    return this.shared.tensor(name, () => ({ dataType: TensorProto_DataType.INT32, dims, data }));
  }

  /** A shared uint8 table. */
  bytes(name: string, dims: readonly number[], data: () => Uint8Array<ArrayBuffer>): string {
    return this.shared.tensor(name, () => ({ dataType: TensorProto_DataType.UINT8, dims, data }));
  }

  /** Zeros, shared by all weights of the shape: they need memory until all weights are decoded. */
  zeros(dataType: number, shape: readonly number[]): string {
    const length = this.integers(shape);
    const value = makeTensor("", [1], { dataType, bytes: new Uint8Array(elementSize(dataType)) });
    return this.shared.node(`zeros/${dataType}x${shape.join("x")}`, (output) =>
      makeNode("ConstantOfShape", [length], [output], { value }),
    );
  }

  /** What was added. */
  parts(): Decoder {
    return { initializers: this.#initializers, nodes: this.#nodes, valueInfos: this.#valueInfos };
  }
}
