import type { NodeProto, TensorProto, ValueInfoProto } from "@espalier/onnx";
import type { GraphIndex } from "./graph-index.js";

/** What of a graph nobody needs any more. */
export interface Unread {
  readonly nodes: ReadonlySet<NodeProto>;
  readonly initializers: ReadonlySet<TensorProto>;
  /** Inputs that only declare one of these initializers, as models before IR version 4 do. */
  readonly inputs: ReadonlySet<ValueInfoProto>;
}

/**
 * What is left without a reader when nodes go: initializers, and nodes that computed only for them (the Transpose before a
 * weight). What nobody read before stays: it is none of this rewrite's business.
 *
 * @param gone nodes of the main graph that are replaced
 * @param stillRead values that their replacements read
 */
export function unreadWithout(gone: ReadonlySet<NodeProto>, stillRead: ReadonlySet<string>, index: GraphIndex): Unread {
  const nodes = new Set<NodeProto>();
  const initializers = new Set<TensorProto>();
  const inputs = new Set<ValueInfoProto>();
  const isRead = (value: string): boolean =>
    stillRead.has(value) ||
    index.isReadElsewhere(value) ||
    index.readers(value).some((reader) => !gone.has(reader) && !nodes.has(reader));
  const waiting = [...gone].flatMap(({ input }) => input);
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (value === "" || isRead(value)) continue;
    const tensor = index.initializer(value);
    if (tensor !== undefined && !index.isDefault(value)) {
      initializers.add(tensor);
      const input = index.input(value);
      if (input !== undefined) inputs.add(input);
    }
    const producer = index.producer(value);
    if (producer === undefined || gone.has(producer) || producer.output.some((name) => name !== "" && isRead(name)))
      continue;
    nodes.add(producer);
    waiting.push(...producer.input);
  }
  return { nodes, initializers, inputs };
}
