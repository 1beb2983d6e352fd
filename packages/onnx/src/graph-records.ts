import type { ByteSource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { WireType } from "./proto.js";
import { skipField } from "./skip-field.js";
import type { MessageSpan, Span } from "./tensor-location.js";

/** Field numbers of `ModelProto` that a rewrite touches. */
export const ModelField = { irVersion: 1, graph: 7, opsetImport: 8, functions: 25 } as const;

/** Field numbers of `GraphProto` that a rewrite touches. */
export const GraphField = { node: 1, initializer: 5, input: 11, valueInfo: 13, sparseInitializer: 15 } as const;

/** The field number of `FunctionProto` that a rewrite touches. */
export const FunctionField = { node: 7 } as const;

/** Field numbers on the way from a node to its subgraphs. */
const NodeField = { attribute: 5 } as const;
const AttributeField = { g: 6, graphs: 11 } as const;

/** A length-delimited record in a message: from its tag to its end. */
export interface RecordSpan extends Span {
  /** The message that it is in. */
  readonly message: MessageSpan;
  /** The message that it holds. */
  readonly content: MessageSpan;
}

/** The records of a model file that a rewrite touches, each list in the order of the decoded one. */
export interface ModelRecords {
  /** Records of `ModelProto.ir_version`; of several the last counts. */
  readonly irVersion: readonly Span[];
  readonly opsetImport: readonly Span[];
  /** The main graph; in several parts where it was appended to. */
  readonly graph: readonly MessageSpan[];
  readonly functions: readonly MessageSpan[];
}

/** The records of a graph or of a function's body, each list in the order of the decoded one. */
export interface BodyRecords {
  /** What they are in: one message, but for a main graph that was appended to. */
  readonly messages: readonly MessageSpan[];
  readonly node: readonly RecordSpan[];
  readonly initializer: readonly RecordSpan[];
  readonly input: readonly RecordSpan[];
  readonly sparseInitializer: readonly RecordSpan[];
}

/** Which of a node's subgraphs. */
export interface SubgraphIndex {
  readonly attribute: number;
  /** Place in `AttributeProto.graphs`; absent for `AttributeProto.g`. */
  readonly graph?: number | undefined;
}

/**
 * Finds the records in a model file that `decodeModel` has read, so its wire format is known to be sound. Their contents
 * are jumped over, here and in the functions below.
 */
export function modelRecords(source: ByteSource): ModelRecords {
  const lists = { irVersion: [] as Span[], opsetImport: [] as Span[] };
  const messages = { graph: [] as MessageSpan[], functions: [] as MessageSpan[] };
  forEachField(new Cursor(source), source.size, 1, (field, span, content) => {
    for (const name of ["irVersion", "opsetImport"] as const) if (field === ModelField[name]) lists[name].push(span);
    for (const name of ["graph", "functions"] as const) {
      if (field === ModelField[name]) messages[name].push({ ...content, end: span.end, parent: undefined });
    }
  });
  return { ...lists, ...messages };
}

/** Finds the records of a body whose nodes and the like have these field numbers. */
export function bodyRecords(
  source: ByteSource,
  messages: readonly MessageSpan[],
  fields: { readonly node: number } & { readonly [name in keyof typeof GraphField]?: number },
): BodyRecords {
  const listOf = (name: keyof typeof GraphField) =>
    messages.flatMap((message) => records(source, message, fields[name]));
  return {
    messages,
    node: listOf("node"),
    initializer: listOf("initializer"),
    input: listOf("input"),
    sparseInitializer: listOf("sparseInitializer"),
  };
}

/** Finds a subgraph in a node. */
export function subgraphMessage(
  source: ByteSource,
  node: RecordSpan,
  { attribute, graph }: SubgraphIndex,
): MessageSpan {
  const { content } = records(source, node.content, NodeField.attribute)[attribute]!;
  const field = graph === undefined ? AttributeField.g : AttributeField.graphs;
  return records(source, content, field)[graph ?? 0]!.content;
}

function records(source: ByteSource, message: MessageSpan, wanted: number | undefined): RecordSpan[] {
  const found: RecordSpan[] = [];
  if (wanted === undefined) return found;
  forEachField(new Cursor(source, message.start), message.end, depthOf(message), (field, { start, end }, content) => {
    if (field === wanted) found.push({ start, end, message, content: { ...content, end, parent: message } });
  });
  return found;
}

function depthOf({ parent }: MessageSpan): number {
  return parent === undefined ? 2 : 1 + depthOf(parent);
}

/**
 * Visits the fields of a message, tag to end. `content` of a length-delimited one: where its length prefix is and where its
 * bytes start.
 */
function forEachField(
  cursor: Cursor,
  end: number,
  depth: number,
  visit: (field: number, span: Span, content: { at: number; start: number }) => void,
): void {
  while (cursor.position < end) {
    const start = cursor.position;
    const tag = cursor.tag(end);
    const at = cursor.position;
    let content = { at, start: at };
    if ((tag & 7) === WireType.LengthDelimited) {
      const length = cursor.length(end);
      content = { at, start: cursor.position };
      cursor.position += length;
    } else skipField(cursor, tag, start, end, depth);
    visit(tag >>> 3, { start, end: cursor.position }, content);
  }
}
