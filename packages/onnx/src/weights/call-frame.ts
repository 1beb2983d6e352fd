import type { AttributeProto } from "../proto.js";
import type { CallSite, ScopeIndex } from "./index-scopes.js";
import { rootScope, type Scope } from "./scope.js";

/** The call through which a function body was entered; `undefined` stands for "by any call" and for scopes outside functions. */
export interface CallFrame extends CallSite {
  /** The call around this one, where the call itself stands in a function body. */
  readonly outer: CallFrame | undefined;
  /** Calls around this one, itself included. */
  readonly depth: number;
}

/** A scope as seen in one call. */
export interface Place {
  readonly scope: Scope;
  readonly frame: CallFrame | undefined;
}

/** Attributes of a node by name, references to attributes of the calling node replaced by what that gives. */
export type Attributes = ReadonlyMap<string, AttributeProto>;

/** Finds out the attributes of nodes, in function bodies from the nodes that call the function. */
export class AttributeResolver {
  readonly #index: ScopeIndex;
  /** What all calls of a function agree on: one entry per referenced attribute, so that many readers cost one look. */
  readonly #agreed = new Map<Scope, Map<string, AttributeProto | "absent" | "unknown">>();

  constructor(index: ScopeIndex) {
    this.#index = index;
  }

  /** The attributes of a node, or the name of one that is not the same in all calls. */
  resolve(attributes: readonly AttributeProto[], place: Place): Attributes | string {
    const resolved = new Map<string, AttributeProto>();
    for (const attribute of attributes) {
      const value = attribute.refAttrName === "" ? attribute : this.#referenced(attribute.refAttrName, place);
      if (value === "unknown") return attribute.name;
      if (value !== "absent") resolved.set(attribute.name, value);
    }
    return resolved;
  }

  /** Climbs from call to call as long as each only hands on an attribute of its own caller. */
  #referenced(name: string, place: Place): AttributeProto | "absent" | "unknown" {
    let { frame } = place;
    let callee = rootScope(place.scope);
    let wanted = name;
    while (frame !== undefined) {
      const given = givenAt(frame, callee, wanted);
      if (given === "absent" || given.refAttrName === "") return given;
      wanted = given.refAttrName;
      callee = rootScope(frame.scope);
      frame = frame.outer;
    }
    return this.#agreedByCalls(callee, wanted);
  }

  #agreedByCalls(callee: Scope, name: string): AttributeProto | "absent" | "unknown" {
    const known = this.#agreed.get(callee) ?? new Map<string, AttributeProto | "absent" | "unknown">();
    this.#agreed.set(callee, known);
    const before = known.get(name);
    if (before !== undefined) return before;
    const given = (this.#index.calls.get(callee) ?? []).map((call) => givenAt(call, callee, name));
    const [first] = given;
    const agree = first !== undefined && given.every((other) => content(other) === content(first));
    const value = agree && (first === "absent" || first.refAttrName === "") ? first : "unknown";
    known.set(name, value);
    return value;
  }
}

function givenAt(call: CallSite, callee: Scope, name: string): AttributeProto | "absent" {
  const isWanted = (attribute: AttributeProto): boolean => attribute.name === name;
  return call.node.attribute.find(isWanted) ?? callee.function?.attributeProto.find(isWanted) ?? "absent";
}

/** The attribute as text, as far as attributes decide about axes: numbers and strings. */
function content(attribute: AttributeProto | "absent"): string {
  if (attribute === "absent") return attribute;
  const { refAttrName, i, f, s, ints, floats } = attribute;
  return [refAttrName, i, f, s, ints, floats].join(";");
}

/** The integer an attribute holds, or `fallback` where the node has no such attribute. */
export function intAttribute(attributes: Attributes, name: string, fallback: number): number {
  const attribute = attributes.get(name);
  return attribute === undefined ? fallback : Number(attribute.i);
}

/** Entries of a list attribute that are looked at: more than dimensions that a tensor may have, so that a longer list is refused. */
const MAX_LIST = 100;

/** Bytes of a text attribute that are looked at: an einsum equation over all 52 letters has some 200. */
const MAX_TEXT = 1000;

/** The integers an attribute holds, undefined where the node has no such attribute. */
export function intsAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  return attributes.get(name)?.ints.slice(0, MAX_LIST).map(Number);
}

/** The text an attribute holds, undefined where the node has no such attribute. */
export function textAttribute(attributes: Attributes, name: string): string | undefined {
  const attribute = attributes.get(name);
  return attribute && new TextDecoder().decode(attribute.s.subarray(0, MAX_TEXT));
}
