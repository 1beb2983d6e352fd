import { dtypeName } from "../dtype.js";
import type { NodeProto, SparseTensorProto, TensorProto } from "../proto.js";
import { normalDomain } from "./node-names.js";
import type { Scope } from "./scope.js";

/** A constant tensor where it stands. */
export interface ConstantSource {
  /** The value name it has in its scope. */
  readonly name: string;
  /** For a sparse tensor its values. */
  readonly tensor: TensorProto;
  readonly dims: readonly bigint[];
  readonly sparse: boolean;
}

/**
 * The constant numeric tensors of a scope: initializers, sparse initializers, then `Constant` nodes in their order.
 * Strings and booleans are no numbers, and lists that a `Constant` node holds as a plain attribute (`value_floats`) no tensors.
 */
export function constantSources(scope: Scope): ConstantSource[] {
  return [
    ...scope.initializers.map((tensor) => denseSource(tensor.name, tensor)),
    ...scope.sparseInitializers.flatMap((sparse) => sparseSource(sparse.values?.name ?? "", sparse)),
    ...scope.nodes.flatMap(constantNodeSource),
  ].filter(({ tensor }) => !["string", "bool"].includes(dtypeName(tensor.dataType)));
}

function denseSource(name: string, tensor: TensorProto): ConstantSource {
  return { name, tensor, dims: tensor.dims, sparse: false };
}

function sparseSource(name: string, { values, dims }: SparseTensorProto): ConstantSource[] {
  return values ? [{ name, tensor: values, dims, sparse: true }] : [];
}

function constantNodeSource(node: NodeProto): ConstantSource[] {
  if (node.opType !== "Constant" || normalDomain(node.domain) !== "") return [];
  const name = node.output[0] ?? "";
  return node.attribute.flatMap((attribute) => {
    if (attribute.name === "value" && attribute.t) return [denseSource(name, attribute.t)];
    if (attribute.name === "sparse_value" && attribute.sparseTensor) return sparseSource(name, attribute.sparseTensor);
    return [];
  });
}
