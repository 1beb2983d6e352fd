import type { Model, NodeProto, TensorProto } from "@espalier/onnx";
import { isOnnxOperator } from "./operators.js";

/** A node that reads a value, and at which of its inputs. */
export interface ReaderAt {
  readonly node: NodeProto;
  readonly input: number;
}

/** Who defines and who reads the values of a main graph. */
export class MainGraph {
  readonly model: Model;
  readonly nodes: readonly NodeProto[];
  readonly producers = new Map<string, NodeProto>();
  readonly readers = new Map<string, ReaderAt[]>();
  /** Tensors that are stored as they are: initializers and those of `Constant` nodes. */
  readonly tensors = new Map<string, TensorProto>();
  /** Names of sparse initializers. */
  readonly sparse: ReadonlySet<string>;
  readonly inputs: ReadonlySet<string>;
  readonly outputs: ReadonlySet<string>;

  constructor(model: Model) {
    const { node = [], initializer = [], sparseInitializer = [], input = [], output = [] } = model.proto.graph ?? {};
    this.model = model;
    this.nodes = node;
    for (const tensor of initializer) this.tensors.set(tensor.name, tensor);
    for (const one of node) this.#add(one);
    this.sparse = new Set(sparseInitializer.map(({ values }) => values?.name ?? ""));
    this.inputs = new Set(input.map(({ name }) => name));
    this.outputs = new Set(output.map(({ name }) => name));
  }

  #add(node: NodeProto): void {
    for (const name of node.output) this.producers.set(name, node);
    for (const [input, name] of node.input.entries()) {
      const readers = this.readers.get(name);
      if (readers === undefined) this.readers.set(name, [{ node, input }]);
      else readers.push({ node, input });
    }
    const value = constantTensor(node);
    if (value !== undefined) this.tensors.set(node.output[0]!, value);
  }

  /** Whether the graph has a value of this name, however it comes about. */
  defines(name: string): boolean {
    return this.tensors.has(name) || this.producers.has(name) || this.sparse.has(name) || this.inputs.has(name);
  }

  /** The node that puts out the same value as a node of another model and is of the same operator. */
  counterpart(node: NodeProto): NodeProto | undefined {
    const own = this.producers.get(node.output[0] ?? "");
    return own?.opType === node.opType && own.domain === node.domain ? own : undefined;
  }
}

/** The dense tensor that a `Constant` node holds. */
export function constantTensor(node: NodeProto): TensorProto | undefined {
  if (!isOnnxOperator(node, "Constant") || node.output.length === 0) return undefined;
  return node.attribute.find(({ name }) => name === "value")?.t;
}
