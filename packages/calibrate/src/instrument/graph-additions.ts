import {
  type AttributeInit,
  type GraphAddition,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
  type TensorProto,
  type TensorProto_DataType,
} from "@espalier/onnx";

/** What is added to a graph. */
export interface Additions extends Required<GraphAddition> {
  /** Every value that the outputs need, those that the graph had before included. */
  readonly needed: ReadonlySet<string>;
}

/**
 * Collects nodes to be added to a graph: the main graph of a model or one inside it. Values are named by strings; the same operation on the same values is
 * added once, so that whoever needs a reduction may ask for it again.
 */
export class GraphAdditions {
  /** Version of ONNX's operators in the model. */
  readonly opset: number;
  /** What the names of all that is added start with. */
  readonly prefix: string;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #outputs = new Map<string, TensorProto_DataType>();
  readonly #known = new Map<string, string>();

  /** @param prefix what no name in the model starts with */
  constructor(opset: number, prefix: string) {
    this.opset = opset;
    this.prefix = prefix;
  }

  /** Adds a node of ONNX's own operators with one output, and returns the name of that. */
  op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeInit>> = {}): string {
    return this.#once(JSON.stringify([type, inputs, attributes], withBigints), type, (name) => {
      this.#nodes.push(makeNode(type, inputs, [name], attributes));
    });
  }

  /** Adds another name for a value, one that nothing else has. */
  alias(value: string): string {
    const name = this.name("Identity");
    this.#nodes.push(makeNode("Identity", [value], [name]));
    return name;
  }

  /** A name for a value that is made elsewhere. @param kind is part of it */
  name(kind: string): string {
    return this.#once(`name ${this.#known.size}`, kind, () => {});
  }

  /** Adds a float32 constant. @param dims its shape @default one axis */
  floats(values: Float32Array, dims: readonly number[] = [values.length]): string {
    return this.#constant(values, dims);
  }

  /** Adds a float32 constant of ones. */
  ones(dims: readonly number[]): string {
    const count = dims.reduce((product, size) => product * size, 1);
    return this.#once(`ones [${dims}]`, "constant", (name) => {
      this.#initializers.push(makeTensor(name, dims, new Float32Array(count).fill(1)));
    });
  }

  /** Adds an int64 constant. @param dims its shape @default one axis */
  integers(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#constant(BigInt64Array.from(values, BigInt), dims);
  }

  /** Makes a value an output of the graph: outputs in the order in which they can be computed. */
  output(value: string, elemType: TensorProto_DataType): void {
    this.#outputs.set(value, elemType);
  }

  /**
   * Everything that the outputs need.
   *
   * @param wanted values that are needed, too, without being outputs
   *
   * ONNX Runtime runs what the last node without readers needs first, then what the one before it needs, and so on. So the
   * first output comes last here: outputs are computed in their order, each as soon as its inputs are there, and nothing
   * has to be kept for them until the end.
   */
  addition(wanted: Iterable<string> = []): Additions {
    const makers = new Map(this.#nodes.map((node) => [node.output[0]!, node]));
    const needed = new Set<string>();
    const nodes: NodeProto[] = [];
    const add = (name: string): void => {
      if (needed.has(name)) return;
      needed.add(name);
      const maker = makers.get(name);
      if (maker === undefined) return;
      for (const input of maker.input) add(input);
      nodes.push(maker);
    };
    for (const name of wanted) add(name);
    for (const output of [...this.#outputs.keys()].reverse()) add(output);
    return {
      nodes,
      initializers: this.#initializers.filter(({ name }) => needed.has(name)),
      needed,
      outputs: [...this.#outputs].map(([name, elemType]) => makeValueInfo(name, elemType)),
    };
  }

  #constant(values: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const kind = values.constructor.name;
    return this.#once(`${kind} [${dims}] ${values.join()}`, "constant", (name) => {
      this.#initializers.push(makeTensor(name, dims, values));
    });
  }

  #once(key: string, kind: string, add: (name: string) => void): string {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = `${this.prefix}/${kind}_${this.#known.size}`;
    this.#known.set(key, name);
    add(name);
    return name;
  }
}

function withBigints(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}
