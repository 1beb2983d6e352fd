import { isExternal } from "./external-entries.js";
import type { Model } from "./model.js";
import { TensorProto_DataLocation as DataLocation, type TensorProto } from "./proto.js";
import type { NestedSplice, Splice } from "./splice.js";
import { effectivePayload, exactSpan, tensorLocation } from "./stored-data.js";
import { tensorChunks } from "./tensor-chunks.js";
import type { Span, TensorLocation } from "./tensor-location.js";
import { tensorByteLength } from "./tensor-size.js";
import { TensorField } from "./wire-plan.js";
import { concat, recordHeader, stringEntryRecord, varintBytes } from "./wire-record.js";

/**
 * Where a tensor's data is to be in what is written, when it does not stay where it is:
 *
 * - `model`: in the model file, as `raw_data`
 * - `file`: in a data file, described by new entries
 * - `entries`: outside as before, but entries of `external_data` have to say something else
 */
export type Placement =
  | { readonly to: "model" }
  | { readonly to: "file"; readonly location: string; readonly offset: number; readonly length: number }
  | {
      readonly to: "entries";
      /** New name of the file. */
      readonly location?: string;
      /** New place in the file. */
      readonly offset?: number;
      /** The file has other bytes than the `checksum` entry was computed for. */
      readonly dropChecksum: boolean;
    };

/** Changes of the model file that a tensor's new data or place needs. */
export function tensorSplices(
  model: Model,
  tensor: TensorProto,
  placement: Placement | undefined,
): readonly NestedSplice[] {
  const location = tensorLocation(model, tensor);
  if (placement?.to === "file") return outwardSplices(location, placement);
  if (placement?.to === "entries") return entrySplices(tensor, location, placement);
  const stays = placement === undefined;
  if (isExternal(tensor) && stays) return [];
  if (stays && !model.storage.edits.has(tensor)) return [];
  const data = () => tensorChunks(model, tensor);
  const length = tensorByteLength(tensor);
  if (length === 0 && stays) return [];
  const inPlace = isExternal(tensor) ? undefined : exactSpan(effectivePayload(tensor, location), length);
  const message = location.message;
  if (inPlace !== undefined) return [{ start: inPlace.start, end: inPlace.end, length, data, message }];
  return inwardSplices(location, length, data);
}

/** The data becomes `raw_data`, whatever held it before. */
function inwardSplices(location: TensorLocation, length: number, data: Splice["data"]): readonly NestedSplice[] {
  const { message } = location;
  const old = storageRecords(location);
  if (length === 0) return old.map((span) => replace(location, span, new Uint8Array(0)));
  const at = Math.min(message.end, ...old.map(({ start }) => start));
  return [
    replace(location, { start: at, end: at }, recordHeader(TensorField.rawData, length)),
    { start: at, end: at, length, data, message },
    ...old.map((span) => replace(location, span, new Uint8Array(0))),
  ];
}

/** The data leaves the model file. */
function outwardSplices(location: TensorLocation, placement: Placement & { to: "file" }): readonly NestedSplice[] {
  const { message } = location;
  const old = storageRecords(location);
  const entries = concat([
    stringEntryRecord(TensorField.externalData, "location", placement.location),
    stringEntryRecord(TensorField.externalData, "offset", String(placement.offset)),
    stringEntryRecord(TensorField.externalData, "length", String(placement.length)),
    varintBytes(TensorField.dataLocation * 8),
    varintBytes(DataLocation.EXTERNAL),
  ]);
  const at = Math.min(message.end, ...old.map(({ start }) => start));
  return [
    replace(location, { start: at, end: at }, entries),
    ...old.map((span) => replace(location, span, new Uint8Array(0))),
  ];
}

/** All fields that say where the data is or hold it. */
function storageRecords({ payload, externalData, dataLocation }: TensorLocation): readonly Span[] {
  return [...payload.map(({ recordStart, end }) => ({ start: recordStart, end })), ...externalData, ...dataLocation];
}

/** The data was and stays outside: only entries that say something else now are written. */
function entrySplices(
  tensor: TensorProto,
  location: TensorLocation,
  placement: Placement & { to: "entries" },
): readonly NestedSplice[] {
  const place = (key: string): Span => {
    const index = tensor.externalData.findLastIndex((entry) => entry.key === key);
    const { end } = location.externalData.at(-1)!;
    return location.externalData[index] ?? { start: end, end };
  };
  const set = (key: string, value: string | undefined): readonly NestedSplice[] =>
    value === undefined ? [] : [replace(location, place(key), stringEntryRecord(TensorField.externalData, key, value))];
  const checksums = tensor.externalData.flatMap(({ key }, index) =>
    key === "checksum" && placement.dropChecksum ? [location.externalData[index]!] : [],
  );
  return [
    ...set("location", placement.location),
    ...set("offset", placement.offset?.toString()),
    ...checksums.map((span) => replace(location, span, new Uint8Array(0))),
  ];
}

function replace({ message }: TensorLocation, span: Span, bytes: Uint8Array): NestedSplice {
  return { start: span.start, end: span.end, length: bytes.length, data: () => [bytes], message };
}
