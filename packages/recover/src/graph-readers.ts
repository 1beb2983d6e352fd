import { type Model, type NodeProto, walkGraphs } from "@espalier/onnx";

/** Nodes that read a value, once for each input, by the value's name; those of subgraphs included. */
export function graphReaders(model: Model): ReadonlyMap<string, readonly NodeProto[]> {
  const readers = new Map<string, NodeProto[]>();
  for (const { nodes } of walkGraphs(model.proto)) {
    for (const node of nodes) {
      for (const name of node.input) {
        const known = readers.get(name);
        if (known) known.push(node);
        else readers.set(name, [node]);
      }
    }
  }
  return readers;
}
