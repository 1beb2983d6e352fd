import type { Sample } from "@espalier/runtime";

/** Feeds of a model, one after the other; each has one tensor per model input, with a leading batch axis. */
export type Samples = Iterable<Sample> | AsyncIterable<Sample>;

/** Some consecutive samples: the unit of work, of retrying and of resuming. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  /** Index of its first sample. */
  readonly first: number;
  /** At least one. */
  readonly samples: readonly Sample[];
}

/** `shard 3 (samples 96 to 127)`, for messages. */
export function describeShard({ index, first, samples }: Shard): string {
  const last = first + samples.length - 1;
  return `shard ${index} (${first === last ? `sample ${first}` : `samples ${first} to ${last}`})`;
}
