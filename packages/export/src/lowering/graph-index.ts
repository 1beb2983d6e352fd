import {
  type AttributeProto,
  type GraphProto,
  type Model,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
  walkGraphs,
} from "@espalier/onnx";

/** The first IR version in which an initializer may stand alone: before, every one is declared as an input too. */
const FREE_INITIALIZERS = 4n;

/** Who computes and who reads the values of a model's main graph. Answers are about the model as it was given. */
export class GraphIndex {
  readonly model: Model;
  /** Version of ONNX's own operators; 0 where the model imports none. */
  readonly opset: number;
  readonly nodes: readonly NodeProto[];
  readonly #graph: GraphProto | undefined;
  readonly #producers = new Map<string, NodeProto>();
  readonly #readers = new Map<string, NodeProto[]>();
  readonly #readElsewhere = new Set<string>();
  readonly #initializers = new Map<string, TensorProto>();
  readonly #inputs = new Map<string, ValueInfoProto>();
  readonly #declared = new Map<string, ValueInfoProto>();

  constructor(model: Model) {
    this.model = model;
    this.#graph = model.proto.graph;
    this.nodes = this.#graph?.node ?? [];
    const own = model.proto.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx");
    this.opset = Number(own?.version ?? 0n);
    this.#indexMain();
    this.#indexBelow();
  }

  /** The node that computes a value; undefined for inputs and initializers. */
  producer(value: string): NodeProto | undefined {
    return this.#producers.get(value);
  }

  /** Nodes of the main graph that read a value, one entry per input. */
  readers(value: string): readonly NodeProto[] {
    return this.#readers.get(value) ?? [];
  }

  /** Whether a value is an output of the graph or read inside a subgraph. */
  isReadElsewhere(value: string): boolean {
    return this.#readElsewhere.has(value);
  }

  /** The node that alone reads a value, at one input. */
  soleReader(value: string): NodeProto | undefined {
    const [reader, ...more] = this.readers(value);
    return more.length === 0 && !this.isReadElsewhere(value) ? reader : undefined;
  }

  /** The tensor behind a value that is the same in every run: of an initializer or a `Constant` node. */
  constant(value: string): TensorProto | undefined {
    const tensor = this.#initializers.get(value);
    if (tensor !== undefined) return this.isDefault(value) ? undefined : tensor;
    const node = this.producer(value);
    return node?.opType === "Constant" && isOnnx(node) ? attribute(node, "value")?.t : undefined;
  }

  /** The initializer of a name. */
  initializer(value: string): TensorProto | undefined {
    return this.#initializers.get(value);
  }

  /** The input that declares a value. */
  input(value: string): ValueInfoProto | undefined {
    return this.#inputs.get(value);
  }

  /** Whether an initializer is only the default of an input, which callers may feed with something else. */
  isDefault(value: string): boolean {
    return this.#inputs.has(value) && this.model.proto.irVersion >= FREE_INITIALIZERS;
  }

  /** The declared sizes of a value, undefined where a size is free; undefined as a whole where nothing is declared. */
  dims(value: string): readonly (number | undefined)[] | undefined {
    const type = this.#declared.get(value)?.type?.value;
    if (type?.case !== "tensorType" || type.value.shape === undefined) return undefined;
    return type.value.shape.dim.map(({ value }) => (value.case === "dimValue" ? Number(value.value) : undefined));
  }

  /** A text that no value of the model starts with. */
  freePrefix(wanted: string): string {
    const names = [...this.#producers.keys(), ...this.#initializers.keys(), ...this.#inputs.keys()];
    for (const { nodes, graph } of walkGraphs(this.model.proto)) {
      for (const { output } of nodes) names.push(...output);
      for (const { name } of [...(graph?.initializer ?? []), ...(graph?.input ?? [])]) names.push(name);
    }
    for (let number = 1; ; number++) {
      const prefix = number === 1 ? `${wanted}/` : `${wanted}${number}/`;
      if (!names.some((name) => name.startsWith(prefix))) return prefix;
    }
  }

  #indexMain(): void {
    for (const node of this.nodes) {
      for (const name of node.output) this.#producers.set(name, node);
      for (const name of node.input) {
        const readers = this.#readers.get(name);
        if (readers === undefined) this.#readers.set(name, [node]);
        else readers.push(node);
      }
    }
    const { initializer = [], input = [], output = [], valueInfo = [] } = this.#graph ?? {};
    for (const tensor of initializer) this.#initializers.set(tensor.name, tensor);
    for (const one of input) this.#inputs.set(one.name, one);
    for (const one of [...input, ...output, ...valueInfo]) this.#declared.set(one.name, one);
    for (const { name } of output) this.#readElsewhere.add(name);
  }

  /** A name that a subgraph defines anew is counted as well: that only keeps what could have gone. */
  #indexBelow(): void {
    for (const { path, graph, nodes } of walkGraphs(this.model.proto)) {
      if (path[0] !== "main" || path.length === 1) continue;
      for (const { input } of nodes) for (const name of input) this.#readElsewhere.add(name);
      for (const { name } of graph?.output ?? []) this.#readElsewhere.add(name);
    }
  }
}

/** Whether a node is one of ONNX's own operators. */
export function isOnnx({ domain }: NodeProto): boolean {
  return domain === "" || domain === "ai.onnx";
}

/** The attribute of a name. */
export function attribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((one) => one.name === name);
}

/** The integer attribute of a name, or what the operator's specification says where it is absent. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = attribute(node, name);
  return found === undefined ? fallback : Number(found.i);
}

/** The float attribute of a name, or what the operator's specification says where it is absent. */
export function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return attribute(node, name)?.f ?? fallback;
}

/** What to call a node in a sentence: `MatMul "/encoder/MatMul"`. */
export function describeNode(node: NodeProto): string {
  const name = node.name || node.output.find((one) => one !== "") || "";
  return `${node.opType} ${JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)}`;
}
