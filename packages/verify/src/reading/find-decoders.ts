import { dtypeName, type NodeProto, type TensorProto, tensorBytes } from "@espalier/onnx";
import type { RunnerOptions } from "@espalier/runtime";
import { elementBits } from "../elements.js";
import { decodeConstant, type Extractor } from "./decode-constant.js";
import type { MainGraph } from "./main-graph.js";
import { packedBytes } from "./packed-bytes.js";
import type { ReadTensor } from "./reading.js";
import type { RemovedChannels } from "./removed-channels.js";

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

/** The tensors of the original's main graph that the judged model does not store under their names with type and shape. */
export function missingConstants({ original, judged }: Pick<Graphs, "original" | "judged">): Map<string, TensorProto> {
  return new Map([...original.tensors].filter(([name, tensor]) => !sameKind(judged.tensors.get(name), tensor)));
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
  const inNodes = nodes.flatMap(({ attribute }) =>
    attribute.flatMap(({ t, sparseTensor }) => [t, sparseTensor?.values].filter((one) => one !== undefined)),
  );
  const base = { name, original, constants: [...initializers, ...inNodes] };
  const parts = { nodes, initializers, readers: place.readers };
  const dims = original.dims.map(Number);
  if (sameDims(decoded.dims, dims)) {
    return { tensors: [{ ...base, how: "decoded", bytes: packedBytes(decoded.bits) }], ...parts };
  }
  const before = { bits: elementBits(original, tensorBytes(graphs.original.model, original)), dims };
  const bits = /^b?float/.test(dtypeName(original.dataType))
    ? channels.restore({
        name,
        original: before,
        found: decoded,
        isWeight,
        neighbours: neighboursOf(graphs.original, name),
      })
    : undefined;
  if (bits !== undefined) {
    return { tensors: [{ ...base, how: "narrowed", dims: decoded.dims, bytes: packedBytes(bits) }], ...parts };
  }
  const found = stored === undefined ? "decoded to" : "stored with";
  return {
    isSmaller: true,
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
