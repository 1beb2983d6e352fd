import { type GraphProto, type Model, type ModelProto, type NodeProto, withFields } from "@espalier/onnx";
import { addedBiases } from "./folded-biases.js";
import { MainGraph } from "./main-graph.js";
import { NestedGraphs, withoutConstants } from "./nested-graphs.js";
import { loweredVersions } from "./raised-nodes.js";
import type { Reading } from "./reading.js";

/** Two models as far as the reading of weights leaves them to be compared. */
export interface Comparable {
  readonly original: ModelProto;
  readonly judged: ModelProto;
  /** What encoded weights need and is let pass, for the reader to know. */
  readonly notes: readonly string[];
}

/**
 * Takes out of both models what was read another way: the tensors that were made dense, and declarations of values that only
 * decoders and lowered operators have. Nodes and initializers that both models have are put into the original's order, which
 * says nothing about what they compute. Versions may be newer where weights are encoded: decoders need them.
 *
 * A judged model whose weights are all stored as they were is compared as it is.
 */
export function comparable(original: Model, reading: Reading): Comparable {
  const [{ proto }, { proto: judged }] = [original, reading.model];
  if (reading.tensors.size === 0 || proto.graph === undefined || judged.graph === undefined) {
    return { original: proto, judged, notes: [] };
  }
  const [before, after] = [new MainGraph(original), new MainGraph(reading.model)];
  const read = new Set([...reading.tensors].flatMap(([key, { name }]) => (key === name ? [name] : [])));
  const raised = loweredVersions(before, after);
  const biases = addedBiases(before, after, reading);
  const gone = new Set([...read, ...reading.dropped, ...raised.constants, ...biases.constants]);
  const nodes = new Map([...raised.nodes, ...biases.nodes]);
  const [inBefore, inAfter] = [proto, judged].map((one) => new NestedGraphs(one, reading));
  const graphs = [without(proto.graph, read), without(judged.graph, gone)] as const;
  const versions = raisedVersions(proto, judged);
  return {
    original: inBefore!.model(withFields(proto, { graph: graphs[0] })),
    judged: inAfter!.model(withFields(judged, { graph: inOrder(...graphs, nodes), ...versions.fields })),
    notes: [...versions.notes, ...biases.notes],
  };
}

function inOrder(before: GraphProto, after: GraphProto, changed: ReadonlyMap<NodeProto, NodeProto>): GraphProto {
  const nodes = after.node.map((node) => changed.get(node) ?? node);
  return withFields(after, {
    node: inOrderOf(before.node, nodes, ({ output }) => output[0] ?? ""),
    initializer: inOrderOf(before.initializer, after.initializer, ({ name }) => name),
  });
}

function without(graph: GraphProto, names: ReadonlySet<string>): GraphProto {
  const isOther = ({ name }: { name: string }): boolean => !names.has(name);
  return withFields(graph, {
    node: withoutConstants(graph.node, names),
    initializer: graph.initializer.filter(isOther),
    input: graph.input.filter(isOther),
    valueInfo: graph.valueInfo.filter(isOther),
  });
}

/** What both lists have in the order of the first, then what only the second has. */
function inOrderOf<T extends object>(first: readonly T[], second: readonly T[], keyOf: (one: T) => string): T[] {
  const rest = new Map(second.map((one) => [keyOf(one), one]));
  if (rest.size < second.length) return [...second]; // keys that are not unique: nothing can be said about their order
  const shared = first.flatMap((one) => {
    const key = keyOf(one);
    const found = rest.get(key);
    rest.delete(key);
    return found === undefined ? [] : [found];
  });
  return [...shared, ...rest.values()];
}

function raisedVersions(original: ModelProto, judged: ModelProto) {
  const isOwn = ({ domain }: { domain: string }): boolean => domain === "" || domain === "ai.onnx";
  const before = original.opsetImport.find(isOwn);
  const after = judged.opsetImport.find(isOwn);
  const isNewer = judged.irVersion > original.irVersion;
  const isRaised = before !== undefined && after !== undefined && after.version > before.version;
  return {
    fields: {
      irVersion: isNewer ? original.irVersion : judged.irVersion,
      opsetImport: isRaised ? judged.opsetImport.map((one) => (one === after ? before : one)) : judged.opsetImport,
    },
    notes: isRaised ? [`ONNX's operators are of version ${after.version} instead of ${before.version}`] : [],
  };
}
