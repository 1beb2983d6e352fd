import { create, type TensorProto_DataType as DataType, type ValueInfoProto, ValueInfoProtoSchema } from "./proto.js";

/**
 * The declaration of a tensor: of an input, an output or a value in between.
 *
 * @param elemType as `TensorProto.data_type` writes it
 * @param dims a number fixes a size, a text names a free one; absent = any rank
 */
export function makeValueInfo(name: string, elemType: DataType, dims?: readonly (number | string)[]): ValueInfoProto {
  const shape = dims && { shape: { dim: dims.map(dimension) } };
  return create(ValueInfoProtoSchema, { name, type: { value: { case: "tensorType", value: { elemType, ...shape } } } });
}

function dimension(size: number | string) {
  return typeof size === "string"
    ? { value: { case: "dimParam" as const, value: size } }
    : { value: { case: "dimValue" as const, value: BigInt(size) } };
}
