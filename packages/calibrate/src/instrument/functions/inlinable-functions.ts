import type { FunctionProto, Model, ModelProto, NodeProto } from "@espalier/onnx";

/** Calls in calls that are followed: real models have a handful. */
const MOST_LEVELS = 100;

/** Functions by what their calls say. */
export type Functions = ReadonlyMap<string, FunctionProto>;

/** The function that a node calls; undefined where it calls none of these. */
export function calledBy(node: NodeProto, functions: Functions): FunctionProto | undefined {
  return functions.get(keyOf(node.domain, node.opType, node.overload));
}

/**
 * The functions of a model whose bodies can stand in the place of every call: their operators have the same versions as
 * those of the model, they do not call themselves, and whoever calls them can be put in place, too.
 */
export function inlinableFunctions(model: Model): Functions {
  const all = new Map<string, FunctionProto>();
  for (const body of model.proto.functions) {
    const key = keyOf(body.domain, body.name, body.overload);
    if (!all.has(key)) all.set(key, body);
  }
  const uses = new Map([...all.values()].map((body) => [body, usesOf(body.node, all)]));
  const levels = levelsOf(uses);
  const isKept = (body: FunctionProto, { domains }: Uses): boolean =>
    !(levels.get(body)! < MOST_LEVELS) ||
    [...domains].some((domain) => versionIn(body, domain) !== versionIn(model.proto, domain));
  const kept = new Set([...uses].filter(([body, its]) => isKept(body, its)).map(([body]) => body));
  // What stays a call keeps what it calls: a weight in there would be read at places that nothing measures.
  for (const body of kept) for (const callee of uses.get(body)!.callees) kept.add(callee);
  return new Map([...all].filter(([, body]) => !kept.has(body)));
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([normal(domain), name, overload]);
}

/** ONNX's own operators have two names. */
function normal(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function versionIn({ opsetImport }: FunctionProto | ModelProto, domain: string): bigint | undefined {
  return opsetImport.find((one) => normal(one.domain) === domain)?.version;
}

/** What nodes and their subgraphs use. */
interface Uses {
  /** Functions that they call. */
  readonly callees: ReadonlySet<FunctionProto>;
  /** Domains of operators that are no functions. */
  readonly domains: ReadonlySet<string>;
}

function usesOf(nodes: readonly NodeProto[], all: Functions): Uses {
  const callees = new Set<FunctionProto>();
  const domains = new Set<string>();
  const add = (node: NodeProto): void => {
    const callee = calledBy(node, all);
    if (callee) callees.add(callee);
    else domains.add(normal(node.domain));
    for (const { g } of node.attribute) g?.node.forEach(add);
  };
  nodes.forEach(add);
  return { callees, domains };
}

/** How many calls are one in the other, at most, below each function; missing for those that come to call themselves. */
function levelsOf(uses: ReadonlyMap<FunctionProto, Uses>): ReadonlyMap<FunctionProto, number> {
  const callers = new Map<FunctionProto, FunctionProto[]>([...uses.keys()].map((body) => [body, []]));
  for (const [body, { callees }] of uses) for (const callee of callees) callers.get(callee)!.push(body);
  const waiting = new Map([...uses].map(([body, { callees }]) => [body, callees.size]));
  const levels = new Map<FunctionProto, number>(
    [...uses].flatMap(([body, { callees }]) => (callees.size === 0 ? [[body, 0] as const] : [])),
  );
  for (const [body, level] of levels) {
    for (const caller of callers.get(body)!) {
      waiting.set(caller, waiting.get(caller)! - 1);
      // The last callee that is known has the highest level: they come in the order of their levels.
      if (waiting.get(caller) === 0) levels.set(caller, level + 1);
    }
  }
  return levels;
}
