import type { GraphProto, NodeProto, ValueInfoProto } from "@espalier/onnx";
import { changed } from "../changed.js";
import type { Measuring } from "../measuring.js";
import type { Measured, WayOut } from "./way-out.js";

/** Where the values of a subgraph go. */
export interface Exit {
  readonly scope: GraphScope;
  readonly way: WayOut;
  /** The attribute that holds the subgraph. */
  readonly subgraph: string;
}

/** What a subgraph gets in addition to what is measured in it: inputs and outputs at a place in the lists. */
export interface Openings {
  readonly inputs?: { readonly at: number; readonly values: readonly ValueInfoProto[] };
  readonly outputs: { readonly at: number; readonly values: readonly ValueInfoProto[] };
}

/** A graph in which the inputs of weights are measured: the main graph, or a subgraph of an If, Loop or Scan. */
export class GraphScope {
  readonly graph: GraphProto;
  /** For nodes that hold subgraphs. */
  readonly ways: ReadonlyMap<NodeProto, WayOut>;
  readonly #measuring: () => Measuring;
  readonly #exit: Exit | undefined;
  #made: Measuring | undefined;

  /**
   * @param measuring makes what is needed to measure, when it is needed
   * @param ways filled later: subgraphs know the graph around them
   * @param exit where values go; none from the main graph
   */
  constructor(graph: GraphProto, measuring: () => Measuring, ways: ReadonlyMap<NodeProto, WayOut>, exit?: Exit) {
    this.graph = graph;
    this.ways = ways;
    this.#measuring = measuring;
    this.#exit = exit;
  }

  /** What is added to this graph, and what is known of it. */
  measuring(): Measuring {
    this.#made ??= this.#measuring();
    return this.#made;
  }

  /**
   * Brings a value out to the main graph: the sum over all times that this graph runs.
   *
   * @param value an entry for each of `length`, of any shape
   * @returns its name there
   * @throws {Unmeasurable}
   */
  leave(value: Measured): string {
    const { graph } = this.measuring();
    // As many as they have to be: anything else stops the run.
    return this.#leave({ ...value, name: graph.op("Reshape", [value.name, graph.integers([value.length])]) });
  }

  #leave(value: Measured): string {
    if (this.#exit === undefined) return value.name;
    const { scope, way, subgraph } = this.#exit;
    return scope.#leave(way.carry(value, subgraph));
  }

  /** Nodes that have to be replaced, so that values of their subgraphs come out. @param needed values of this graph that are read */
  replaced(needed: ReadonlySet<string>): ReadonlyMap<NodeProto, readonly NodeProto[]> {
    const replaced = new Map<NodeProto, readonly NodeProto[]>();
    for (const [node, way] of this.ways) {
      const nodes = way.rebuilt(needed);
      if (nodes.length !== 1 || nodes[0] !== node) replaced.set(node, nodes);
    }
    return replaced;
  }

  /** The graph with everything that its new outputs need. */
  rebuilt({ inputs, outputs }: Openings): GraphProto {
    const { graph } = this;
    const { nodes, initializers, needed } = this.measuring().graph.addition(outputs.values.map(({ name }) => name));
    const replaced = this.replaced(needed);
    return changed(graph, {
      node: [...graph.node.flatMap((node) => replaced.get(node) ?? [node]), ...nodes],
      initializer: [...graph.initializer, ...initializers],
      ...(inputs && { input: graph.input.toSpliced(inputs.at, 0, ...inputs.values) }),
      output: graph.output.toSpliced(outputs.at, 0, ...outputs.values),
    });
  }
}
