import type { TensorData } from "./model.js";
import {
  create,
  TensorProto_DataType as DataType,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./proto.js";

/** An initializer whose bytes are computed when they are read or written, so that it takes no memory until then. */
export interface NewTensor {
  /** The value's name. */
  readonly name: string;
  /** `TensorProto_DataType` number; one of a fixed element size. */
  readonly dataType: number;
  /** Row-major shape; `[]` is a scalar. */
  readonly dims: readonly number[];
  /** The bytes of all elements, or with `sparse` of the stored ones. */
  readonly data: TensorData;
  /** Makes it a `sparse_initializer`: all other elements are zero. @default dense */
  readonly sparse?: SparseIndices;
}

/** Which elements a sparse tensor stores. */
export interface SparseIndices {
  /** How many. */
  readonly count: number;
  /** `count` int64 row-major indices into the tensor, each greater than the one before. */
  readonly indices: TensorData;
}

/** Initializers as messages, and the data that is not in them. */
export interface Initializers {
  readonly dense: readonly TensorProto[];
  readonly sparse: readonly SparseTensorProto[];
  readonly computed: ReadonlyMap<TensorProto, TensorData>;
}

/** Makes messages of new tensors, without data; complete ones stay as they are. */
export function asMessages(initializers: readonly (TensorProto | NewTensor)[]): Initializers {
  const dense: TensorProto[] = [];
  const sparse: SparseTensorProto[] = [];
  const computed = new Map<TensorProto, TensorData>();
  for (const one of initializers) {
    if ("$typeName" in one) dense.push(one);
    else if (one.sparse === undefined) {
      const tensor = create(TensorProtoSchema, { name: one.name, dataType: one.dataType, dims: one.dims.map(BigInt) });
      dense.push(tensor);
      computed.set(tensor, one.data);
    } else {
      const message = emptySparseTensor(one, one.sparse.count);
      sparse.push(message);
      computed.set(message.values!, one.data).set(message.indices!, one.sparse.indices);
    }
  }
  return { dense, sparse, computed };
}

/** The values carry the name, as the ONNX checker wants. */
function emptySparseTensor({ name, dataType, dims }: NewTensor, count: number): SparseTensorProto {
  const stored = [BigInt(count)];
  return create(SparseTensorProtoSchema, {
    values: { name, dataType, dims: stored },
    indices: { name: `${name}_indices`, dataType: DataType.INT64, dims: stored },
    dims: dims.map(BigInt),
  });
}
