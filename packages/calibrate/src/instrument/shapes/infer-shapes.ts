import type { GraphProto, Model, NodeProto, ValueInfoProto } from "@espalier/onnx";
import { intOf, intsOf, textOf } from "../attributes.js";
import { operatorName, opsetOf } from "../opset.js";
import { declaredDims } from "./declared-dims.js";
import { type Dim, fixed, keyOf, type Shape, sizeOf } from "./dim.js";
import { type KnownValue, knownConstant, knownTensor } from "./known-value.js";
import type { RuleInput } from "./rule.js";
import { RULES } from "./rules/rules.js";
import { Symbols } from "./symbols.js";
import { inputShape, type TokenAxes, tokenAxes } from "./token-axes.js";

/** What is known of the shapes of values in a graph before the model runs. */
export interface Shapes {
  /** Undefined where not even the rank is known. */
  of(value: string): Shape | undefined;
  readonly symbols: Symbols;
  /** Present when a mask was given that is declared with two dims. */
  readonly tokens?: TokenAxes;
  /**
   * Shapes in a subgraph of one of the graph's nodes.
   *
   * @param inputs shapes of the subgraph's inputs; undefined = no more than what it declares
   */
  inside(subgraph: GraphProto, inputs?: readonly (Shape | undefined)[]): Shapes;
}

/**
 * Follows shapes from the inputs and constants through the main graph. Sizes that are known only when the model runs have
 * names; two sizes of one name are equal then. Shapes that the file states (`value_info`) fill gaps.
 *
 * @param mask an input of the model, `[batch, seq]`, whose axes are to be recognised
 */
export function inferShapes(model: Model, mask?: ValueInfoProto): Shapes {
  const { graph } = model.proto;
  const tokens = mask && tokenAxes(mask);
  const inference = new Inference(model, tokens, graph);
  for (const input of graph?.input ?? []) {
    const shape = inputShape(input, inference.symbols, tokens && mask);
    if (shape) inference.set(input.name, { shape });
  }
  inference.followAll(graph);
  return inference;
}

class Inference implements Shapes {
  readonly symbols: Symbols;
  declare readonly tokens?: TokenAxes;
  readonly #model: Model;
  readonly #values = new Map<string, KnownValue>();
  readonly #stated: ReadonlyMap<string, ValueInfoProto>;
  /** The graph around this one. */
  readonly #outer: Inference | undefined;
  /** Names that mean something else there. */
  readonly #hidden: ReadonlySet<string>;

  constructor(model: Model, tokens: TokenAxes | undefined, graph: GraphProto | undefined, outer?: Inference) {
    this.#model = model;
    if (tokens) this.tokens = tokens;
    this.#stated = new Map(graph?.valueInfo.map((info) => [info.name, info]));
    this.symbols = outer?.symbols ?? new Symbols();
    this.#outer = outer;
    this.#hidden = new Set(outer && graph ? namesIn(graph) : []);
  }

  of(value: string): Shape | undefined {
    return this.#valueOf(value)?.shape;
  }

  inside(subgraph: GraphProto, inputs: readonly (Shape | undefined)[] = []): Shapes {
    const inner = new Inference(this.#model, this.tokens, subgraph, this);
    for (const [index, input] of subgraph.input.entries()) {
      const shape = inputs[index] ?? declaredDims(input)?.map((dim) => inner.#statedDim(dim));
      if (shape) inner.set(input.name, { shape });
    }
    inner.followAll(subgraph);
    return inner;
  }

  set(name: string, value: KnownValue): void {
    this.#values.set(name, value);
  }

  followAll(graph: GraphProto | undefined): void {
    for (const tensor of graph?.initializer ?? []) this.set(tensor.name, knownTensor(this.#model, tensor));
    for (const node of graph?.node ?? []) this.#follow(node);
  }

  #valueOf(name: string): KnownValue | undefined {
    const own = this.#values.get(name);
    if (own !== undefined || this.#outer === undefined || this.#hidden.has(name)) return own;
    return this.#outer.#valueOf(name);
  }

  #follow(node: NodeProto): void {
    const found = node.opType === "Constant" ? [knownConstant(this.#model, node)] : this.#ruled(node);
    for (const [index, name] of node.output.entries()) {
      if (name === "") continue;
      const value = found[index];
      const shape = this.#completed(value?.shape, this.#stated.get(name));
      if (shape) this.set(name, { ...value, shape });
    }
  }

  #ruled(node: NodeProto): readonly (KnownValue | undefined)[] {
    const value = (input: number) => this.#valueOf(node.input[input] ?? "");
    const rule = RULES.get(operatorName(node));
    const input: RuleInput = {
      node,
      opset: opsetOf(this.#model),
      symbols: this.symbols,
      known: this.tokens?.sizes ?? new Map(),
      value,
      shape: (index) => value(index)?.shape,
      entries: (index) => value(index)?.entries,
      numbers: (index) => {
        const sizes = value(index)?.entries?.values.map(sizeOf);
        return sizes?.every((size) => size !== undefined) ? sizes : undefined;
      },
      int: (name, fallback) => intOf(node, name, fallback),
      ints: (name) => intsOf(node, name),
      text: (name) => textOf(node, name),
      broadcast: (a, b) => this.#broadcast(a, b),
    };
    return rule?.(input) ?? [];
  }

  /** Where both sizes are not 1 they are equal, so either may be taken: the one that says more. */
  #broadcast(a: Dim, b: Dim): Dim {
    if (keyOf(a) === keyOf(b) || sizeOf(b) === 1) return a;
    if (sizeOf(a) === 1) return b;
    return this.#worth(b) > this.#worth(a) ? b : a;
  }

  #worth(dim: Dim): number {
    const { tokens, symbols } = this;
    if (tokens && dim.some((factor) => factor === tokens.batch || factor === tokens.seq)) return 3;
    if (sizeOf(dim) !== undefined) return 2;
    return symbols.isFresh(dim) ? 0 : 1;
  }

  /** What was found, with gaps filled by what the file states. */
  #completed(found: Shape | undefined, stated: ValueInfoProto | undefined): Shape | undefined {
    const dims = stated && declaredDims(stated);
    if (dims === undefined || (found && found.length !== dims.length)) return found;
    return dims.map((dim, axis) => {
      const known = found?.[axis];
      if (known && !this.symbols.isFresh(known)) return known;
      return typeof dim === "string" && known ? known : this.#statedDim(dim);
    });
  }

  /** In a subgraph a name may stand for another size at each step of a Loop, so that it says nothing. */
  #statedDim(dim: number | string): Dim {
    if (typeof dim === "number") return fixed(dim);
    return dim === "" || this.#outer ? this.symbols.fresh() : [dim];
  }
}

/** Names of all values that a graph defines. */
function namesIn(graph: GraphProto): readonly string[] {
  const tensors = [...graph.initializer, ...graph.sparseInitializer.flatMap(({ values }) => values ?? [])];
  return [...graph.input, ...tensors].map(({ name }) => name).concat(graph.node.flatMap(({ output }) => output));
}
