import { count } from "./elements.js";
import type { Encoding, EncodingPlan, Refusal, StoredTensor } from "./encoding.js";

/** Parts are whole groups of every N:M pattern where they are cut along the input channels. */
const GROUP = 16;

/**
 * Plans how a tensor is stored, in one piece where no value of its decoder takes more than `limit` bytes. Otherwise the
 * tensor is cut along its outermost axis, every part is encoded by itself, and the parts are joined: that helps where
 * intermediate values, int32 indices for instance, take more than the elements do.
 */
export function planWithin(encoding: Encoding, tensor: StoredTensor, limit: number): EncodingPlan | Refusal {
  const whole = encoding.plan(tensor);
  if ("refused" in whole || whole.largestValue <= limit) return whole;
  const bytes = count(tensor.shape) * tensor.elementSize;
  if (bytes > limit) return tooLarge(`it has ${bytes} bytes`, limit);
  const axis = tensor.axes.findIndex(({ size }) => size > 1);
  const outer = tensor.axes[axis]?.size ?? 1;
  for (const rows of partSizes(outer, whole.largestValue / limit)) {
    const plans = plannedParts(encoding, tensor, { axis, outer, rows, limit });
    if (plans !== undefined) return joined(tensor, outer, plans);
  }
  return tooLarge(`its decoder computes a value of ${whole.largestValue} bytes, also in parts`, limit);
}

/** Why a value cannot be computed when the model is loaded. */
export function tooLarge(what: string, limit: number): Refusal {
  return { refused: `${what}: ONNX Runtime computes values of more than ${limit} bytes in every run` };
}

interface PlannedPart {
  readonly rows: number;
  readonly plan: EncodingPlan;
}

/** Rows of a part, for at least so many parts: as many as may do, then a fifth less each time, down to one. */
function* partSizes(outer: number, least: number): Generator<number> {
  let last = 0;
  for (let rows = Math.ceil(outer / Math.ceil(least)); last !== 1; rows = Math.floor(rows * 0.8)) {
    const size = rows < GROUP ? Math.max(rows, 1) : Math.ceil(rows / GROUP) * GROUP;
    if (size !== last) yield size;
    last = size;
  }
}

/** The plans of all parts, undefined where one of them cannot be stored so or takes too much as well. */
function plannedParts(
  encoding: Encoding,
  tensor: StoredTensor,
  cut: { readonly axis: number; readonly outer: number; readonly rows: number; readonly limit: number },
): readonly PlannedPart[] | undefined {
  const plans: PlannedPart[] = [];
  for (let start = 0; start < cut.outer; start += cut.rows) {
    const rows = Math.min(cut.rows, cut.outer - start);
    const plan = encoding.plan(partOf(tensor, { ...cut, start, rows }));
    if ("refused" in plan || plan.largestValue > cut.limit) return undefined;
    plans.push({ rows, plan });
  }
  return plans;
}

/** The elements of some rows, `[rows, elements of a row]`. */
function partOf(
  { dataType, elementSize, shape, axes, read }: StoredTensor,
  { axis, outer, start, rows }: { axis: number; outer: number; start: number; rows: number },
): StoredTensor {
  const inner = count(shape) / outer;
  const bytes = inner * elementSize;
  return {
    dataType,
    elementSize,
    shape: [rows, inner],
    axes: axes.map((one, index) => (index === axis ? { ...one, size: rows } : one)),
    read: () => read().slice(start * bytes, (start + rows) * bytes),
  };
}

function joined({ shape, elementSize }: StoredTensor, outer: number, parts: readonly PlannedPart[]): EncodingPlan {
  const inner = count(shape) / outer;
  return {
    form: [...new Set(parts.map(({ plan }) => plan.form))].join("+"),
    bytes: parts.reduce((sum, { plan }) => sum + plan.bytes, 0),
    largestValue: Math.max(count(shape) * elementSize, ...parts.map(({ plan }) => plan.largestValue)),
    emit(writer, dims, output) {
      const names = parts.map(({ rows, plan }, index) => plan.emit(writer.within(`part${index}`), [rows, inner]));
      const isShape = dims.length === 2 && dims[0] === outer;
      const whole = writer.op("joined", "Concat", names, { axis: 0n }, isShape ? output : undefined);
      return isShape ? whole : writer.reshape("weight", whole, dims, output);
    },
  };
}
