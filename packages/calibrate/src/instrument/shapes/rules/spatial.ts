import { type Window, windowCount, windowsOf } from "../../window.js";
import { type Dim, fixed, product, type Shape, sizeOf } from "../dim.js";
import { type Rule, type RuleInput, shapes } from "../rule.js";
import type { Symbols } from "../symbols.js";

/** Conv, FusedConv. */
export const conv: Rule = (input) => {
  const [x, w] = [input.shape(0), input.shape(1)];
  const outChannels = w?.[0];
  const kernel = input.ints("kernel_shape") ?? w?.slice(2).map((dim) => sizeOf(dim) ?? 0);
  if (!x || !outChannels || kernel?.length !== x.length - 2) return [];
  return shapes([x[0]!, outChannels, ...outputSizes(input, x, kernel)]);
};

/** MaxPool, AveragePool, LpPool. */
export const pool: Rule = (input) => {
  const [x, kernel] = [input.shape(0), input.ints("kernel_shape")];
  if (!x || kernel?.length !== x.length - 2) return [];
  const sizes =
    input.int("ceil_mode", 0) === 0 ? outputSizes(input, x, kernel) : kernel.map(() => input.symbols.fresh());
  const shape = [x[0]!, x[1]!, ...sizes];
  return shapes(shape, shape);
};

/** GlobalAveragePool, GlobalMaxPool, GlobalLpPool. */
export const globalPool: Rule = ({ shape }) => shapes(shape(0)?.map((dim, axis) => (axis < 2 ? dim : fixed(1))));

/** ConvTranspose. */
export const convTranspose: Rule = (input) => {
  const [x, w] = [input.shape(0), input.shape(1)];
  if (!x || !w) return [];
  const spatial = x
    .slice(2)
    .map((dim, axis) =>
      input.symbols.derived(`ConvTranspose ${attributesText(input)} axis ${axis}`, [dim, w[axis + 2] ?? fixed(1)]),
    );
  return shapes([x[0]!, product(w[1]!, fixed(input.int("group", 1))), ...spatial]);
};

/** Resize, Upsample: sizes where they are constant, else named by what they are computed from. */
export const resize: Rule = (input) => {
  const x = input.shape(0);
  if (!x || input.ints("axes") !== undefined) return [];
  const sizes = input.entries(3);
  if (sizes?.values.length === x.length) return shapes(sizes.values);
  const scales = (input.node.opType === "Resize" ? input.value(2) : undefined)?.floats ?? input.value(1)?.floats;
  if (scales?.length !== x.length) return shapes(x.map(() => input.symbols.fresh()));
  return shapes(x.map((dim, axis) => scaled(dim, scales[axis]!, input.symbols)));
};

function scaled(dim: Dim, scale: number, symbols: Symbols): Dim {
  const size = sizeOf(dim);
  if (scale === 1) return dim;
  return size === undefined ? symbols.derived(`scale ${scale}`, [dim]) : fixed(Math.floor(size * scale));
}

function outputSizes(input: RuleInput, x: Shape, kernel: readonly number[]): readonly Dim[] {
  return windowsOf(input.node, kernel).map((window, axis) => outputSize(window, x[axis + 2]!, input.symbols));
}

function outputSize(window: Window, dim: Dim, symbols: Symbols): Dim {
  const size = sizeOf(dim);
  if (size !== undefined) return fixed(windowCount(window, size));
  const { kernel, stride, dilation, padding } = window;
  const keepsSize =
    stride === 1 && (typeof padding === "string" || padding.begin + padding.end === dilation * (kernel - 1));
  return keepsSize ? dim : symbols.derived(`windows ${JSON.stringify(window)}`, [dim]);
}

function attributesText({ node }: RuleInput): string {
  return JSON.stringify(node.attribute, (_, value) => (typeof value === "bigint" ? Number(value) : value));
}
