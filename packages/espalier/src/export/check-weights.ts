import {
  buildModel,
  encodeModel,
  externalDataFiles,
  type GraphScope,
  type Model,
  makeNode,
  makeValueInfo,
  type NewTensor,
  type NodeProto,
  type PrunableWeight,
  type TensorProto,
  tensorBytes,
  walkGraphs,
  walkTensors,
} from "@espalier/onnx";
import { openRunner, type RunnerOptions, type Tensor } from "@espalier/runtime";
import { EspalierError } from "../errors.js";
import type { ExportValues } from "./export-options.js";
import { roundingBounds } from "./rounding-bounds.js";

/** What a decoder is checked against. */
export interface DecoderCheck {
  readonly exported: Model;
  readonly original: Model;
  /** Of the original. */
  readonly weight: PrunableWeight;
  readonly values: ExportValues;
}

/**
 * Runs the decoder of one weight alone and compares what comes out with the weight: bit for bit with `f32`, within half a
 * step of the stored numbers otherwise.
 *
 * @returns the largest distance of an entry; undefined where the decoder cannot be taken out of the graph
 * @throws {EspalierError} `input` where they differ: a bug, so that nothing is handed out
 * @throws {RunnerError} when the runtime refuses the decoder
 */
export async function checkDecoder(check: DecoderCheck, runnerOptions: RunnerOptions): Promise<number | undefined> {
  const { original, weight, values } = check;
  const decoder = decoderModel(check);
  if (decoder === undefined) return undefined;
  const externalData = externalDataFiles(decoder);
  const runner = await openRunner(encodeModel(decoder), { ...runnerOptions, externalData });
  try {
    const decoded = (await runner.run({})).decoded!;
    if (values !== "f32") return largestDistance(decoded, weight, values);
    const stored = tensorBytes(original, weight.tensor);
    if (Buffer.compare(bytesOf(decoded), stored) === 0) return 0;
    throw new EspalierError("input", `weight "${weight.name}" does not come out of its decoder as it went in`);
  } finally {
    await runner.close();
  }
}

/** The nodes and initializers that compute one weight, as a model without inputs. */
function decoderModel({ exported, original, weight }: DecoderCheck): Model | undefined {
  const place = placeOf(exported, original, weight);
  if (place === undefined) return undefined;
  const parts = place.scopes.map((scope) => partsOf(exported, scope));
  const nodes = new Set<NodeProto>();
  const initializers = new Map<string, TensorProto | NewTensor>();
  const waiting = [place.value];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const { producers, stored } = parts.find((one) => one.producers.has(name!) || one.stored.has(name!)) ?? NOTHING;
    const node = producers.get(name);
    const tensor = stored.get(name);
    if (tensor !== undefined) initializers.set(name, tensor);
    else if (node === undefined) return undefined;
    else if (!nodes.has(node)) {
      nodes.add(node);
      waiting.push(...node.input.filter((input) => input !== ""));
    }
  }
  const outermost = place.scopes.at(-1)!;
  const copy = makeNode("Identity", [place.value], ["decoded"]);
  // Outer graphs come first: what is inside reads what they compute.
  const inOrder = place.scopes.toReversed().flatMap((scope) => scope.nodes.filter((node) => nodes.has(node)));
  const imports = (outermost.function ?? exported.proto).opsetImport;
  return buildModel({
    nodes: [...inOrder, copy],
    initializers: [...initializers.values()],
    outputs: [makeValueInfo("decoded", weight.tensor.dataType, weight.shape)],
    opsets: new Map(imports.map(({ domain, version }) => [domain, Number(version)])),
    irVersion: Math.max(8, Number(exported.proto.irVersion)),
    from: exported,
  });
}

/** The value that a weight has become, and the graphs in which it is seen, the innermost first. */
function placeOf(
  exported: Model,
  original: Model,
  { tensor }: PrunableWeight,
): { readonly value: string; readonly scopes: readonly GraphScope[] } | undefined {
  const entry = [...walkTensors(original.proto)].find((one) => one.tensor === tensor);
  const value = entry?.role === "attribute" ? entry.node?.output[0] : tensor.name;
  const path = entry?.scope.path.join("/");
  const innermost = [...walkGraphs(exported.proto)].find((scope) => scope.path.join("/") === path);
  if (value === undefined || innermost === undefined) return undefined;
  const scopes = [innermost];
  for (let at = innermost.parent; at !== undefined; at = at.parent) scopes.push(at);
  return { value, scopes };
}

/** What computes and what holds the values of a graph. */
interface ScopeParts {
  readonly producers: ReadonlyMap<string, NodeProto>;
  readonly stored: ReadonlyMap<string, TensorProto | NewTensor>;
}

const NOTHING: ScopeParts = { producers: new Map(), stored: new Map() };

function partsOf(model: Model, { graph, nodes }: GraphScope): ScopeParts {
  const sparse = (graph?.sparseInitializer ?? []).map(({ values, indices, dims }): NewTensor => {
    return {
      name: values!.name,
      dataType: values!.dataType,
      dims: dims.map(Number),
      data: () => tensorBytes(model, values!),
      sparse: { count: Number(values!.dims[0]), indices: () => tensorBytes(model, indices!) },
    };
  });
  return {
    producers: new Map(nodes.flatMap((node) => node.output.map((name) => [name, node] as const))),
    stored: new Map([...(graph?.initializer ?? []), ...sparse].map((tensor) => [tensor.name, tensor])),
  };
}

function bytesOf({ data }: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function largestDistance(decoded: Tensor, weight: PrunableWeight, values: "f16" | "int8"): number | undefined {
  if (decoded.dtype !== "float32" && decoded.dtype !== "float64") return undefined;
  const expected = weight.read();
  const bounds = roundingBounds(weight, expected, values);
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const distance = Math.abs(decoded.data[index]! - expected[index]!);
    largest = Math.max(largest, distance);
    if (distance <= bounds(index)) continue;
    const message = `weight "${weight.name}" is off by ${distance} at entry ${index}, more than ${values} rounds: ${bounds(index)}`;
    throw new EspalierError("input", message);
  }
  return largest;
}
