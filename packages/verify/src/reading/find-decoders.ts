import { dtypeName, type NodeProto, type TensorProto } from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { decodeConstant, type Extractor } from "./decode-constant.js";
import type { MainGraph } from "./main-graph.js";
import type { ReadTensor } from "./reading.js";

/** The two models whose constants are compared. */
export interface Graphs {
  readonly original: MainGraph;
  readonly judged: MainGraph;
  /** Of the judged model. */
  readonly extract: Extractor;
  readonly options: RunnerOptions;
}

/** A constant of the original that the judged model computes, and what it takes for that. */
export interface FoundConstant {
  readonly tensor: ReadTensor;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Nodes of the judged model that read it under another name, and at which input. */
  readonly readers: readonly { readonly node: NodeProto; readonly input: number }[];
}

/** The tensors of the original's main graph that the judged model does not store under their names with type and shape. */
export function missingConstants({ original, judged }: Graphs): ReadonlyMap<string, TensorProto> {
  return new Map([...original.tensors].filter(([name, tensor]) => !sameKind(judged.tensors.get(name), tensor)));
}

function sameKind(a: TensorProto | undefined, b: TensorProto): boolean {
  if (a === undefined || a.dataType !== b.dataType || a.dims.length !== b.dims.length) return false;
  return a.dims.every((size, axis) => size === b.dims[axis]);
}

/**
 * Finds what the judged model computes from constants in the place of a tensor of the original: the value of its name, or
 * what the node reads that put out the same value in the original.
 *
 * @returns the reason where there is nothing, or something else comes out
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function findDecoder(
  graphs: Graphs,
  name: string,
  original: TensorProto,
): Promise<FoundConstant | { readonly reason: string }> {
  const { judged, extract, options } = graphs;
  const stored = judged.tensors.get(name);
  if (stored !== undefined) return { reason: `it is stored as ${describeKind(stored)}` };
  const place = placeOf(graphs, name);
  if (place === undefined) return { reason: "nothing of its name is there, nor do its readers read a constant" };
  const decoded = await decodeConstant(extract, place.value, original, options);
  if (!decoded.ok) return decoded;
  const { nodes, tensors } = decoded.part;
  const inNodes = nodes.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, sparseTensor }) => [t, sparseTensor?.values].filter((one) => one !== undefined)),
  );
  const constants = [...tensors, ...inNodes];
  const tensor: ReadTensor = { name, how: "decoded", original, bytes: decoded.bytes, constants };
  return { tensor, nodes, initializers: tensors, readers: place.readers };
}

function describeKind({ dataType, dims }: TensorProto): string {
  return `${dtypeName(dataType)} [${dims.join(", ")}]`;
}

function placeOf({ original, judged }: Graphs, name: string) {
  if (judged.defines(name)) return { value: name, readers: [] };
  const readers = (original.readers.get(name) ?? []).flatMap(({ node, input }) => {
    const own = judged.counterpart(node);
    // Of a node that reads something else besides, as a smaller product does, this is not the same constant.
    const isSame = own?.input.every((value, index) => index === input || value === node.input[index]);
    return own !== undefined && isSame ? [{ node: own, input }] : [];
  });
  const values = new Set(readers.map(({ node, input }) => node.input[input] ?? ""));
  const [value] = values;
  return values.size === 1 && value ? { value, readers } : undefined;
}
