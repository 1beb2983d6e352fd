import type { NodeProto, TensorProto } from "@espalier/onnx";

/** A MatMul or Gemm whose right operand is to be lowered. */
export interface ProductSite {
  readonly kind: "product";
  readonly node: NodeProto;
  /** What is multiplied. */
  readonly value: string;
  /** Whether `value` is `[in-features, rows]` instead of `[…, in-features]`: Gemm with `transA`. */
  readonly transposed: boolean;
  /** Factor of the product: Gemm's alpha. */
  readonly factor: number;
  /** Gemm's C and beta. */
  readonly addend?: { readonly value: string; readonly factor: number };
  /** A constant f32 `[outChannels]` that is added to the product, by the Gemm itself or by a node that only does this. */
  readonly bias?: { readonly tensor: TensorProto; readonly add?: NodeProto };
}

/** A Conv with one group. */
export interface ConvSite {
  readonly kind: "conv";
  readonly node: NodeProto;
  readonly value: string;
  /** Sizes of the kernel. */
  readonly kernel: readonly number[];
  /** f32 `[outChannels]`. */
  readonly bias?: TensorProto;
  /** Whether a BatchNormalization reads what it computes, which runtimes fold into a convolution right before it. */
  readonly normalized: boolean;
}

/** A node that reads a weight and could read less. */
export type Site = ProductSite | ConvSite;
