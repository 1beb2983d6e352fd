import {
  TensorProto_DataType as DataType,
  dtypeName,
  makeValueInfo,
  type ValueInfoProto,
  withFields,
} from "@espalier/onnx";
import type { Dtype } from "@espalier/runtime";

const ELEM_TYPES: ReadonlyMap<string, DataType> = new Map(
  Object.values(DataType)
    .filter((value) => typeof value === "number")
    .map((value) => [dtypeName(value), value]),
);

/** An input of this type and rank, whose sizes may differ from run to run. */
export function openInput(
  name: string,
  type: { readonly dtype: Dtype; readonly dims: readonly number[] },
): ValueInfoProto {
  const sizes = type.dims.map((_, axis) => `${name}_${axis}`);
  return makeValueInfo(name, ELEM_TYPES.get(type.dtype)!, sizes);
}

/** An output of which ONNX Runtime finds out the type. */
export function untypedOutput(name: string): ValueInfoProto {
  return withFields(makeValueInfo(name, DataType.UNDEFINED), { type: undefined } as unknown as Partial<ValueInfoProto>);
}
