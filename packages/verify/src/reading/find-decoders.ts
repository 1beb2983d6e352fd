import { dtypeName, type Model, type NodeProto, type TensorProto, tensorBytes } from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { elementBits } from "../elements.js";
import { type Decoded, decodeConstant, type Extractor } from "./decode-constant.js";
import type { MainGraph } from "./main-graph.js";
import { packedBytes } from "./packed-bytes.js";
import type { ReadTensor } from "./reading.js";
import type { RemovedChannels } from "./removed-channels.js";
import { narrowedAxes } from "./widen.js";

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
  readonly tensors: readonly [ReadTensor];
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  /** Nodes of the judged model that read it under another name: at which input, and what they are to read. */
  readonly readers: readonly { readonly node: NodeProto; readonly input: number; readonly value: string }[];
}

/** Why a constant was not found. */
export interface NotFound {
  readonly reason: string;
  /** Whether it is there in another shape: more may be known of removed channels when other tensors were looked at. */
  readonly isSmaller?: boolean;
}

/** The tensors that a graph has by name and another one does not have there with the same type and shape. */
export function missingTensors(
  original: ReadonlyMap<string, TensorProto>,
  judged: ReadonlyMap<string, TensorProto>,
): Map<string, TensorProto> {
  return new Map([...original].filter(([name, tensor]) => !sameKind(judged.get(name), tensor)));
}

/** What was decoded, as the original's tensor; undefined where it has another shape. */
export function decodedTensor(
  name: string,
  original: TensorProto,
  source: Model,
  decoded: Decoded & { readonly ok: true },
): ReadTensor | undefined {
  if (!sameDims(decoded.dims, original.dims.map(Number))) return undefined;
  return { name, how: "decoded", original, bytes: packedBytes(decoded.bits), source, constants: constantsOf(decoded) };
}

function constantsOf({ part: { nodes, tensors } }: Decoded & { readonly ok: true }): TensorProto[] {
  const inNodes = nodes.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, sparseTensor }) => [t, sparseTensor?.values].filter((one) => one !== undefined)),
  );
  return [...tensors, ...inNodes];
}

function sameKind(a: TensorProto | undefined, b: TensorProto): boolean {
  if (a === undefined || a.dataType !== b.dataType || a.dims.length !== b.dims.length) return false;
  return a.dims.every((size, axis) => size === b.dims[axis]);
}

/**
 * Finds what the judged model computes from constants in the place of a tensor of the original: the value of its name, or
 * what the node reads that put out the same value in the original. A smaller one is the original's without channels where the
 * numbers say which are left: those that are gone are zeros of a weight, and as they were in other tensors.
 *
 * @param channels what is known of removed channels; what this tensor tells is added
 * @returns the reason where there is nothing, or something else comes out
 * @throws {OnnxError} when the tensor cannot be read
 * @throws {RunnerError} when the backend is missing or does not start
 */
export async function findDecoder(
  graphs: Graphs,
  name: string,
  original: TensorProto,
  { isWeight, channels }: { readonly isWeight: boolean; readonly channels: RemovedChannels },
): Promise<FoundConstant | NotFound> {
  const { judged, extract, options } = graphs;
  const stored = judged.tensors.get(name);
  if (stored !== undefined && stored.dataType !== original.dataType) {
    return { reason: `it is stored as ${describeKind(stored)}` };
  }
  const place = placeOf(graphs, name);
  if (place === undefined) return { reason: "nothing of its name is there, nor do its readers read a constant" };
  const decoded = await decodeConstant(extract, place.value, original, options);
  if (!decoded.ok) return decoded;
  const { nodes, tensors: initializers } = decoded.part;
  const parts = { nodes, initializers, readers: place.readers };
  const dims = original.dims.map(Number);
  const source = judged.model;
  const whole = decodedTensor(name, original, source, decoded);
  if (whole !== undefined) return { tensors: [whole], ...parts };
  const isFloat = /^b?float/.test(dtypeName(original.dataType));
  const isSmaller = isFloat && narrowedAxes(dims, decoded.dims) !== undefined;
  const bits = isSmaller
    ? channels.restore({
        name,
        original: { bits: elementBits(original, tensorBytes(graphs.original.model, original)), dims },
        found: decoded,
        isWeight,
        neighbours: neighboursOf(graphs.original, name),
      })
    : undefined;
  if (bits !== undefined) {
    const smaller = { name, how: "narrowed", original, source, dims: decoded.dims } as const;
    return { tensors: [{ ...smaller, bytes: packedBytes(bits), constants: constantsOf(decoded) }], ...parts };
  }
  const found = stored === undefined ? "decoded to" : "stored with";
  return {
    ...(isSmaller && { isSmaller }),
    reason: `it is ${found} shape [${decoded.dims.join(", ")}] instead of [${dims.join(", ")}]`,
  };
}

/** Constants that the readers of a constant read too, or the nodes right before them: those of the same channels are among them. */
function neighboursOf({ readers, producers }: MainGraph, name: string): string[] {
  return (readers.get(name) ?? []).flatMap(({ node }) => [
    ...node.input,
    ...node.input.flatMap((value) => producers.get(value)?.input ?? []),
  ]);
}

function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
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
    return own !== undefined && isSame ? [{ node: own, input, value: name }] : [];
  });
  const values = new Set(readers.map(({ node, input }) => node.input[input] ?? ""));
  const [value] = values;
  return values.size === 1 && value ? { value, readers } : undefined;
}
