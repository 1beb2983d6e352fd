import type { NodeProto } from "@espalier/onnx";
import { intsOf, textOf } from "./attributes.js";

/** How the kernel of a convolution or pool moves along one axis. */
export interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Entries of zeros at both ends; `same-upper` and `same-lower` follow from the size of the input. */
  readonly padding: Padding | "same-upper" | "same-lower";
}

/** Entries of zeros at the ends of an axis. */
export interface Padding {
  readonly begin: number;
  readonly end: number;
}

/**
 * The windows of a Conv or pool, one for each spatial axis.
 *
 * @see https://github.com/onnx/onnx/blob/main/docs/Operators.md#Conv
 */
export function windowsOf(node: NodeProto, kernel: readonly number[]): readonly Window[] {
  const [strides, dilations, pads] = [intsOf(node, "strides"), intsOf(node, "dilations"), intsOf(node, "pads")];
  const auto = textOf(node, "auto_pad") ?? "NOTSET";
  return kernel.map((size, axis) => ({
    kernel: size,
    stride: strides?.[axis] ?? 1,
    dilation: dilations?.[axis] ?? 1,
    padding: paddingOf(auto, { begin: pads?.[axis] ?? 0, end: pads?.[axis + kernel.length] ?? 0 }),
  }));
}

function paddingOf(auto: string, explicit: Padding): Window["padding"] {
  if (auto === "SAME_UPPER") return "same-upper";
  if (auto === "SAME_LOWER") return "same-lower";
  return auto === "VALID" ? { begin: 0, end: 0 } : explicit;
}

/** The zeros at both ends of an axis of this size. */
export function paddingFor({ kernel, stride, dilation, padding }: Window, size: number): Padding {
  if (typeof padding !== "string") return padding;
  const windows = Math.ceil(size / stride);
  const total = Math.max(0, (windows - 1) * stride + dilation * (kernel - 1) + 1 - size);
  const half = Math.floor(total / 2);
  return padding === "same-upper" ? { begin: half, end: total - half } : { begin: total - half, end: half };
}

/** Positions of the kernel on an axis of this size. */
export function windowCount(window: Window, size: number): number {
  if (typeof window.padding === "string") return Math.ceil(size / window.stride);
  const { begin, end } = window.padding;
  return Math.floor((size + begin + end - window.dilation * (window.kernel - 1) - 1) / window.stride) + 1;
}
