import { type GraphProto, type ModelProto, type NodeProto, walkGraphs, withFields } from "@espalier/onnx";
import { pathOf } from "./read-nested.js";
import type { Reading } from "./reading.js";

/** The subgraphs and functions of a model without constants that were read another way. */
export class NestedGraphs {
  readonly #dropped: ReadonlySet<string>;
  readonly #names = new Map<object, ReadonlySet<string>>();

  constructor(proto: ModelProto, { nested, dropped }: Pick<Reading, "nested" | "dropped">) {
    this.#dropped = dropped;
    if (nested.size === 0) return;
    for (const scope of walkGraphs(proto)) {
      const names = nested.get(pathOf(scope));
      if (names !== undefined) this.#names.set((scope.graph ?? scope.function)!, names);
    }
  }

  /** The model with such subgraphs and functions; its main graph may be another than the one that was given, of the same nodes. */
  model(proto: ModelProto): ModelProto {
    if (this.#names.size === 0) return proto;
    const functions = proto.functions.map((body) => {
      const node = this.#nodes(withoutConstants(body.node, this.#names.get(body) ?? new Set()));
      return withFields(body, { node });
    });
    return withFields(proto, { functions, graph: withFields(proto.graph!, { node: this.#nodes(proto.graph!.node) }) });
  }

  #graph(graph: GraphProto): GraphProto {
    const names = this.#names.get(graph) ?? new Set();
    return withFields(graph, {
      node: this.#nodes(withoutConstants(graph.node, names)),
      initializer: graph.initializer.filter(({ name }) => !names.has(name)),
      valueInfo: graph.valueInfo.filter(({ name }) => !names.has(name) && !this.#dropped.has(name)),
    });
  }

  #nodes(nodes: readonly NodeProto[]): NodeProto[] {
    return nodes.map((node) => {
      if (!node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)) return node;
      const attribute = node.attribute.map((one) =>
        withFields(one, {
          ...(one.g && { g: this.#graph(one.g) }),
          graphs: one.graphs.map((graph) => this.#graph(graph)),
        }),
      );
      return withFields(node, { attribute });
    });
  }
}

/** Nodes but the `Constant` ones that put out some values. */
export function withoutConstants(nodes: readonly NodeProto[], names: ReadonlySet<string>): NodeProto[] {
  return nodes.filter(({ opType, output }) => opType !== "Constant" || !names.has(output[0] ?? ""));
}
