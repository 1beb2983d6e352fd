import { makeNode } from "./make-node.js";
import type { Initializers } from "./new-tensor.js";
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  create,
  type NodeProto,
  type SparseTensorProto,
} from "./proto.js";

/** `Constant` nodes with the values of initializers, for functions, which have none. Sparse ones need opset 11. */
export function constantNodes({ dense, sparse }: Omit<Initializers, "computed">): readonly NodeProto[] {
  return [...dense.map((value) => makeNode("Constant", [], [value.name], { value })), ...sparse.map(sparseConstant)];
}

function sparseConstant(sparseTensor: SparseTensorProto): NodeProto {
  const node = makeNode("Constant", [], [sparseTensor.values!.name]);
  const value = { name: "sparse_value", type: AttributeType.SPARSE_TENSOR, sparseTensor };
  node.attribute.push(create(AttributeProtoSchema, value));
  return node;
}
