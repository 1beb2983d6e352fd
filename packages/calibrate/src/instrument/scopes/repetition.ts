import {
  TensorProto_DataType as DataType,
  type GraphProto,
  makeNode,
  makeTensor,
  makeValueInfo,
  type NodeProto,
} from "@espalier/onnx";
import { intOf, intsOf } from "../attributes.js";
import { changed } from "../changed.js";
import type { Shape } from "../shapes/dim.js";
import type { Shapes } from "../shapes/infer-shapes.js";
import { Unmeasurable } from "../unmeasurable.js";
import { requireZeros } from "./if.js";
import type { Holder, Measured, WayOut } from "./way-out.js";

/** Name of the attribute that holds what is repeated. */
const BODY = "body";

/** Where what is carried from step to step is to be put in: behind what is carried already. */
interface Places {
  readonly nodeInputs: number;
  readonly nodeOutputs: number;
  readonly bodyInputs: number;
  readonly bodyOutputs: number;
}

/** A value of a step that is added to the sum over the steps before. */
interface Carried {
  readonly inner: Measured;
  /** The sum before the step and behind it, in the body. */
  readonly before: string;
  readonly behind: string;
  /** The sum over all steps, and what it starts with, outside. */
  readonly result: string;
  readonly zeros: string;
}

/** Loop: inputs are the number of steps, the condition and what is carried; the body also puts out the condition. */
export function wayOutOfLoop(holder: Holder): WayOut {
  return wayOutOfRepetition(holder, ({ node }, body) => {
    const carried = body.input.length - 2;
    if (node.input.length !== body.input.length) throw new Unmeasurable("its Loop leaves inputs of its body out");
    return { nodeInputs: 2 + carried, nodeOutputs: carried, bodyInputs: 2 + carried, bodyOutputs: 1 + carried };
  });
}

/** Scan: what is carried, then what is scanned. */
export function wayOutOfScan(holder: Holder): WayOut {
  return wayOutOfRepetition(holder, ({ node, outer }, body) => {
    if (outer.measuring().graph.opset < 9) throw new Unmeasurable("it stands inside a Scan of opset 8");
    const carried = body.input.length - intOf(node, "num_scan_inputs", 0);
    return { nodeInputs: carried, nodeOutputs: carried, bodyInputs: carried, bodyOutputs: carried };
  });
}

/** In a Loop what is carried may change its shape from step to step. */
export function loopInputs(_: NodeProto, body: GraphProto, outer: Shapes): Shapes {
  return outer.inside(body, [[], []]);
}

/** In a Scan what is carried keeps its shape; what is scanned loses an axis. */
export function scanInputs(node: NodeProto, body: GraphProto, outer: Shapes): Shapes {
  const carried = body.input.length - intOf(node, "num_scan_inputs", 0);
  const axes = intsOf(node, "scan_input_axes") ?? [];
  const shapes = node.input.map((name, index): Shape | undefined => {
    const shape = outer.of(name);
    if (index < carried || shape === undefined) return shape;
    const axis = axes[index - carried] ?? 0;
    return shape.toSpliced(axis < 0 ? axis + shape.length : axis, 1);
  });
  return outer.inside(body, shapes);
}

/** Values are added up over the steps, in float64, so that many steps are as exact as one. */
function wayOutOfRepetition(holder: Holder, placesOf: (holder: Holder, body: GraphProto) => Places): WayOut {
  const { node, outer, subgraphs } = holder;
  const all = new Map<string, Carried>();
  const bodyScope = () => subgraphs.get(BODY)!;
  return {
    carry(inner) {
      requireZeros(outer);
      placesOf(holder, bodyScope().graph);
      const { graph } = outer.measuring();
      const carried = all.get(inner.name) ?? carry(holder, inner);
      all.set(inner.name, carried);
      const isFloat = inner.type === DataType.FLOAT;
      return {
        ...inner,
        name: isFloat ? graph.op("Cast", [carried.result], { to: BigInt(DataType.FLOAT) }) : carried.result,
      };
    },
    rebuilt(needed) {
      const wanted = [...all.values()].filter(({ result }) => needed.has(result));
      if (wanted.length === 0) return [node];
      const places = placesOf(holder, bodyScope().graph);
      return [...wanted.flatMap(zeroNodes), rebuiltNode(holder, wanted, places)];
    },
  };
}

function carry({ outer, subgraphs }: Holder, inner: Measured): Carried {
  const { graph } = subgraphs.get(BODY)!.measuring();
  const before = graph.name("carried");
  const isFloat = inner.type === DataType.FLOAT;
  const step = isFloat ? graph.op("Cast", [inner.name], { to: BigInt(DataType.DOUBLE) }) : inner.name;
  const behind = graph.alias(graph.op("Add", [before, step]));
  const names = outer.measuring().graph;
  return { inner, before, behind, result: names.name("measured"), zeros: names.name("zeros") };
}

function rebuiltNode({ node, subgraphs }: Holder, carried: readonly Carried[], places: Places): NodeProto {
  const info = (name: string, { inner }: Carried) => makeValueInfo(name, typeOf(inner), [inner.length]);
  const body = subgraphs.get(BODY)!.rebuilt({
    inputs: { at: places.bodyInputs, values: carried.map((one) => info(one.before, one)) },
    outputs: { at: places.bodyOutputs, values: carried.map((one) => info(one.behind, one)) },
  });
  const outputs = [...node.output, ...Array<string>(Math.max(0, places.nodeOutputs - node.output.length)).fill("")];
  return changed(node, {
    input: node.input.toSpliced(places.nodeInputs, 0, ...carried.map(({ zeros }) => zeros)),
    output: outputs.toSpliced(places.nodeOutputs, 0, ...carried.map(({ result }) => result)),
    attribute: node.attribute.map((one) => (one.name === BODY ? changed(one, { g: body }) : one)),
  });
}

/** What the sums start with. It stands before the node, where nothing has been added to the graph yet. */
function zeroNodes({ inner, zeros }: Carried): readonly NodeProto[] {
  const shape = makeNode("Constant", [], [`${zeros}_shape`], {
    value: makeTensor("", [1], BigInt64Array.of(BigInt(inner.length))),
  });
  const whole = makeNode("ConstantOfShape", [`${zeros}_shape`], [`${zeros}_whole`], {
    value: makeTensor("", [1], BigInt64Array.of(0n)),
  });
  return [shape, whole, makeNode("Cast", [`${zeros}_whole`], [zeros], { to: BigInt(typeOf(inner)) })];
}

function typeOf({ type }: Measured): DataType.DOUBLE | DataType.INT64 {
  return type === DataType.FLOAT ? DataType.DOUBLE : DataType.INT64;
}
