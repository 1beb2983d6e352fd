import type { GraphProto, NodeProto } from "@espalier/onnx";
import { GraphAdditions } from "../graph-additions.js";
import type { Measuring } from "../measuring.js";
import { operatorName } from "../opset.js";
import type { Shapes } from "../shapes/infer-shapes.js";
import { Sizes } from "../sizes.js";
import { Unmeasurable } from "../unmeasurable.js";
import { type Exit, GraphScope } from "./graph-scope.js";
import { wayOutOfIf } from "./if.js";
import { loopInputs, scanInputs, wayOutOfLoop, wayOutOfScan } from "./repetition.js";
import type { Holder, WayOut } from "./way-out.js";

/** How one kind of node runs its subgraphs. */
interface Kind {
  /** Whether a subgraph may run more than once. */
  readonly repeated: boolean;
  wayOut(holder: Holder): WayOut;
  shapesInside(node: NodeProto, subgraph: GraphProto, outer: Shapes): Shapes;
}

/** Nodes out of whose subgraphs values can be brought. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["If", { repeated: false, wayOut: wayOutOfIf, shapesInside: (_, subgraph, outer) => outer.inside(subgraph) }],
  ["Loop", { repeated: true, wayOut: wayOutOfLoop, shapesInside: loopInputs }],
  ["Scan", { repeated: true, wayOut: wayOutOfScan, shapesInside: scanInputs }],
]);

/** A node in the graph in which it stands. */
export interface Place {
  readonly scope: GraphScope;
  /** Number of the node of the main graph that it is, or is in. */
  readonly at: number;
}

/** A main graph and the graphs inside it out of which values can be brought. */
export interface OpenedScopes {
  readonly main: GraphScope;
  /** The nodes of all these graphs. */
  readonly places: ReadonlyMap<NodeProto, Place>;
}

/** @param measuring makes what is needed to measure in the main graph, when it is needed */
export function openScopes(graph: GraphProto, measuring: () => Measuring): OpenedScopes {
  const places = new Map<NodeProto, Place>();
  const main = openScope(graph, measuring, undefined, (node, scope, at) => places.set(node, { scope, at }));
  return { main, places };
}

/** Visits nodes, with the number of the outermost node around each. */
type Visit = (node: NodeProto, scope: GraphScope, at: number) => void;

function openScope(graph: GraphProto, measuring: () => Measuring, exit: Exit | undefined, visit: Visit): GraphScope {
  const ways = new Map<NodeProto, WayOut>();
  const scope = new GraphScope(graph, measuring, ways, exit);
  for (const [at, node] of graph.node.entries()) {
    visit(node, scope, at);
    const kind = KINDS.get(operatorName(node));
    if (kind === undefined) continue;
    const subgraphs = new Map<string, GraphScope>();
    const way = kind.wayOut({ node, outer: scope, subgraphs });
    for (const { name, g } of node.attribute) {
      if (g === undefined) continue;
      const inside = () => measuringInside(scope.measuring(), g, kind, node);
      const opened = openScope(g, inside, { scope, way, subgraph: name }, (inner, its) => visit(inner, its, at));
      subgraphs.set(name, opened);
    }
    ways.set(node, way);
  }
  return scope;
}

function measuringInside(outer: Measuring, subgraph: GraphProto, kind: Kind, node: NodeProto): Measuring {
  if (outer.mask !== undefined && hides(subgraph, outer.mask)) {
    throw new Unmeasurable(`inside ${JSON.stringify(node.name)} the name of the mask means something else`);
  }
  const graph = new GraphAdditions(outer.graph.opset, outer.graph.name("inside"));
  return {
    ...outer,
    graph,
    sizes: new Sizes(graph),
    shapes: kind.shapesInside(node, subgraph, outer.shapes),
    repeated: outer.repeated || kind.repeated,
  };
}

function hides({ input, initializer, node }: GraphProto, name: string): boolean {
  return (
    [...input, ...initializer].some((value) => value.name === name) || node.some(({ output }) => output.includes(name))
  );
}
