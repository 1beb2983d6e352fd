import { dtypeName, type Model, type TensorEntry, type TensorProto, tensorBytes, walkTensors } from "@espalier/onnx";
import { elementBits, hex, indexText } from "./elements.js";
import { sameBytes } from "./weight-pairs.js";

/**
 * Every tensor whose numbers differ between two models, each as one line that names the tensor and its first different
 * element. Tensors are matched by their place and name; those without a counterpart of the same shape and type are
 * structural differences and not told here. Reads one tensor of each model at a time.
 *
 * @param skipped tensors of the pruned model that are judged elsewhere
 * @throws {OnnxError} when a tensor cannot be read
 */
export function* tensorDifferences(
  original: Model,
  pruned: Model,
  skipped: ReadonlySet<TensorProto>,
): Generator<string> {
  const originals = new Map(placedTensors(original));
  for (const [place, tensor] of placedTensors(pruned)) {
    const counterpart = originals.get(place);
    if (counterpart === undefined || skipped.has(tensor) || !comparable(counterpart, tensor)) continue;
    const before = tensorBytes(original, counterpart);
    const after = tensorBytes(pruned, tensor);
    if (!sameBytes(before, after)) yield `${place}${firstDifference(tensor, before, after)}`;
  }
}

/** Every tensor of a model with a text that names it, the same in both models and unique in each. */
function* placedTensors(model: Model): Generator<[string, TensorProto]> {
  const seen = new Map<string, number>();
  for (const entry of walkTensors(model.proto)) {
    const place = placeOf(entry);
    const count = (seen.get(place) ?? 0) + 1;
    seen.set(place, count);
    yield [count === 1 ? place : `${place} (number ${count})`, entry.tensor];
  }
}

function placeOf({ scope, role, node, attribute, tensor }: TensorEntry): string {
  const where = scope.path.length === 1 ? "" : ` in ${scope.path.join("/")}`;
  if (role === "initializer") return `initializer "${tensor.name}"${where}`;
  if (attribute === undefined) return `${role} of sparse initializer "${tensor.name}"${where}`;
  const owner = node === undefined ? "defaults" : `${node.opType} "${node.name || node.output[0]}"`;
  return `attribute "${attribute.name}"${role === "attribute" ? "" : ` (${role})`} of ${owner}${where}`;
}

/** Strings and numbers of unknown types are no numbers to compare: they are part of the structure. */
function comparable(a: TensorProto, b: TensorProto): boolean {
  const dtype = dtypeName(a.dataType);
  if (dtype === "string" || dtype === "undefined") return false;
  return a.dataType === b.dataType && a.dims.length === b.dims.length && a.dims.every((size, i) => size === b.dims[i]);
}

function firstDifference(tensor: TensorProto, before: Uint8Array, after: Uint8Array): string {
  const was = elementBits(tensor, before);
  const is = elementBits(tensor, after);
  const index = was.findIndex((bits: number | bigint, i: number) => bits !== is[i]);
  return ` at ${indexText(index, tensor.dims.map(Number))}: bits ${hex(was, index)} became ${hex(is, index)}`;
}
