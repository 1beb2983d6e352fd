import type { ByteSource } from "./byte-source.js";
import { Cursor } from "./cursor.js";
import { WireType } from "./proto.js";
import { skipField } from "./skip-field.js";
import type { MessageSpan, Span } from "./tensor-location.js";

/** Field numbers of `ModelProto` that a rewrite touches. */
export const ModelField = { irVersion: 1, graph: 7, opsetImport: 8, functions: 25 } as const;

/** Field numbers of `GraphProto` that a rewrite touches. */
export const GraphField = { node: 1, initializer: 5, input: 11, sparseInitializer: 15 } as const;

/** A record in a message: from its tag to its end. */
export interface RecordSpan extends Span {
  readonly message: MessageSpan;
}

/** The records of a model file that a rewrite of its main graph touches, each list in the order of the decoded one. */
export interface GraphRecords {
  /** Records of `ModelProto.ir_version`; of several the last counts. */
  readonly irVersion: readonly Span[];
  readonly opsetImport: readonly Span[];
  /** The main graph; in several parts where it was appended to. */
  readonly graph: readonly MessageSpan[];
  readonly node: readonly RecordSpan[];
  readonly initializer: readonly RecordSpan[];
  readonly input: readonly RecordSpan[];
  readonly sparseInitializer: readonly RecordSpan[];
}

/**
 * Finds the records in a model file that `decodeModel` has read, so its wire format is known to be sound. Their contents
 * are jumped over.
 */
export function graphRecords(source: ByteSource): GraphRecords {
  const lists = { irVersion: [] as Span[], opsetImport: [] as Span[], graph: [] as MessageSpan[] };
  const parts = {
    node: [] as RecordSpan[],
    initializer: [] as RecordSpan[],
    input: [] as RecordSpan[],
    sparseInitializer: [] as RecordSpan[],
  };
  const cursor = new Cursor(source);
  forEachField(cursor, source.size, 1, (field, span, content) => {
    if (field === ModelField.irVersion) lists.irVersion.push(span);
    if (field === ModelField.opsetImport) lists.opsetImport.push(span);
    if (field !== ModelField.graph) return;
    const message: MessageSpan = { at: content.at, start: content.start, end: span.end, parent: undefined };
    lists.graph.push(message);
    cursor.position = message.start;
    forEachField(cursor, message.end, 2, (inner, { start, end }) => {
      for (const name of ["node", "initializer", "input", "sparseInitializer"] as const) {
        if (inner === GraphField[name]) parts[name].push({ start, end, message });
      }
    });
  });
  return { ...lists, ...parts };
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
    const stop = cursor.position;
    visit(tag >>> 3, { start, end: stop }, content);
    cursor.position = stop;
  }
}
