import type { MessageSpan, PayloadSpan, Span, TensorLocation } from "./tensor-location.js";

/**
 * Tells the places of tensors whose file now starts `by` bytes further on. Tensors keep sharing the messages around them,
 * because lengths of messages are counted by object when tensors grow.
 */
export function locationShift(by: number): (location: TensorLocation) => TensorLocation {
  const moved = new Map<MessageSpan, MessageSpan>();
  const shift = <Part extends Span>(part: Part): Part => ({ ...part, start: part.start + by, end: part.end + by });
  const message = (span: MessageSpan): MessageSpan => {
    const before = moved.get(span);
    if (before !== undefined) return before;
    const after = { ...shift(span), at: span.at + by, parent: span.parent && message(span.parent) };
    moved.set(span, after);
    return after;
  };
  return (location) => ({
    message: message(location.message),
    payload: location.payload.map((span): PayloadSpan => ({ ...shift(span), recordStart: span.recordStart + by })),
    externalData: location.externalData.map(shift),
    dataLocation: location.dataLocation.map(shift),
  });
}
