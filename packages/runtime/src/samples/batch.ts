import { ARRAY_CLASSES, makeTensor } from "../dtype-arrays.js";
import { elementCount, type Sample, type Tensor } from "../tensor.js";

/**
 * Joins consecutive samples along their first axis. A sample that differs from the ones before it in any size behind the
 * first axis (ragged sequences), or in a dtype, starts a new batch: nothing is padded, nothing is reordered. Samples with a
 * scalar input stay alone.
 *
 * @param samples feeds with the same inputs
 * @param size most samples in a batch, at least 1
 * @returns feeds; their arrays are copies, except in batches of one
 * @throws {RangeError} when `size` is no integer of at least 1
 */
export function* batch(samples: Iterable<Sample>, size: number): Generator<Sample> {
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`batch size ${size}: expected an integer of at least 1`);
  let group: Sample[] = [];
  for (const sample of samples) {
    if (group.length === size || (group.length > 0 && !joinable(group[0]!, sample))) {
      yield join(group);
      group = [];
    }
    group.push(sample);
  }
  if (group.length > 0) yield join(group);
}

function joinable(a: Sample, b: Sample): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => stackable(a[name]!, b[name]));
}

function stackable(a: Tensor, b: Tensor | undefined): boolean {
  if (b === undefined || a.dtype !== b.dtype || a.dims.length === 0 || a.dims.length !== b.dims.length) return false;
  return a.dims.every((dim, axis) => axis === 0 || dim === b.dims[axis]);
}

function join(group: readonly Sample[]): Sample {
  const [first] = group;
  if (group.length === 1) return first!;
  return Object.fromEntries(Object.keys(first!).map((name) => [name, stack(group.map((sample) => sample[name]!))]));
}

function stack(tensors: readonly Tensor[]): Tensor {
  const { dtype, dims } = tensors[0]!;
  const rows = tensors.reduce((sum, tensor) => sum + tensor.dims[0]!, 0);
  const joined = [rows, ...dims.slice(1)];
  if (dtype === "string") {
    return makeTensor(
      dtype,
      joined,
      tensors.flatMap((tensor) => tensor.data as readonly string[]),
    );
  }
  const data = new ARRAY_CLASSES[dtype](elementCount(joined)) as Float64Array;
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data as Float64Array, at);
    at += tensor.data.length;
  }
  return makeTensor(dtype, joined, data);
}
