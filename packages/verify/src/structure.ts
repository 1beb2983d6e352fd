/**
 * How a tensor's numbers are stored, which says nothing about what they are: they are compared as numbers instead. The
 * model's metadata is compared as keys and values.
 */
const IGNORED: Readonly<Record<string, ReadonlySet<string>>> = {
  "onnx.TensorProto": new Set([
    "rawData",
    "floatData",
    "int32Data",
    "int64Data",
    "doubleData",
    "uint64Data",
    "dataLocation",
    "externalData",
  ]),
  "onnx.ModelProto": new Set(["metadataProps"]),
};

/** Fields by which people know an entry of a list, best first. */
const LABELS = ["name", "key", "output", "domain", "opType"] as const;

type Message = Readonly<Record<string, unknown>>;

/**
 * Every difference between two protobuf messages, each as one line that names the place: field names as in code, list
 * entries by index and name. Unknown fields count; how tensors store their numbers does not.
 *
 * @param at the place of the messages themselves
 */
export function* structuralDifferences(original: unknown, pruned: unknown, at: string): Generator<string> {
  if (Array.isArray(original) && Array.isArray(pruned)) yield* listDifferences(original, pruned, at);
  else if (isMessage(original) && isMessage(pruned)) yield* fieldDifferences(original, pruned, at);
  else if (!sameScalar(original, pruned)) yield `${at}: ${shown(original)} became ${shown(pruned)}`;
}

function* fieldDifferences(original: Message, pruned: Message, at: string): Generator<string> {
  const ignored = IGNORED[String(original.$typeName)];
  for (const field of new Set([...Object.keys(original), ...Object.keys(pruned)])) {
    if (ignored?.has(field)) continue;
    yield* structuralDifferences(original[field], pruned[field], at === "" ? field : `${at}.${field}`);
  }
}

function* listDifferences(original: readonly unknown[], pruned: readonly unknown[], at: string): Generator<string> {
  if (original.length !== pruned.length) {
    const counts = `${at}: ${original.length} entries became ${pruned.length}`;
    yield [counts, listed("gone", missingFrom(pruned, original)), listed("new", missingFrom(original, pruned))]
      .filter((part) => part !== "")
      .join(", ");
    return; // entry by entry, everything after the gap would differ
  }
  for (const [index, entry] of original.entries()) {
    if (sameScalar(entry, pruned[index])) continue; // before a path is put together: lists of numbers are long
    yield* structuralDifferences(
      entry,
      pruned[index],
      `${at}[${index}]${isMessage(entry) ? quoted(labelOf(entry)) : ""}`,
    );
  }
}

/** Labels of entries that a list has more often than the other. */
function missingFrom(list: readonly unknown[], other: readonly unknown[]): string[] {
  const left = list.map(labelOf);
  return other.map(labelOf).filter((label) => {
    const index = left.indexOf(label);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}

function listed(word: string, labels: readonly string[]): string {
  if (labels.length === 0) return "";
  const more = labels.length > 3 ? ` and ${labels.length - 3} more` : "";
  return `${word}: ${labels.slice(0, 3).map(shown).join(", ")}${more}`;
}

function labelOf(entry: unknown): string {
  if (!isMessage(entry)) return typeof entry === "object" ? "" : String(entry);
  for (const field of LABELS) {
    const value = Array.isArray(entry[field]) ? entry[field][0] : entry[field];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

function quoted(label: string): string {
  return label === "" ? "" : ` ${shown(label)}`;
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function sameScalar(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  return Object.is(a, b);
}

/** A value for a message, cut where it would flood it. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value instanceof Uint8Array) return shown(Buffer.from(value).toString());
  if (typeof value === "object") return "something else";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
