import type { Model } from "./model.js";
import { literal, type Splice } from "./splice.js";
import { METADATA_PROPS } from "./wire-plan.js";
import { stringEntryRecord } from "./wire-record.js";

/** The model-level metadata (`metadata_props`), edits included. Of a key that appears twice the last value counts. */
export function metadata(model: Model): Map<string, string> {
  const entries = new Map(model.proto.metadataProps.map(({ key, value }) => [key, value]));
  for (const [key, value] of model.storage.metadataEdits) entries.set(key, value);
  return entries;
}

/**
 * A model whose metadata has the given keys set; everything else stays where it is. A key that is already there gets its
 * new value in its old place, a new one is appended.
 *
 * @param entries key → value; setting a key to the value it has changes nothing
 */
export function withMetadata(model: Model, entries: ReadonlyMap<string, string>): Model {
  const metadataEdits = new Map([...model.storage.metadataEdits, ...entries]);
  return { ...model, storage: { ...model.storage, metadataEdits } };
}

/** The changes of the file that set the edited metadata. */
export function metadataSplices({ proto, storage }: Model): readonly Splice[] {
  return [...storage.metadataEdits].flatMap(([key, value]) => {
    const index = proto.metadataProps.findLastIndex((entry) => entry.key === key);
    if (proto.metadataProps[index]?.value === value) return [];
    // Protobuf messages concatenate: a record at the very end of the file belongs to the model.
    const place = storage.metadata[index] ?? { start: storage.source.size, end: storage.source.size };
    return [literal(place.start, place.end, stringEntryRecord(METADATA_PROPS, key, value))];
  });
}
