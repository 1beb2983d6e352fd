import { type GraphRewrite, makeNode, type NewTensor, type NodeProto, TensorProto_DataType } from "@espalier/onnx";
import type { GraphIndex } from "../lowering/graph-index.js";

/** What becomes of a node: the names it reads and computes, and what comes behind it. */
interface NodeEdit {
  readonly inputs: string[];
  readonly outputs: string[];
  readonly after: NodeProto[];
  /** Integer attributes with other values. */
  readonly integers: Map<string, number>;
}

/** A constant that takes the place of another one. */
export interface NewConstant {
  readonly dims: readonly number[];
  readonly compute: () => Float32Array;
}

/** Collects changes of single nodes and constants of a main graph until they are carried out together. */
export class GraphEdits {
  readonly #index: GraphIndex;
  readonly #prefix: string;
  readonly #nodes = new Map<NodeProto, NodeEdit>();
  readonly #initializers: NewTensor[] = [];
  readonly #replaced = new Set<string>();
  #names = 0;

  /** @param prefix starts every new name; no value of the model may start with it */
  constructor(index: GraphIndex, prefix: string) {
    this.#index = index;
    this.#prefix = prefix;
  }

  /** Whether nothing about a node has been changed. */
  isUntouched(node: NodeProto): boolean {
    return !this.#nodes.has(node);
  }

  /** Whether there is nothing to carry out. */
  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  /** Gives a node another constant: under the old name where no other node reads that, otherwise, or without one, a new name. */
  setConstant(node: NodeProto, input: number, constant: NewConstant): void {
    const edit = this.#edit(node);
    const old = edit.inputs[input] ?? "";
    const isOwn = old !== "" && this.#index.soleReader(old) === node;
    const name = isOwn ? old : this.#newName(old === "" ? `${node.output[0]}/bias` : old);
    if (isOwn) this.#replaced.add(old);
    this.#initializers.push(newTensor(name, constant));
    while (edit.inputs.length < input) edit.inputs.push("");
    edit.inputs[input] = name;
  }

  /** Adds a constant to what a node computes. */
  addBehind(node: NodeProto, constant: NewConstant): void {
    const edit = this.#edit(node);
    const output = edit.outputs[0]!;
    const product = this.#newName(`${output}/product`);
    const addend = this.#newName(`${output}/addend`);
    this.#initializers.push(newTensor(addend, constant));
    edit.outputs[0] = product;
    edit.after.push(makeNode("Add", [product, addend], [output]));
  }

  /** Calls a value by a new name at all nodes that compute or read it; no subgraph and no output of the model may name it. */
  rename(value: string): void {
    const name = this.#newName(value);
    const producer = this.#index.producer(value);
    for (const node of new Set([...(producer ? [producer] : []), ...this.#index.readers(value)])) {
      const { inputs, outputs, after } = this.#edit(node);
      for (const names of [inputs, outputs, ...after.map(({ output }) => output)]) {
        for (const [at, one] of names.entries()) if (one === value) names[at] = name;
      }
    }
  }

  /** Gives an integer attribute another value. */
  setInteger(node: NodeProto, attribute: string, value: number): void {
    this.#edit(node).integers.set(attribute, value);
  }

  /** Marks a node as taken, so that {@link isUntouched} says no. */
  touch(node: NodeProto): void {
    this.#edit(node);
  }

  /** The changes. */
  rewrite(): GraphRewrite {
    const replace = new Map<NodeProto, readonly NodeProto[]>();
    for (const [node, edit] of this.#nodes) {
      if (isChanged(node, edit)) replace.set(node, [nodeLike(node, edit), ...edit.after]);
    }
    const replaced = [...this.#replaced];
    for (const name of replaced) {
      // A `Constant` node gives way to an initializer of its name.
      const node = this.#index.producer(name);
      if (node !== undefined) replace.set(node, []);
    }
    return {
      replace,
      remove: new Set(replaced.flatMap((name) => this.#index.initializer(name) ?? [])),
      removeInputs: new Set(replaced.flatMap((name) => this.#index.input(name) ?? [])),
      initializers: this.#initializers,
    };
  }

  #edit(node: NodeProto): NodeEdit {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const edit = { inputs: [...node.input], outputs: [...node.output], after: [], integers: new Map() };
    this.#nodes.set(node, edit);
    return edit;
  }

  #newName(like: string): string {
    this.#names += 1;
    return `${this.#prefix}${like}#${this.#names}`;
  }
}

function newTensor(name: string, { dims, compute }: NewConstant): NewTensor {
  const data = (): Uint8Array => {
    const { buffer, byteOffset, byteLength } = compute();
    return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
  };
  return { name, dataType: TensorProto_DataType.FLOAT, dims, data };
}

function isChanged(node: NodeProto, { inputs, outputs, after, integers }: NodeEdit): boolean {
  const same = (a: readonly string[], b: readonly string[]) =>
    a.length === b.length && a.every((name, at) => name === b[at]);
  return after.length > 0 || integers.size > 0 || !same(node.input, inputs) || !same(node.output, outputs);
}

/** The same node with other names and integers. */
function nodeLike(node: NodeProto, { inputs, outputs, integers }: NodeEdit): NodeProto {
  const values = Object.fromEntries([...integers].map(([name, value]) => [name, BigInt(value)]));
  const copy = makeNode(node.opType, inputs, outputs, values, { name: node.name, domain: node.domain });
  copy.attribute = [...node.attribute.filter(({ name }) => !integers.has(name)), ...copy.attribute];
  copy.docString = node.docString;
  copy.overload = node.overload;
  copy.metadataProps = node.metadataProps;
  return copy;
}
