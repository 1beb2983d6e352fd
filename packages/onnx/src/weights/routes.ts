import type { NodeProto } from "../proto.js";
import type { CallFrame, Place } from "./call-frame.js";
import type { ScopeIndex } from "./index-scopes.js";
import { describeNode, functionKey, normalDomain, quote } from "./node-names.js";
import type { Reader } from "./scope.js";

/** Calls inside calls that are followed; recursion is not allowed in ONNX, and exporters nest modules some ten deep. */
const MAX_CALL_DEPTH = 64;

/** A value by the name it has somewhere. */
export interface Location {
  readonly place: Place;
  readonly name: string;
}

/** Where values go that enter or leave a subgraph or a function body: new locations, or why they are not followed. */
export class Routes {
  readonly #index: ScopeIndex;
  /** One frame for every call inside the same call, so that a location is known again. */
  readonly #frames = new Map<CallFrame | undefined, Map<NodeProto, CallFrame>>();

  constructor(index: ScopeIndex) {
    this.#index = index;
  }

  /** Into the body of the function that a node calls; undefined for a node that calls none. */
  intoFunction(reader: Reader & { kind: "node" }, outer: CallFrame | undefined): Location | string | undefined {
    const { node, input, scope } = reader;
    if (this.#index.functions.size === 0) return undefined;
    const callee = this.#index.functions.get(functionKey(node.domain, node.opType, node.overload));
    if (callee === undefined) return undefined;
    const name = callee.inputs[input];
    if (name === undefined) return `given to ${describeNode(node)}, whose function has no input ${input}`;
    const inside = this.#frames.get(outer) ?? new Map<NodeProto, CallFrame>();
    this.#frames.set(outer, inside);
    const frame = inside.get(node) ?? { node, scope, outer, depth: (outer?.depth ?? 0) + 1 };
    inside.set(node, frame);
    if (frame.depth > MAX_CALL_DEPTH) return `handed on through more than ${MAX_CALL_DEPTH} nested function calls`;
    return { place: { scope: callee, frame }, name };
  }

  /** Out of a graph or function body, to the outputs of the node it belongs to. */
  out({ scope, position }: Reader & { kind: "output" }, frame: CallFrame | undefined): readonly Location[] | string {
    const outputOf = (node: NodeProto, place: Place): Location => ({ place, name: node.output[position] ?? "" });
    if (scope.function !== undefined) {
      if (frame !== undefined) return [outputOf(frame.node, { scope: frame.scope, frame: frame.outer })];
      const calls = this.#index.calls.get(scope) ?? [];
      return calls.map((call) => outputOf(call.node, { scope: call.scope, frame: undefined }));
    }
    const { owner, parent } = scope;
    if (owner === undefined || parent === undefined) {
      return `handed out as the output ${quote(scope.outputs[position] ?? "")} of ${scope.kind === "main" ? "the model" : scope.path}`;
    }
    const isIf = owner.opType === "If" && normalDomain(owner.domain) === "";
    if (!isIf) return `handed out by the body of ${describeNode(owner)}, which is not a linear operator`;
    return [outputOf(owner, { scope: parent, frame })];
  }
}
