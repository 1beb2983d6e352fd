import {
  buildModel,
  encodeModel,
  externalDataFiles,
  type Model,
  makeNode,
  makeValueInfo,
  type NewTensor,
  type NodeProto,
  type PrunableWeight,
  type TensorProto,
  tensorBytes,
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
  const { exported, original, weight, values } = check;
  const decoder = decoderModel(exported, weight);
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
function decoderModel(exported: Model, weight: PrunableWeight): Model | undefined {
  const graph = exported.proto.graph!;
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  const stored = storedTensors(exported);
  const nodes = new Set<NodeProto>();
  const initializers = new Map<string, TensorProto | NewTensor>();
  const waiting = [weight.name];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = producers.get(name);
    const tensor = stored.get(name);
    if (tensor !== undefined) initializers.set(name, tensor);
    else if (node === undefined) return undefined;
    else if (!nodes.has(node)) {
      nodes.add(node);
      waiting.push(...node.input.filter((input) => input !== ""));
    }
  }
  const copy = makeNode("Identity", [weight.name], ["decoded"]);
  return buildModel({
    nodes: [...graph.node.filter((node) => nodes.has(node)), copy],
    initializers: [...initializers.values()],
    outputs: [makeValueInfo("decoded", weight.tensor.dataType, weight.shape)],
    opsets: new Map(exported.proto.opsetImport.map(({ domain, version }) => [domain, Number(version)])),
    irVersion: Math.max(8, Number(exported.proto.irVersion)),
    from: exported,
  });
}

function storedTensors(model: Model): ReadonlyMap<string, TensorProto | NewTensor> {
  const { initializer, sparseInitializer } = model.proto.graph!;
  const sparse = sparseInitializer.map(({ values, indices, dims }): NewTensor => {
    return {
      name: values!.name,
      dataType: values!.dataType,
      dims: dims.map(Number),
      data: () => tensorBytes(model, values!),
      sparse: { count: Number(values!.dims[0]), indices: () => tensorBytes(model, indices!) },
    };
  });
  return new Map([...initializer, ...sparse].map((tensor) => [tensor.name, tensor]));
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
