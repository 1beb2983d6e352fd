import { OnnxError } from "./errors.js";
import { isExternal } from "./external-entries.js";
import type { Model, TensorData } from "./model.js";
import { TensorProto_DataType as DataType, type ModelProto, type TensorProto } from "./proto.js";
import { tensorChunks } from "./tensor-chunks.js";
import type { TensorLocation } from "./tensor-location.js";
import { describe, elementCount } from "./tensor-size.js";
import { walkTensors } from "./tensors.js";

/** Where the data of tensors comes from that are encoded anew. */
export interface DataOrigin {
  /** The model whose tensors they may be; its edits come along. */
  readonly model?: Model | undefined;
  /** Data of other tensors. */
  readonly computed: ReadonlyMap<TensorProto, TensorData>;
}

/**
 * The edits that give a newly encoded model all its data. A decoded tensor has no data in it, so encoding it again, inside
 * an attribute of a changed node for one, leaves a tensor without data.
 *
 * @param intended the structure that was encoded, with the tensor objects of the origin
 * @param encoded that structure read back
 * @throws {OnnxError} `shape-mismatch` when a tensor has elements but no data
 */
export function carriedEdits(intended: ModelProto, encoded: Model, origin: DataOrigin): Map<TensorProto, TensorData> {
  const edits = new Map<TensorProto, TensorData>();
  const after = walkTensors(encoded.proto);
  for (const { tensor } of walkTensors(intended)) {
    const target = after.next().value!.tensor;
    const edit = origin.computed.get(tensor) ?? ownData(tensor, target, encoded, origin.model);
    if (edit !== undefined) edits.set(target, edit);
  }
  return edits;
}

function ownData(
  tensor: TensorProto,
  target: TensorProto,
  encoded: Model,
  origin: Model | undefined,
): TensorData | undefined {
  const arrived = hasData(encoded.storage.tensors.get(target)!) || isExternal(target);
  const before = origin?.storage.tensors.get(tensor);
  if (origin === undefined || before === undefined) {
    if (!arrived) checkNeedsNone(tensor);
    return undefined;
  }
  const edit = origin.storage.edits.get(tensor);
  if (edit !== undefined || arrived || !hasData(before)) return edit;
  return () => tensorChunks(origin, tensor);
}

function hasData({ payload }: TensorLocation): boolean {
  return payload.some(({ start, end }) => end > start);
}

function checkNeedsNone(tensor: TensorProto): void {
  if (tensor.dataType === DataType.STRING || elementCount(tensor) === 0) return;
  const message = `${describe(tensor)} has no data: give it some, or as a NewTensor that computes it`;
  throw new OnnxError("shape-mismatch", message);
}
