import { type Model, prunableWeights, type TensorProto, walkTensors } from "@espalier/onnx";

/** What names of the parts of a weight begin with, see docs/export-formats.md: its own name follows, and `/`. */
const PARTS = /^(?:espalier\d*\/weights|blocks\d*)\/(.*)$/;

/**
 * The tensors that stand in the place of weights: the weight itself where it stayed, values and index of its encoding, or its
 * packed blocks. Tables that weights share are nobody's.
 *
 * @param given the model before, whose own names are no parts
 * @param names of weights
 * @returns none for a weight that is gone
 */
export function storedParts(
  given: Model,
  exported: Model,
  names: readonly string[],
): ReadonlyMap<string, readonly TensorProto[]> {
  const parts = new Map(names.map((name) => [name, [] as TensorProto[]]));
  for (const weight of prunableWeights(exported)) if (weight.prunable) parts.get(weight.name)?.push(weight.tensor);
  const owners = new Map([...parts].filter(([, found]) => found.length === 0));
  const before = new Set([...walkTensors(given.proto)].map(({ tensor }) => tensor.name));
  let owner: TensorProto[] | undefined;
  for (const { tensor, role, scope } of walkTensors(exported.proto)) {
    // Indices follow their values, which are called as the weight is where it stands.
    const around = scope.path.length === 1 ? "" : `${scope.path.join("/")}/`;
    if (role === "sparse-values") owner = owners.get(around + tensor.name);
    else if (role !== "sparse-indices") owner = before.has(tensor.name) ? undefined : ownerOf(tensor.name, owners);
    owner?.push(tensor);
  }
  return parts;
}

/** Names of weights may have slashes, and one may begin with another: the longest that fits. */
function ownerOf<T>(name: string, owners: ReadonlyMap<string, T>): T | undefined {
  const path = PARTS.exec(name)?.[1]?.split("/") ?? [];
  for (let length = path.length - 1; length > 0; length--) {
    const owner = owners.get(path.slice(0, length).join("/"));
    if (owner !== undefined) return owner;
  }
  return undefined;
}
