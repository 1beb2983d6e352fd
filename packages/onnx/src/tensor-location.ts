/** A stretch of bytes, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A length-delimited message: `[at, start)` holds its length prefix, `[start, end)` its fields. */
export interface MessageSpan extends Span {
  /** Offset of the length prefix. */
  readonly at: number;
  /** The message around it; absent when that is the model itself, which has no prefix. */
  readonly parent: MessageSpan | undefined;
}

/** A run of numeric data of one field of a `TensorProto`. */
export interface PayloadSpan extends Span {
  /** Field number. */
  readonly field: number;
  /**
   * `true`: `[start, end)` is the content of one length-delimited record (`raw_data` or a packed list).
   * `false`: it is a run of records, each a tag and one value.
   */
  readonly packed: boolean;
  /** Where the record with its tag starts, or the first of a run. It ends with the data. */
  readonly recordStart: number;
}

/** Where in the file a tensor and its data lie. */
export interface TensorLocation {
  readonly message: MessageSpan;
  /** In file order; empty for tensors that have no data, string data or external data. */
  readonly payload: readonly PayloadSpan[];
  /** Records of `external_data`, as many and in the same order as in the decoded tensor. */
  readonly externalData: readonly Span[];
  /** Records of `data_location`. */
  readonly dataLocation: readonly Span[];
}
