import type { Random } from "./random.js";

/** Entries made at a time: 1 MiB of float32. */
const CHUNK = 2 ** 18;

/**
 * The entries of one random tensor in row-major order, in pieces of at most 1 MiB.
 *
 * Weights `[in, out]` are normal with variance 1 / in, so that products keep the scale of their input; biases and the
 * offsets of normalisation scales from 1 are small and not zero, so that dropping one shows.
 *
 * @param name ends with `/weight`, `/bias` or `/scale`
 */
export function* syntheticChunks(
  name: string,
  dims: readonly number[],
  stream: Random,
): Generator<Float32Array<ArrayBuffer>> {
  const count = dims.reduce((product, size) => product * size, 1);
  const mean = name.endsWith("/scale") ? 1 : 0;
  const deviation = name.endsWith("/weight") ? 1 / Math.sqrt(dims[0]!) : 0.05;
  for (let done = 0; done < count; done += CHUNK) {
    const chunk = stream.float32(Math.min(CHUNK, count - done));
    for (let index = 0; index < chunk.length; index++) chunk[index] = mean + deviation * chunk[index]!;
    yield chunk;
  }
}
