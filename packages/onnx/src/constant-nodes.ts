import { makeNode } from "./make-node.js";
import type { Initializers } from "./new-tensor.js";
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  create,
  type NodeProto,
  type SparseTensorProto,
} from "./proto.js";

/**
 * `Constant` nodes with the values of initializers, for functions, which have none. Sparse ones need opset 11. They have no
 * names: names of nodes are unique, and others may be called as values are.
 */
export function constantNodes({ dense, sparse }: Omit<Initializers, "computed">): readonly NodeProto[] {
  const name = { name: "" };
  const constants = dense.map((value) => makeNode("Constant", [], [value.name], { value }, name));
  return [...constants, ...sparse.map(sparseConstant)];
}

function sparseConstant(sparseTensor: SparseTensorProto): NodeProto {
  const node = makeNode("Constant", [], [sparseTensor.values!.name], {}, { name: "" });
  const value = { name: "sparse_value", type: AttributeType.SPARSE_TENSOR, sparseTensor };
  node.attribute.push(create(AttributeProtoSchema, value));
  return node;
}
