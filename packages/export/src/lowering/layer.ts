/** How a weight is computed from its blocks. */
export type LoweredForm =
  /** For every run of block-columns that keep the same inputs: those inputs gathered, and a product of its own; joined. */
  | "multi"
  /** All inputs gathered at once, and one batched product with a matrix per block-column. */
  | "bmm"
  /** All block-columns keep the same inputs: gathered once, one product. */
  | "shared";

/** {@link LoweredForm}, or left as it is. */
export type Form = LoweredForm | "dense";

/** What lowered models run on. */
export type LoweringTarget = "ort-node" | "ort-web";

/** The numbers that are multiplied: `int8` quantises weights per out channel and inputs while the model runs. */
export type LoweredValues = "f32" | "int8";

/** In-features `bk` and out channels `bn` of a block, as `blocks:BKxBN` writes them. */
export interface BlockSize {
  readonly bk: number;
  readonly bn: number;
}

/** A weight that can be lowered, as the choice of its form sees it. */
export interface BlockLayer {
  /** The weight's name. */
  readonly weight: string;
  /** The blocks it is cut into. */
  readonly blocks: BlockSize;
  readonly op: "product" | "conv";
  readonly outChannels: number;
  readonly inFeatures: number;
  /** Kernel positions of a convolution; 1 for products. */
  readonly positions: number;
  /** In-features that are gathered together; of a convolution, input channels. */
  readonly unit: number;
  /** Out channels of the narrowest product that the form `multi` makes, a ragged last one aside. */
  readonly width: number;
  /** Products that the form `multi` makes. */
  readonly runs: number;
  /** Entries that are still multiplied, as a fraction of all, in (0, 1]. */
  readonly density: number;
  /** Rows of the input in one run of the model (tokens, batch included): given or declared; undefined where it is unknown. */
  readonly rows: number | undefined;
  readonly target: LoweringTarget;
  readonly values: LoweredValues;
  /** The forms that compute it: `shared` alone, or `multi` and for products `bmm`. */
  readonly forms: readonly LoweredForm[];
}

/** The form that was chosen for a weight. */
export interface Choice {
  readonly form: Form;
  /** One sentence. */
  readonly reason: string;
  /** Time of the dense operator / time of this form, as far as it is known. */
  readonly speedup?: number;
}
