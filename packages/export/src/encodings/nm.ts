import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt } from "./elements.js";
import type { Encoding, StoredTensor } from "./encoding.js";
import { codeRows, isSet, type NmForm, nmBytes, nmForms, patternsOf, storedRows } from "./nm-form.js";
import { groupCodes, groupIndices } from "./nm-groups.js";
import { type ReductionLines, reductionLines } from "./reduction-lines.js";

/**
 * N of every M consecutive input channels, for every output channel and kernel position. A byte holds the patterns of as
 * many groups as fit, in base `patterns` with the first group lowest: of 2:4, which has 6, three groups in 216 values, so
 * that positions take 0.67 bits an element. No sums have to be formed; values are scattered along the input channels:
 *
 *     element[first channel of the code's groups + place[code, i]] = value i of the code's groups
 *
 * Groups with fewer non-zeros store zeros. N, M and the groups of a byte are those of the fewest bytes that hold the tensor.
 * Everything but the result is as large as what is stored, and the values come out in their places: ONNX Runtime keeps all
 * that it folds until the last weight is decoded, so that what counts is how much memory all nodes together write.
 */
export const nm: Encoding = {
  name: "nm",
  opset: 11,
  irVersion: 4,
  plan(tensor) {
    const lines = reductionLines(tensor.axes);
    const [form] = nmForms(tensor.read(), tensor.elementSize, lines);
    if (form === undefined) {
      const refused = `its non-zeros fit no N:M pattern over its ${lines.length} input channels (M of 2, 4, 8 or 16, at most 256 patterns)`;
      return { refused };
    }
    const total = count(tensor.shape);
    return {
      form: `${form.n}:${form.m}`,
      bytes: nmBytes(form, tensor.elementSize, lines),
      largestValue: Math.max(total * tensor.elementSize, ((total * form.n) / form.m) * 4),
      emit: (writer, dims, output) => emit(writer, tensor, form, lines, dims, output),
    };
  },
};

function emit(
  writer: DecoderWriter,
  tensor: StoredTensor,
  form: NmForm,
  lines: ReductionLines,
  dims: readonly number[],
  output: string | undefined,
): string {
  const { dataType, elementSize: size, read } = tensor;
  const { axis, sizes } = scattered(dims, lines);
  const values = () => {
    const bytes = read();
    return elementsAt(bytes, size, groupIndices(bytes, size, form, lines));
  };
  const stored = sizes.with(axis, storedRows(form, lines));
  const packed = writer.tensor("values", { dataType, dims: stored, data: values });
  const inputs = [writer.zeros(dataType, sizes), positions(writer, tensor, form, lines, stored, axis), packed];
  const attributes = { axis: BigInt(axis) };
  if (sizes === dims) return writer.op("weight", "ScatterElements", inputs, attributes, output);
  return writer.reshape("weight", writer.op("scattered", "ScatterElements", inputs, attributes), dims, output);
}

/** The shape in which values are scattered, and along which axis: the result's own where one axis of it holds the lines. */
function scattered(dims: readonly number[], { outer, length, inner }: ReductionLines) {
  const axis = dims.findIndex((size, index) => size === length && count(dims.slice(0, index)) === outer);
  return axis < 0 ? { axis: 1, sizes: [outer, length, inner] } : { axis, sizes: dims };
}

/** Adds the nodes that compute the input channel of every stored value, in the shape of the values. */
function positions(
  writer: DecoderWriter,
  { elementSize: size, read }: StoredTensor,
  form: NmForm,
  lines: ReductionLines,
  stored: readonly number[],
  axis: number,
): string {
  const { outer, length, inner } = lines;
  const rows = codeRows(form, lines);
  const codes = writer.tensor("codes", {
    dataType: DataType.UINT8,
    dims: [outer, rows, inner],
    data: () => groupCodes(read(), size, form, lines),
  });
  const name = `nm/${form.n}of${form.m}x${form.perCode}`;
  const table = writer.bytes(name, [form.n * form.perCode, 256], () => placeTable(form));
  const places = writer.op("places", "Gather", [table, writer.cast("code", codes, DataType.INT32)], { axis: 1n });
  const turned = outer === 1 ? places : writer.op("turned", "Transpose", [places], { perm: [1n, 0n, 2n, 3n] });
  const offsets = writer.cast("offsets", writer.reshape("rows", turned, stored), DataType.INT32);
  const firstsShape = stored.slice(axis).map((entries, index) => (index === 0 ? entries : 1));
  const firsts = writer.table(`${name}/${[length, ...firstsShape].join("x")}`, firstsShape, () =>
    Int32Array.from({ length: stored[axis]! }, (_, row) => (row % rows) * form.perCode * form.m),
  );
  return writer.op("positions", "Add", [offsets, firsts]);
}

/** `[stored elements of a code, 256]`: how far each lies behind the first input channel of the code's groups. */
function placeTable(form: NmForm): Uint8Array<ArrayBuffer> {
  const { m, perCode } = form;
  const patterns = patternsOf(form);
  const table = new Uint8Array(256 * form.n * perCode);
  for (let code = 0; code < patterns.length ** perCode; code++) {
    let at = code;
    for (let group = 0, rest = code; group < perCode; group++, rest = Math.floor(rest / patterns.length)) {
      for (let position = 0; position < m; position++) {
        if (!isSet(patterns[rest % patterns.length]!, position)) continue;
        table[at] = group * m + position;
        at += 256;
      }
    }
  }
  return table;
}
