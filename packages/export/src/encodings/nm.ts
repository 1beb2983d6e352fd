import { TensorProto_DataType as DataType, elementSize, makeNode, makeTensor } from "@espalier/onnx";
import type { DecoderWriter } from "./decoder-writer.js";
import { count, elementsAt } from "./elements.js";
import type { Encoding, StoredTensor } from "./encoding.js";
import { isSet, type NmForm, nmBytes, nmForms, patternsOf } from "./nm-form.js";
import { groupCodes, groupIndices } from "./nm-groups.js";
import { type AxisOrder, inverse, permuted, reductionLast } from "./permuted.js";

/**
 * N of every M consecutive input channels, for every output channel and kernel position. A byte holds the patterns of as
 * many groups as fit, in base `patterns` with the first group lowest: of 2:4, which has 6, three groups in 216 values, so
 * that positions take 0.67 bits an element. No sums have to be formed:
 *
 *     element[code, i] = ([0, values of the code's groups])[place[code, i]]
 *
 * Groups with fewer non-zeros store zeros. N, M and the groups of a byte are those of the fewest bytes that hold the tensor.
 */
export const nm: Encoding = {
  name: "nm",
  opset: 11,
  irVersion: 4,
  plan(tensor) {
    const order = reductionLast(tensor.axes);
    const [form] = nmForms(permuted(tensor.read(), tensor.elementSize, order), tensor.elementSize, order.run);
    if (form === undefined) {
      const refused = `its non-zeros fit no N:M pattern over its ${order.run} input channels (M of 2, 4, 8 or 16, at most 256 patterns)`;
      return { refused };
    }
    const total = count(tensor.shape);
    return {
      form: `${form.n}:${form.m}`,
      bytes: nmBytes(form, total, tensor.elementSize),
      largestValue: total * Math.max(4, tensor.elementSize),
      emit: (writer, dims, output) => emit(writer, tensor, form, order, dims, output),
    };
  },
};

function emit(
  writer: DecoderWriter,
  tensor: StoredTensor,
  form: NmForm,
  order: AxisOrder,
  dims: readonly number[],
  output: string | undefined,
): string {
  const { dataType, elementSize: size } = tensor;
  const width = form.m * form.perCode;
  const stored = form.n * form.perCode;
  const codes = count(tensor.shape) / width;
  const grouped = () => permuted(tensor.read(), size, order);
  const values = () => {
    const bytes = grouped();
    return elementsAt(bytes, size, groupIndices(bytes, form, size));
  };
  const code = writer.tensor("codes", {
    dataType: DataType.UINT8,
    dims: [codes],
    data: () => groupCodes(grouped(), form, size),
  });
  const packed = writer.tensor("values", { dataType, dims: [codes, stored], data: values });
  const places = writer.table(`nm/${form.n}of${form.m}x${form.perCode}`, [256, width], () => placeTable(form));
  const place = writer.op("places", "Gather", [places, writer.cast("code", code, DataType.INT32)]);
  const padded = writer.op("padded", "Concat", [zeroColumn(writer, dataType, codes), packed], { axis: 1n });
  const expanded = writer.op("expanded", "GatherElements", [padded, place], { axis: 1n });
  if (order.isSame) return writer.reshape("weight", expanded, dims, output);
  return bufferOrder(writer, expanded, order, dims, output);
}

/** Moves the axes back to where the buffer has them. */
function bufferOrder(
  writer: DecoderWriter,
  expanded: string,
  { sizes, order }: AxisOrder,
  dims: readonly number[],
  output: string | undefined,
): string {
  const perm = inverse(order).map(BigInt);
  const input = writer.reshape(
    "ordered",
    expanded,
    order.map((axis) => sizes[axis]!),
  );
  const isShape = sizes.length === dims.length && sizes.every((length, axis) => length === dims[axis]);
  if (isShape) return writer.op("weight", "Transpose", [input], { perm }, output);
  return writer.reshape("weight", writer.op("moved", "Transpose", [input], { perm }), dims, output);
}

function zeroColumn(writer: DecoderWriter, dataType: number, length: number): string {
  const dims = writer.integers([length, 1]);
  const value = makeTensor("", [1], { dataType, bytes: new Uint8Array(elementSize(dataType)) });
  return writer.shared.node(`zeros/${dataType}x${length}x1`, (output) =>
    makeNode("ConstantOfShape", [dims], [output], { value }),
  );
}

/** `[256, elements of a code]`: 0 for a zero, otherwise 1 + where among the values of the code's groups the element is. */
function placeTable(form: NmForm): Int32Array<ArrayBuffer> {
  const { n, m, perCode } = form;
  const patterns = patternsOf(form);
  const table = new Int32Array(256 * m * perCode);
  for (let code = 0; code < patterns.length ** perCode; code++) {
    for (let group = 0, rest = code; group < perCode; group++, rest = Math.floor(rest / patterns.length)) {
      let place = 1 + group * n;
      for (let position = 0; position < m; position++) {
        if (!isSet(patterns[rest % patterns.length]!, position)) continue;
        table[(code * perCode + group) * m + position] = place++;
      }
    }
  }
  return table;
}
