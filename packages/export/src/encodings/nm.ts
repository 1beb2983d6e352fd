import { TensorProto_DataType as DataType } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt } from "./elements.js";
import type { Encoding, StoredTensor } from "./encoding.js";
import { codeRows, isSet, type NmForm, nmBytes, nmForms, patternsOf } from "./nm-form.js";
import { groupCodes, groupIndices } from "./nm-groups.js";
import { type ReductionLines, reductionLines } from "./reduction-lines.js";

/**
 * N of every M consecutive input channels, for every output channel and kernel position. A byte holds the patterns of as
 * many groups as fit, in base `patterns` with the first group lowest: of 2:4, which has 6, three groups in 216 values, so
 * that positions take 0.67 bits an element. No sums have to be formed: each byte's values are scattered over its channels.
 *
 *     element[place[code, i]] = value i of the code's groups
 *
 * Groups with fewer non-zeros store zeros. N, M and the groups of a byte are those of the fewest bytes that hold the tensor.
 *
 * A scatter over whole lines would need no Reshape, and so a tenth less memory, but takes three times as long: ONNX Runtime
 * goes through each line by itself, and elements of a line are a row of the matrix apart.
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
  { dataType, elementSize: size, read }: StoredTensor,
  form: NmForm,
  lines: ReductionLines,
  dims: readonly number[],
  output: string | undefined,
): string {
  const { n, m, perCode } = form;
  const { inner } = lines;
  const rows = codeRows(form, lines);
  const values = () => {
    const bytes = read();
    return elementsAt(bytes, size, groupIndices(bytes, size, form, lines));
  };
  const data = () => groupCodes(read(), size, form, lines);
  const codes = writer.tensor("codes", { dataType: DataType.UINT8, dims: [rows, inner], data });
  const packed = writer.tensor("values", { dataType, dims: [rows, n * perCode, inner], data: values });
  const inputs = [writer.zeros(dataType, [rows, m * perCode, inner]), positions(writer, form, codes), packed];
  const scattered = writer.op("scattered", "ScatterElements", inputs, { axis: 1n });
  return writer.reshape("weight", scattered, dims, output);
}

/** Adds the nodes that compute where among a code's channels each of its values stands, in the shape of the values. */
function positions(writer: DecoderWriter, form: NmForm, codes: string): string {
  const { n, m, perCode } = form;
  const table = writer.bytes(`nm/${n}of${m}x${perCode}`, [256, n * perCode], () => placeTable(form));
  const places = writer.op("places", "Gather", [table, writer.cast("code", codes, DataType.INT32)]);
  return writer.cast("positions", writer.op("turned", "Transpose", [places], { perm: [0n, 2n, 1n] }), DataType.INT32);
}

/** `[256, stored elements of a code]`: how far each lies behind the first input channel of the code's groups. */
function placeTable(form: NmForm): Uint8Array<ArrayBuffer> {
  const { n, m, perCode } = form;
  const patterns = patternsOf(form);
  const table = new Uint8Array(256 * n * perCode);
  for (let code = 0; code < patterns.length ** perCode; code++) {
    let at = code * n * perCode;
    for (let group = 0, rest = code; group < perCode; group++, rest = Math.floor(rest / patterns.length)) {
      for (let position = 0; position < m; position++) {
        if (isSet(patterns[rest % patterns.length]!, position)) table[at++] = group * m + position;
      }
    }
  }
  return table;
}
