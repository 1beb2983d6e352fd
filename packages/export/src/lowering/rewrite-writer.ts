import {
  type AttributeInit,
  makeNode,
  makeTensor,
  type NewTensor,
  type NodeProto,
  type TensorProto,
} from "@espalier/onnx";

/** Collects what comes into a graph: nodes in the order in which they are to run, and their constants. */
export class RewriteWriter {
  readonly initializers: (TensorProto | NewTensor)[] = [];
  readonly #prefix: string;
  readonly #given = new Map<string, number>();
  readonly #integers = new Map<string, string>();
  #nodes: NodeProto[] = [];

  /** @param prefix starts every new name; no value of the model may start with it */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Adds a node with one output and returns its name. */
  op(
    type: string,
    inputs: readonly string[],
    label: string,
    attributes: Readonly<Record<string, AttributeInit>> = {},
  ): string {
    return this.ops(type, inputs, [label], attributes)[0]!;
  }

  /** Adds a node with several outputs and returns their names. */
  ops(
    type: string,
    inputs: readonly string[],
    labels: readonly string[],
    attributes: Readonly<Record<string, AttributeInit>> = {},
  ): readonly string[] {
    const outputs = labels.map((label) => this.#name(label));
    this.#nodes.push(makeNode(type, inputs, outputs, attributes));
    return outputs;
  }

  /** Adds a constant and returns its name. */
  constant(label: string, tensor: Omit<NewTensor, "name">): string {
    const name = this.#name(label);
    this.initializers.push({ ...tensor, name });
    return name;
  }

  /** Adds an int64 vector (a shape, indices) and returns its name; equal ones are one. */
  integers(values: readonly number[]): string {
    const key = values.join(",");
    const known = this.#integers.get(key);
    if (known !== undefined) return known;
    const name = this.#name("integers");
    this.initializers.push(makeTensor(name, [values.length], BigInt64Array.from(values, BigInt)));
    this.#integers.set(key, name);
    return name;
  }

  /** Adds a node that has been made elsewhere. */
  add(node: NodeProto): void {
    this.#nodes.push(node);
  }

  /** A free name. */
  name(label: string): string {
    return this.#name(label);
  }

  /** Calls the value that the last node computes by the name it is to have in the model. */
  nameLast(output: string): void {
    const last = this.#nodes.at(-1)!;
    last.output[0] = output;
  }

  /** The nodes since the last call. */
  take(): readonly NodeProto[] {
    const nodes = this.#nodes;
    this.#nodes = [];
    return nodes;
  }

  #name(wanted: string): string {
    const label = wanted.startsWith(this.#prefix) ? wanted.slice(this.#prefix.length) : wanted;
    const count = (this.#given.get(label) ?? 0) + 1;
    this.#given.set(label, count);
    return `${this.#prefix}${label}${count === 1 ? "" : `#${count}`}`;
  }
}
