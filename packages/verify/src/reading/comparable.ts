import { type GraphProto, type ModelProto, type NodeProto, withFields } from "@espalier/onnx";
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
export function comparable(original: ModelProto, { model, tensors, dropped }: Reading): Comparable {
  const judged = model.proto;
  if (tensors.size === 0 || original.graph === undefined || judged.graph === undefined) {
    return { original, judged, notes: [] };
  }
  const read = new Set(tensors.keys());
  const before = without(original.graph, read);
  const after = without(judged.graph, new Set([...read, ...dropped]));
  const graph = withFields(after, {
    node: inOrderOf(before.node, withGroups(before.node, after.node, tensors), ({ output }) => output[0] ?? ""),
    initializer: inOrderOf(before.initializer, after.initializer, ({ name }) => name),
  });
  const raised = raisedVersions(original, judged);
  return {
    original: withFields(original, { graph: before }),
    judged: withFields(judged, { graph, irVersion: raised.irVersion, opsetImport: raised.opsetImport }),
    notes: raised.notes,
  };
}

function without(graph: GraphProto, names: ReadonlySet<string>): GraphProto {
  const isOther = ({ name }: { name: string }): boolean => !names.has(name);
  return withFields(graph, {
    node: graph.node.filter(({ opType, output }) => opType !== "Constant" || !names.has(output[0] ?? "")),
    initializer: graph.initializer.filter(isOther),
    input: graph.input.filter(isOther),
    valueInfo: graph.valueInfo.filter(isOther),
  });
}

/** What both lists have in the order of the first, then what only the second has. */
function inOrderOf<T extends NodeProto | object>(first: readonly T[], second: readonly T[], keyOf: (one: T) => string) {
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

/** A depthwise convolution that lost channels has as many groups as are left. */
function withGroups(
  before: readonly NodeProto[],
  after: readonly NodeProto[],
  tensors: Reading["tensors"],
): readonly NodeProto[] {
  const originals = new Map(before.map((node) => [node.output[0], node]));
  const groupOf = (node: NodeProto | undefined) => node?.attribute.find(({ name }) => name === "group");
  return after.map((node) => {
    const channels = tensors.get(node.input[1] ?? "")?.dims?.[0];
    const [was, is] = [groupOf(originals.get(node.output[0])), groupOf(node)];
    if (node.opType !== "Conv" || was === undefined || is === undefined || Number(is.i) !== channels) return node;
    return withFields(node, { attribute: node.attribute.map((one) => (one === is ? was : one)) });
  });
}

function raisedVersions(original: ModelProto, judged: ModelProto) {
  const isOwn = ({ domain }: { domain: string }): boolean => domain === "" || domain === "ai.onnx";
  const before = original.opsetImport.find(isOwn);
  const after = judged.opsetImport.find(isOwn);
  const isNewer = judged.irVersion > original.irVersion;
  const isRaised = before !== undefined && after !== undefined && after.version > before.version;
  return {
    irVersion: isNewer ? original.irVersion : judged.irVersion,
    opsetImport: isRaised ? judged.opsetImport.map((one) => (one === after ? before : one)) : judged.opsetImport,
    notes: isRaised ? [`ONNX's operators are of version ${after.version} instead of ${before.version}`] : [],
  };
}
