import {
  type AttributeProto,
  TensorProto_DataType as DataType,
  type GraphRewrite,
  type Model,
  makeNode,
  makeTensor,
  type NodeProto,
  type TensorProto,
  walkGraphs,
  walkTensors,
} from "@espalier/onnx";

const OTHER_FLOATS: ReadonlySet<number> = new Set([DataType.FLOAT16, DataType.DOUBLE, DataType.BFLOAT16]);

/** What stands in place of a node, and what it reads. */
interface Raised {
  readonly inputs: readonly string[];
  readonly initializers: readonly TensorProto[];
}

/**
 * Writes a node's attributes as the inputs that version 11 has for them. A limit of Clip
 * that is not there is the largest float32, before and after.
 */
const RAISED: Readonly<
  Record<string, { readonly since: number; readonly raise: (node: NodeProto, prefix: string) => Raised }>
> = {
  Clip: {
    since: 6,
    raise: (node, prefix) =>
      withInputs(node, prefix, ["min", "max"], (name, { f }) => makeTensor(name, [], Float32Array.of(f))),
  },
  Slice: {
    since: 1,
    raise: (node, prefix) =>
      withInputs(node, prefix, ["starts", "ends", "axes"], (name, { ints }) =>
        makeTensor(name, [ints.length], BigInt64Array.from(ints)),
      ),
  },
};

/**
 * Whether nodes of a type can be rewritten for version 11. A limit of Clip has the type of what is clipped, which is known
 * where the model computes with no floats but float32.
 */
export function canRaise(model: Model, type: string, present: number): boolean {
  const known = Object.hasOwn(RAISED, type) && present >= RAISED[type]!.since;
  return known && (type !== "Clip" || hasOnlyFloat32(model));
}

/**
 * The nodes that version 11 writes otherwise, in its form. What they read becomes initializers of the main graph, also
 * where they stand in a graph inside of it.
 *
 * @param present version of the model
 * @param root what names of new values begin with
 */
export function raisedNodes(
  { proto }: Model,
  present: number,
  root: string,
): Required<Pick<GraphRewrite, "replace" | "initializers">> {
  const replace = new Map<NodeProto, readonly NodeProto[]>();
  const initializers: TensorProto[] = [];
  for (const node of [...walkGraphs(proto)].flatMap(({ nodes }) => nodes)) {
    const isOld = isType(node, "Clip") || (isType(node, "Slice") && present < SLICE_WITH_INPUTS);
    if (!isOld) continue;
    const raised = RAISED[node.opType]!.raise(node, `${root}/raised/${replace.size}`);
    initializers.push(...raised.initializers);
    replace.set(node, [makeNode(node.opType, raised.inputs, node.output, {}, { name: node.name })]);
  }
  return { replace, initializers };
}

/** Slice has inputs from here on, Clip from 11. */
const SLICE_WITH_INPUTS = 10;

function withInputs(
  { input, attribute }: NodeProto,
  prefix: string,
  names: readonly string[],
  make: (name: string, attribute: AttributeProto) => TensorProto,
): Raised {
  const made = names.map((which) => {
    const found = attribute.find(({ name }) => name === which);
    return found && make(`${prefix}/${which}`, found);
  });
  const inputs = [input[0]!, ...made.map((tensor) => tensor?.name ?? "")];
  while (inputs.at(-1) === "") inputs.pop();
  return { inputs, initializers: made.filter((tensor) => tensor !== undefined) };
}

function hasOnlyFloat32({ proto }: Model): boolean {
  for (const { nodes } of walkGraphs(proto)) {
    const casts = nodes.flatMap(({ attribute }) => attribute.filter(({ name }) => name === "to"));
    if (casts.some(({ i }) => OTHER_FLOATS.has(Number(i)))) return false;
  }
  for (const { tensor } of walkTensors(proto)) if (OTHER_FLOATS.has(tensor.dataType)) return false;
  return !(proto.graph?.input ?? []).some(({ type }) => {
    return type?.value.case === "tensorType" && OTHER_FLOATS.has(type.value.value.elemType);
  });
}

function isType({ domain, opType }: NodeProto, type: string): boolean {
  return opType === type && (domain === "" || domain === "ai.onnx");
}
